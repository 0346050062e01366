#include "plugins/escpos-printer/layout.hpp"

#include <gtest/gtest.h>

#include <random>

#include <boost/json.hpp>

#include "plugins/escpos-printer/clean_text.hpp"
#include "plugins/escpos-printer/tests/receipts.hpp"

namespace json = boost::json;

namespace tilld::escpos::test {
namespace {

struct placed_text {
  const box* at;
  std::string text;  // with plain blanks
};

std::vector<placed_text> texts(const layout& receipt) {
  std::vector<placed_text> out;
  for (auto& strip : receipt.strips)
    for (auto& box : strip.boxes)
      if (auto* run = std::get_if<text_run>(&box.content)) {
        auto points = code_points(without_marks(run->text));
        std::replace(points.begin(), points.end(), U'\u00a0', U' ');
        out.push_back({&box, utf8(points)});
      }
  return out;
}

void expect_sound(const layout& receipt) {
  int y = 0;
  for (auto& strip : receipt.strips) {
    ASSERT_EQ(strip.y, y);
    y += strip.height;
    int right = 0;
    for (auto& box : strip.boxes) {
      ASSERT_GE(box.x, right) << "boxes overlap";
      ASSERT_GE(box.y, strip.y);
      ASSERT_LE(box.y + box.height, strip.y + strip.height);
      right = box.x + box.width;
    }
    ASSERT_LE(right, receipt.on.width_dots);
  }
  ASSERT_EQ(receipt.height, y);
}

TEST(layout, right_aligned_amounts_end_at_the_edge_of_the_paper) {
  for (int width : {58, 80, 512}) {
    auto receipt =
        laid_out(R"({"row":[{"text":"Brot"},{"text":"4,80 €","align":"right","width":"auto"}]})", width);
    auto found = texts(receipt);
    ASSERT_EQ(found.size(), 2u);
    EXPECT_EQ(found[0].at->x, 0);
    EXPECT_EQ(found[1].at->x + found[1].at->width, receipt.on.width_dots);
    EXPECT_EQ(found[1].at->width, 6 * receipt.on.cell_dots());
  }
}

TEST(layout, long_names_wrap_beside_their_amount) {
  auto receipt = laid_out(
      R"({"row":[{"text":"Dinkel-Vollkornbrot mit Sonnenblumenkernen"},{"text":"4,80 €","align":"right","width":"auto"}]})",
      58);
  auto found = texts(receipt);
  ASSERT_EQ(found.size(), 3u);
  EXPECT_EQ(found[0].text, "Dinkel-Vollkornbrot mit");
  EXPECT_EQ(found[1].text, "4,80 €");
  EXPECT_EQ(found[2].text, "Sonnenblumenkernen");
  EXPECT_EQ(found[0].at->y, found[1].at->y);
}

TEST(layout, large_text_takes_its_times_of_the_cells) {
  auto receipt = laid_out(R"({"text":"Summe","size":[3,2]})", 80);
  EXPECT_EQ(texts(receipt)[0].at->width, 5 * 3 * 12);
  EXPECT_EQ(receipt.strips[0].height, 2 * 28);
}

TEST(layout, amounts_too_large_for_the_paper_lose_size_and_stay_whole) {
  auto receipt = laid_out(R"({"text":"1.234.567,89 €","size":[8,8]})", 58);
  auto found = texts(receipt);
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].text, "1.234.567,89 €");
  EXPECT_LE(found[0].at->width, 384);
}

TEST(layout, cells_that_do_not_fit_beside_each_other_go_below) {
  auto receipt = laid_out(
      R"({"row":[{"text":"1.234.567,89 €"},{"text":"2.234.567,89 €"},{"text":"3.234.567,89 €","align":"right"}]})",
      58);
  auto found = texts(receipt);
  ASSERT_EQ(found.size(), 3u);
  EXPECT_EQ(found[0].at->y, found[1].at->y);
  EXPECT_GT(found[2].at->y, found[1].at->y);
  EXPECT_EQ(found[2].at->x + found[2].at->width, 384);
}

TEST(layout, text_without_wrapping_ends_with_an_ellipsis) {
  auto receipt = laid_out(
      R"({"row":[{"text":"Dinkel-Vollkornbrot mit Sonnenblumenkernen","wrap":false},{"text":"4,80 €","align":"right","width":"auto"}]})",
      58);
  auto found = texts(receipt);
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].text, "Dinkel-Vollkornbrot mit…");
}

