// What a JSON value must look like: written once, printed as JSON Schema (draft-07) for editors and for
// rpc.discover, and checked against values by the printed form itself, so that what is promised and what is
// refused cannot differ. The schemas of plugins are read by the same check.
//
// Read of draft-07: type, enum, const, properties, required, additionalProperties, propertyNames, items,
// minimum, maximum, exclusiveMinimum, exclusiveMaximum, minLength, maxLength, pattern, format uuid,
// minItems, maxItems, minProperties, maxProperties, allOf, anyOf, oneOf, not, and $ref within the document.
// Other keywords say nothing. Two rules are ours: null stands for a member that is left out, unless it is
// required; and every number that is no integer is refused where an integer is wanted, 12.0 included.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/object.hpp>

#include "base/error.hpp"

namespace tilld::base {

// Has no default on purpose: a method or a key without a schema does not compile.
class schema {
 public:
  explicit schema(boost::json::object text) : text_(std::move(text)) {}
  const boost::json::object& text() const { return text_; }

  // Changed copies.
  schema saying(std::string_view description) const;
  schema with(std::string_view keyword, boost::json::value value) const;

 private:
  boost::json::object text_;
};

struct schema_complaint {
  enum class about { value, missing_member, unknown_member } what = about::value;
  std::vector<std::string> path;  // from the root; list elements by number, an unknown member last
  std::string why;                // "must be an integer from 1 to 9"; with the word that was meant
  // "lines.0.amount: must be an integer"
  std::string text() const;
};

// What is wrong, in the order of the schema, at most this many.
std::vector<schema_complaint> complaints(const schema& s, const boost::json::value& v, std::size_t most = 1);

// The first complaint as invalid_params.
result<> check_params(const schema& s, const boost::json::object& params);

// The words that schemas are written in.
namespace shape {

struct member {
  std::string name;
  schema what;
  bool is_needed;
};

schema anything();
schema boolean();
schema whole();
schema whole(std::int64_t least);
schema whole(std::int64_t least, std::int64_t most);
schema text();
schema text(std::size_t least, std::size_t most);  // characters
schema one_of(std::initializer_list<std::string_view> words);
schema uuid();
schema hex(std::size_t octets);
schema money();
schema list(schema of);
schema list(schema of, std::size_t least, std::size_t most);
// Any names, each value of this kind.
schema map(schema of);
schema object(std::initializer_list<member> members);
schema object();
// The same with unknown members refused: for what moves value or changes the set-up.
schema closed(schema object);
schema either(std::initializer_list<schema> of);

// Each with a sentence for the reader, without a full stop.
member needed(std::string_view name, schema what, std::string_view says);
member optional(std::string_view name, schema what, std::string_view says);

}  // namespace shape

}  // namespace tilld::base
