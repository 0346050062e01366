#include "plugins/escpos-printer/document.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include <boost/json.hpp>

#include "plugins/escpos-printer/tests/receipts.hpp"
#include "plugins/escpos-printer/tests/schema_check.hpp"

namespace json = boost::json;

namespace tilld::escpos::test {
namespace {

const std::string png_signature = "\x89PNG\r\n\x1a\n";

schema_check receipt_schema() { return schema_check(parse_object(read_file(RECEIPT_SCHEMA))); }

std::vector<std::filesystem::path> examples(const char* kind) {
  std::vector<std::filesystem::path> out;
  for (auto& entry : std::filesystem::directory_iterator(folder() + "/examples/" + kind))
    out.push_back(entry.path());
  std::sort(out.begin(), out.end());
  return out;
}

result<document> read_example(const json::object& example) {
  auto* slots = example.if_contains("slots");
  return read_document(example.at("document").as_object(), slots ? &slots->as_object() : nullptr,
                       png_signature);
}

bool schema_accepts(const schema_check& schema, const json::object& example) {
  if (!schema.accepts(example.at("document"))) return false;
  auto* slots = example.if_contains("slots");
  return !slots || std::all_of(slots->as_object().begin(), slots->as_object().end(),
                               [&](auto& slot) { return schema.accepts("slot_content", slot.value()); });
}

TEST(receipt_document, good_examples_are_accepted_by_reader_and_schema) {
  auto schema = receipt_schema();
  int count = 0;
  for (auto& path : examples("good")) {
    auto example = parse_object(read_file(path));
    auto read = read_example(example);
    EXPECT_TRUE(read) << path << ": " << (read ? "" : to_string(read.error()));
    EXPECT_TRUE(schema_accepts(schema, example)) << path;
    ++count;
  }
  EXPECT_GE(count, 8);
}

TEST(receipt_document, bad_examples_are_refused_by_both_and_the_culprit_is_named) {
  auto schema = receipt_schema();
  int count = 0;
  for (auto& path : examples("bad")) {
    auto example = parse_object(read_file(path));
    auto read = read_example(example);
    ASSERT_FALSE(read) << path;
    EXPECT_EQ(read.error().code, errc::invalid_params) << path;
    std::string complaint(example.at("complaint").as_string());
    EXPECT_TRUE(read.error().detail.starts_with(complaint)) << path << ": " << read.error().detail;
    EXPECT_EQ(schema_accepts(schema, example), example.contains("beyond_schema")) << path;
    ++count;
  }
  EXPECT_GE(count, 50);
}

// Every value of a document, from the outside in.
std::vector<json::value*> values_in(json::value& in) {
  std::vector<json::value*> out{&in};
  auto add = [&](json::value& child) {
    auto more = values_in(child);
    out.insert(out.end(), more.begin(), more.end());
  };
  if (auto* object = in.if_object())
    for (auto& member : *object) add(member.value());
  if (auto* array = in.if_array())
    for (auto& element : *array) add(element);
  return out;
}

TEST(receipt_document, reader_and_schema_agree_on_every_good_example_with_one_value_spoilt) {
  auto schema = receipt_schema();
  const json::array spoilt{nullptr,
                           true,
                           false,
                           0,
                           1,
                           2,
                           9,
                           -1,
                           1.5,
                           "",
                           "x",
                           "auto",
                           "3mm",
                           "0mm",
                           "5%",
                           "M",
                           "double",
                           "12col",
                           "partial",
                           "4006381333931",
                           "ä",
                           "101%",
                           json::array(),
                           json::array{1, 2},
                           json::object(),
                           json::object{{"text", "a"}},
                           json::object{{"data", "iVBORw0KGgo="}}};
  int refused = 0, accepted = 0;
  for (auto& path : examples("good")) {
    auto example = parse_object(read_file(path));
    auto& document = example["document"];
    // Whether a picture is one is beyond the schema.
    if (path.filename().string().starts_with("image-in")) continue;
    auto count = values_in(document).size();
    for (std::size_t at = 1; at < count; ++at)
      for (auto& other : spoilt) {
        auto changed = example;
        *values_in(changed["document"])[at] = other;
        bool by_reader = bool(read_example(changed)), by_schema = schema_accepts(schema, changed);
        ASSERT_EQ(by_reader, by_schema) << path << json::serialize(changed["document"]) << " "
                                        << (by_reader ? "" : read_example(changed).error().detail);
        ++(by_reader ? accepted : refused);
        // What is accepted can be laid out, or is refused with a sentence.
        if (by_reader) {
          auto on = paper::of_width(58).value();
          auto laid = lay_out(read_example(changed).value(), on, type_for(on));
          ASSERT_TRUE(laid || laid.error().code != errc::internal);
        }
      }
  }
  EXPECT_GT(refused, 1000);
  EXPECT_GT(accepted, 100);
}

TEST(receipt_document, schema_and_reader_know_the_same_words) {
  auto schema = receipt_schema();
  auto& defs = schema.root().at("definitions");
  std::vector<std::string> in_schema;
  for (auto& it : defs.at("element").at("oneOf").as_array())
    in_schema.emplace_back(it.at("required").at(0).as_string());
  EXPECT_EQ(in_schema, element_words());

  std::vector<std::string> symbologies;
  for (auto& it :
       defs.at("barcode").at("properties").at("barcode").at("properties").at("type").at("enum").as_array())
    symbologies.emplace_back(it.as_string());
  EXPECT_EQ(symbologies, symbology_words());
}

TEST(receipt_document, slots_are_filled_where_they_stand) {
  auto receipt = parse_object(
      R"({"receipt":1,"body":[{"text":"a"},{"slot":"loyalty"},{"slot":"voucher"},{"text":"b"}]})");
  auto slots = parse_object(R"({"loyalty":[{"text":"120 points"},{"rule":true}]})");
  auto read = read_document(receipt, &slots, "").value();
  ASSERT_EQ(read.body.size(), 4u);
  EXPECT_EQ(std::get<text_element>(read.body[1].content).text, "120 points");
  EXPECT_EQ(read.body[1].path, "slots.loyalty[0]");
  EXPECT_EQ(std::get<text_element>(read.body[3].content).text, "b");
}

TEST(receipt_document, a_slot_that_is_placed_often_cannot_blow_the_receipt_up) {
  json::array body, filling;
  for (int i = 0; i < 1000; ++i) {
    body.push_back(json::object{{"slot", "loyalty"}});
    filling.push_back(json::object{{"text", "a"}});
  }
  json::object slots{{"loyalty", filling}};
  auto read = read_document({{"receipt", 1}, {"body", body}}, &slots, "");
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().detail, "slots.loyalty: has more than 2000 elements");
}

TEST(receipt_document, long_texts_are_refused) {
  json::object receipt{{"receipt", 1}, {"body", {{{"text", std::string(text_size_max + 1, 'a')}}}}};
  auto read = read_document(receipt, nullptr, "");
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().detail, "body[0].text: must have at most 4096 bytes");
}

TEST(receipt_document, control_characters_never_get_past_the_reader) {
  auto read = receipt_of(R"({"text":"a\u001b@\u0010\u0004\u0001b\u0000c\u009bd"})");
  EXPECT_EQ(std::get<text_element>(read.body[0].content).text, "a@bcd");
}

TEST(receipt_document, image_comes_from_the_blob_beside_the_request) {
  auto receipt = parse_object(R"({"receipt":1,"body":[{"image":"blob"}]})");
  EXPECT_EQ(
      std::get<image_element>(read_document(receipt, nullptr, png_signature).value().body[0].content).png,
      png_signature);
  EXPECT_EQ(read_document(receipt, nullptr, "").error().detail, "body[0].image: is not a PNG picture");
}

TEST(receipt_document, direction_follows_the_language) {
  EXPECT_TRUE(receipt_of("", "ar-EG").right_to_left());
  EXPECT_TRUE(receipt_of("", "he").right_to_left());
  EXPECT_FALSE(receipt_of("", "de-DE").right_to_left());
}

}  // namespace
}  // namespace tilld::escpos::test