TEST(layout, a_document_in_arabic_runs_from_the_right) {
  auto receipt = laid_out(
      R"({"text":"مخبز النيل"},{"row":[{"text":"خبز"},{"text":"12.50 EGP","align":"end","width":"auto"}]})",
      80, "ar");
  auto found = texts(receipt);
  ASSERT_EQ(found.size(), 3u);
  EXPECT_EQ(found[0].at->x + found[0].at->width, 576);
  EXPECT_EQ(found[1].text, "12.50 EGP");
  EXPECT_EQ(found[1].at->x, 0);
  EXPECT_EQ(found[2].at->x + found[2].at->width, 576);
}

TEST(layout, widths_may_be_shares_columns_and_millimetres) {
  auto receipt = laid_out(
      R"({"row":[{"text":"a","width":"25%"},{"text":"b","width":10},{"text":"c","width":"10mm"},{"text":"d"}]})",
      80);
  auto found = texts(receipt);
  EXPECT_EQ(found[1].at->x, 144 + 12);
  EXPECT_EQ(found[2].at->x, 144 + 12 + 120 + 12);
  EXPECT_EQ(found[3].at->x, 144 + 12 + 120 + 12 + 80 + 12);
}

TEST(layout, missing_glyphs_are_counted) {
  EXPECT_EQ(laid_out(R"({"text":"Brötchen خبز 面包 ขนมปัง לחם 5 €"})", 80).missing_glyphs, 0);
  EXPECT_EQ(laid_out(R"({"text":"\uE000 and \uE001"})", 80).missing_glyphs, 2);
}

TEST(layout, receipts_of_more_than_four_metres_are_refused) {
  std::string elements = R"({"text":"a","size":[1,8]})";
  for (int i = 0; i < 200; ++i) elements += R"(,{"text":"a","size":[1,8]})";
  auto on = paper::of_width(80).value();
  auto laid = lay_out(receipt_of(elements), on, type_for(on));
  ASSERT_FALSE(laid);
  EXPECT_EQ(laid.error().detail, "body[142]: the receipt is longer than 32000 dots");
}

// mission: D5
TEST(layout, never_breaks_an_amount_whatever_stands_around_it) {
  std::mt19937 random(58080);
  auto any = [&](int below) { return int(random() % unsigned(below)); };
  const std::vector<std::string> words{
      "Brot", "Donaudampfschifffahrtsgesellschaft", "خبز", "特级初榨橄榄油", "ขนมปัง", "a", "Käse-Kuchen"};
  const std::vector<std::string> units{" €", " EUR", "€", "", " %", " Kč"};
  auto an_amount = [&] {
    std::string digits = std::to_string(any(10));
    for (int groups = any(4); groups > 0; --groups)
      digits += (any(2) ? "." : "'") + std::to_string(100 + any(900));
    auto unit = units[std::size_t(any(int(units.size())))];
    if (unit == " Kč") unit = " CZK";
    return std::string(any(4) ? "" : "-") + digits + "," + std::to_string(10 + any(90)) + unit;
  };
  for (int round = 0; round < 1500; ++round) {
    std::vector<std::string> amounts;
    json::array cells;
    for (int count = 1 + any(5); count > 0; --count) {
      std::string text;
      for (int n = any(4); n > 0; --n) text += words[std::size_t(any(int(words.size())))] + " ";
      if (any(3)) {
        amounts.push_back(an_amount());
        text += amounts.back();
      }
      json::object cell{
          {"text", text}, {"size", {1 + any(4), 1 + any(4)}}, {"wrap", any(5) > 0 || text.size() > 25}};
      if (!cell["wrap"].as_bool() && text.find(' ') != text.npos) cell["wrap"] = true;
      switch (any(5)) {
        case 0: cell["width"] = "auto"; break;
        case 1: cell["width"] = 1 + any(20); break;
        case 2: cell["width"] = std::to_string(1 + any(60)) + "%"; break;
        default: break;
      }
      if (any(2)) cell["align"] = "right";
      cells.push_back(std::move(cell));
    }
    json::object row{{"receipt", 1}, {"lang", any(5) ? "de" : "ar"}, {"body", {{{"row", cells}}}}};
    auto receipt = read_document(row, nullptr, "").value();
    for (int width : {58, 80, 512}) {
      auto laid = laid_out(receipt, paper::of_width(width).value());
      expect_sound(laid);
      auto found = texts(laid);
      for (auto& amount : amounts) {
        bool whole = std::any_of(found.begin(), found.end(),
                                 [&](auto& it) { return it.text.find(amount) != it.text.npos; });
        ASSERT_TRUE(whole) << amount << " at " << width << " in " << json::serialize(row);
      }
    }
  }
}

}  // namespace
}  // namespace tilld::escpos::test
