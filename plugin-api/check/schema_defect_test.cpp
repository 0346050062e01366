#include "plugin-api/check/schema_defect.hpp"

#include <gtest/gtest.h>

#include <boost/json.hpp>

namespace tilld::plugin_check {
namespace {

std::optional<std::string> defect(const char* text) {
  return schema_defect(boost::json::parse(text).as_object());
}

TEST(schema_defect, finds_none_in_schemas_as_they_are_written) {
  EXPECT_EQ(defect("{}"), std::nullopt);
  EXPECT_EQ(defect(R"({"type":["string","null"],"x-note":[1],"multipleOf":2,"default":7})"), std::nullopt);
  EXPECT_EQ(
      defect(R"({"definitions":{"pin":{"enum":["high"]}},"properties":{"a":{"$ref":"#/definitions/pin"}},
                       "required":["a"],"additionalProperties":false})"),
      std::nullopt);
}

TEST(schema_defect, names_the_place) {
  EXPECT_EQ(defect(R"({"type":"text"})"), "type: is not a type");
  EXPECT_EQ(defect(R"({"properties":{"port":"string"}})"), "properties.port: is not a schema");
  EXPECT_EQ(defect(R"({"properties":{"port":{"enum":[]}}})"), "properties.port.enum: must be a list");
  EXPECT_EQ(defect(R"({"required":"port"})"), "required: must be a list of names");
  EXPECT_EQ(defect(R"({"maxLength":"3"})"), "maxLength: must be a number of zero or more");
  EXPECT_EQ(defect(R"({"minimum":"3"})"), "minimum: must be a number");
  EXPECT_EQ(defect(R"({"oneOf":[]})"), "oneOf: must be a list of schemas");
  EXPECT_EQ(defect(R"({"pattern":"("})"), "pattern: is not a regular expression");
  EXPECT_EQ(defect(R"({"items":{"$ref":"#/definitions/none"}})"), "items.$ref: refers to nothing");
}

}  // namespace
}  // namespace tilld::plugin_check
