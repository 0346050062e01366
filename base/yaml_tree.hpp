// A YAML document as a tree of values that never change. Each knows its file and place, so that files laid
// one over the other still say where a value comes from.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <boost/json/object.hpp>

#include "base/error.hpp"

namespace tilld::base {

struct yaml_node;
using yaml_tree = std::shared_ptr<const yaml_node>;

struct yaml_node {
  enum class kind { nothing, scalar, list, map } what = kind::nothing;
  bool quoted = false;      // a scalar in quotes is a text, whatever it looks like
  bool taken_back = false;  // nothing, and on purpose: ~ or null stands there
  std::string scalar;
  std::vector<yaml_tree> items;
  std::vector<std::pair<yaml_tree, yaml_tree>> members;  // key and value as they stand there, doubles too
  std::shared_ptr<const std::string> file;
  int line = 0, column = 0;  // from 1; 0 where there is no place, as in an empty file

  std::string place() const;                       // "FILE:LINE:COLUMN"
  yaml_tree member(std::string_view key) const;    // the value; nullptr when there is none
  yaml_tree key_node(std::string_view key) const;  // where the key itself stands
};

// config_unreadable when it is not UTF-8, not YAML, more than one document, deeper than 64 or, with its
// aliases, more than 100,000 values.
result<yaml_tree> parse_yaml(std::string_view text, const std::string& file_name);

// What holds when `over` is read after `under`. Maps are merged key by key. Of everything else the later file
// wins as a whole, but for lists that the schema marks as `x-merged-by-name`: their elements are merged with
// the one of the same name, and new ones are put behind. A key without a value says nothing; ~ and null take
// back what was said before. Both must fit the schema.
yaml_tree lay_over(const yaml_tree& under, const yaml_tree& over, const boost::json::object& schema);

}  // namespace tilld::base
