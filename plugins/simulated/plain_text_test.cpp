#include "plugins/simulated/plain_text.hpp"

#include <gtest/gtest.h>

#include <boost/json.hpp>

#include <tilld/json_reader.hpp>

namespace simulated {
namespace {

using lines = std::vector<std::string>;

lines print(const char* document, const char* slots = "{}") {
  return plain_text(boost::json::parse(document).as_object(),
                    tilld::from_json<tilld::printer::slots_by_name>(boost::json::parse(slots)));
}

TEST(plain_text, prints_texts_rows_and_codes) {
  EXPECT_EQ(print(R"({"receipt":1,"body":[
      {"text":"Bakery","bold":true}, {"text":[{"text":"a"},{"text":"b","bold":true}]}, {"text":"two\nlines"},
      {"row":[{"text":"2 x roll"},{"text":"1.98"}]}, {"qr":{"data":"Q"}}, {"barcode":{"type":"code128","data":"B"}},
      {"image":"logo"}, {"feed":"3mm"}, {"of":"tomorrow"}, 5]})"),
            (lines{"Bakery", "ab", "two", "lines", "2 x roll 1.98", "[qr Q]", "[barcode B]", "[image]"}));
}

TEST(plain_text, fills_slots_by_name_and_leaves_out_the_others) {
  EXPECT_EQ(print(R"({"body":[{"slot":"loyalty"},{"slot":"voucher"},{"text":"end"}]})",
                  R"({"loyalty":[{"text":"120 points"},{"slot":"loyalty"}]})"),
            (lines{"120 points", "end"}));
}

TEST(plain_text, refuses_a_document_without_a_body) {
  EXPECT_THROW(print(R"({"receipt":1})"), tilld::failure);
  EXPECT_THROW(print(R"({"receipt":1,"body":"text"})"), tilld::failure);
}

}  // namespace
}  // namespace simulated
