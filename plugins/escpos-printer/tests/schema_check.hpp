// The part of JSON Schema that receipt.1.json uses, so that a test can ask the schema what the reader is
// asked. A keyword that is not known here fails the test instead of being ignored.
#pragma once

#include <boost/json.hpp>

namespace tilld::escpos::test {

class schema_check {
 public:
  explicit schema_check(boost::json::object schema) : root_(std::move(schema)) {}

  bool accepts(const boost::json::value& value) const { return fits(root_, value); }
  // For a definition under "definitions".
  bool accepts(std::string_view definition, const boost::json::value& value) const;
  const boost::json::object& root() const { return root_; }

 private:
  bool fits(const boost::json::object& schema, const boost::json::value& value) const;
  bool fits_keyword(std::string_view word, const boost::json::value& wanted,
                    const boost::json::object& schema, const boost::json::value& value) const;

  boost::json::object root_;
};

}  // namespace tilld::escpos::test
