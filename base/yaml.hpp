// YAML read strictly: every complaint has file, line and column, an unknown key names the nearest known one,
// and a value of the wrong type says what was expected. Nothing is guessed and nothing is silently ignored.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/value.hpp>

#include "base/error.hpp"
#include "base/yaml_tree.hpp"

namespace tilld::base {

class yaml_map;

// A value of a document, or of several that were laid one over the other. Cheap to copy; the document lives
// as long as one of its values.
class yaml_value {
 public:
  // config_unreadable when the file is missing, larger than 1 MiB, or for the reasons of parse_yaml().
  static result<yaml_value> load(const std::string& path);
  static result<yaml_value> parse(const std::string& text, const std::string& file_name);
  explicit yaml_value(yaml_tree whole) : yaml_value(std::move(whole), "") {}

  result<std::string> text() const;
  result<std::int64_t> integer(std::int64_t least, std::int64_t most) const;
  result<bool> boolean() const;
  // One of the words; the complaint lists them.
  result<std::string> one_of(std::initializer_list<std::string_view> words) const;
  result<std::vector<yaml_value>> list() const;
  // A map with no other keys than these, and none twice.
  result<yaml_map> map(std::initializer_list<std::string_view> known_keys) const;
  // The whole value as JSON: plain true, false, null and numbers keep their type, quoted scalars are strings.
  // So are numbers that JSON cannot hold as they stand: with a leading zero, or whole and beyond 64 bits.
  result<boost::json::value> json() const;

  bool is_map() const;
  bool is_list() const;
  bool is_null() const;

  // "FILE:LINE:COLUMN: path: why" as config_wrong_value.
  error wrong(const std::string& why) const;
  const std::string& key_path() const { return path_; }
  const yaml_tree& tree() const { return node_; }

 private:
  friend class yaml_map;
  yaml_value(yaml_tree node, std::string path) : node_(std::move(node)), path_(std::move(path)) {}

  yaml_tree node_;
  std::string path_;
};

class yaml_map {
 public:
  // Nothing when the key is absent or its value is empty.
  std::optional<yaml_value> find(std::string_view key) const;
  // config_wrong_value that names the missing key when it is absent.
  result<yaml_value> need(std::string_view key) const;

 private:
  friend class yaml_value;
  explicit yaml_map(yaml_value whole) : whole_(std::move(whole)) {}
  yaml_value whole_;
};

// The known word with the smallest edit distance, or nothing when none is near.
std::optional<std::string> nearest_word(std::string_view word, std::span<const std::string_view> known);
std::optional<std::string> nearest_word(std::string_view word, std::initializer_list<std::string_view> known);

}  // namespace tilld::base
