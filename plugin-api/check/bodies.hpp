// What is sent to a plugin: bodies that fit a schema, that break it in one way, and that nobody meant.
#pragma once

#include <random>
#include <string>
#include <vector>

#include "plugin-api/check/subject.hpp"

namespace tilld::plugin_check {

// A body that fits; of a word that changes something with an operation_id of its own. Nothing where none can
// be made from the schema.
std::optional<boost::json::object> right_body(const word& of);
std::string new_operation_id();

// One broken rule: what is sent, and in which way it is wrong.
struct wrong_body {
  std::string text;
  std::string why;  // "amount.minor has a wrong type"
};
std::vector<wrong_body> wrong_bodies(const word& of);

// Anything at all: noise, cut and bent texts, other values in right places, deep nests, long texts. The same
// generator state gives the same body. `fits` tells whether the word would take it.
struct random_body {
  std::string text;
  bool fits = false;
};
random_body any_body(const word& of, std::mt19937_64& from);

}  // namespace tilld::plugin_check
