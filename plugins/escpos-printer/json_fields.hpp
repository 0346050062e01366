// Reads the members of one JSON object and remembers the first thing that was wrong, together with its path.
//
// Every getter returns something usable also after a complaint, so that a reader is a plain list of members
// and asks once, at its end, whether all went well.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include <boost/json/object.hpp>

#include "plugins/escpos-printer/result.hpp"

namespace tilld::escpos {

struct complaint {
  std::optional<error> first;

  void raise(std::string_view path, std::string_view sentence);  // later ones are dropped
};

class fields {
 public:
  // The object must outlive this.
  fields(const boost::json::object& object, std::string path, complaint& to)
      : object_(object), path_(std::move(path)), complaint_(to) {}

  bool has(std::string_view name) const { return object_.contains(name); }
  const boost::json::object& object() const { return object_; }
  const std::string& path() const { return path_; }
  std::string path_of(std::string_view name) const;
  void complain(std::string_view name, std::string_view sentence) const {
    complaint_.raise(path_of(name), sentence);
  }
  complaint& complaints() const { return complaint_; }

  bool flag(std::string_view name, bool otherwise) const;
  int whole(std::string_view name, int min, int max, int otherwise) const;
  // Missing is an error; so is a text shorter or longer than the bounds (in bytes).
  std::string required_text(std::string_view name, std::size_t min, std::size_t max) const;
  std::string text(std::string_view name, std::size_t min, std::size_t max, std::string_view otherwise) const;
  // nullptr when it is missing or no object; only the latter is a complaint.
  const boost::json::object* object_at(std::string_view name) const;
  const boost::json::array* array_at(std::string_view name) const;
  const boost::json::value* find(std::string_view name) const { return object_.if_contains(name); }

  template <class Value>
  using choices = std::span<const std::pair<std::string_view, Value>>;

  // One word of a list.
  template <class Value>
  Value choice(std::string_view name, choices<Value> known, Value otherwise) const {
    auto* it = find(name);
    if (!it) return otherwise;
    std::string list;
    for (auto& [word, value] : known) {
      if (it->is_string() && it->get_string() == word) return value;
      list += (list.empty() ? "" : ", ") + std::string(word);
    }
    complain(name, "must be one of " + list);
    return otherwise;
  }

 private:
  const boost::json::object& object_;
  std::string path_;
  complaint& complaint_;
};

}  // namespace tilld::escpos
