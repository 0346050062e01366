#include "plugins/escpos-printer/code.hpp"

#include <ReadBarcode.h>
#include <TextUtfEncoding.h>
#include <gtest/gtest.h>

#include "plugins/escpos-printer/tests/receipts.hpp"

namespace tilld::escpos::test {
namespace {

using symbology = barcode_element::symbology;

struct scanned {
  ZXing::BarcodeFormat format;
  std::string text;
};

// What a scanner reads from the receipt, as it would come out of the printer.
scanned scan(const bitmap& dots) {
  std::vector<std::uint8_t> grey(std::size_t(dots.width) * std::size_t(dots.height));
  for (int y = 0; y < dots.height; ++y)
    for (int x = 0; x < dots.width; ++x)
      grey[std::size_t(y) * std::size_t(dots.width) + std::size_t(x)] = dots.dark(x, y) ? 0 : 255;
  ZXing::DecodeHints hints;
  hints.setTryRotate(false);
  auto found = ZXing::ReadBarcode({grey.data(), dots.width, dots.height, ZXing::ImageFormat::Lum}, hints);
  return {found.format(), ZXing::TextUtfEncoding::ToUtf8(found.text())};
}

scanned scan_printed(const std::string& element, int width) {
  return scan(painted(
      laid_out(R"({"text":"Ihr Beleg","align":"center"},)" + element + R"(,{"text":"Danke"})", width)));
}

TEST(qr, scans_from_the_receipt) {
  for (int width : {58, 80, 512})
    for (auto ecc : {"L", "M", "Q", "H"})
      for (auto data :
           {"https://example.test/r/018f2c3e-7b1a-7c55-9d7e-2f1a5b6c7d8e", "Grüße für 5 €", "1"}) {
        auto element = std::string(R"({"qr":{"data":")") + data + R"(","ecc":")" + ecc + R"("}})";
        auto read = scan_printed(element, width);
        EXPECT_EQ(read.format, ZXing::BarcodeFormat::QRCode) << width << ecc << data;
        EXPECT_EQ(read.text, data) << width << ecc;
      }
}

TEST(qr, has_whole_dot_modules_and_a_quiet_zone_of_four) {
  auto on = paper::of_width(80).value();
  auto code = draw_qr({.data = "https://example.test", .size = {length::unit::tenth_mm, 300}}, on).value();
  int first = 0;
  while (!code.picture.dark(first, first)) ++first;
  int module_dots = first / 4;
  ASSERT_EQ(first, module_dots * 4);
  EXPECT_GE(module_dots, 3);
  EXPECT_EQ(code.picture.width % module_dots, 0);
  for (int y = 0; y < code.picture.height; ++y)
    for (int x = 0; x < code.picture.width; ++x)
      ASSERT_EQ(code.picture.dark(x, y),
                code.picture.dark(x / module_dots * module_dots, y / module_dots * module_dots));
}

TEST(qr, that_needs_finer_dots_than_the_paper_has_is_too_wide) {
  auto on = paper::of_width(192).value();
  auto code = draw_qr({.data = std::string(1000, 'a'), .ecc = 'L'}, on);
  ASSERT_FALSE(code);
  EXPECT_EQ(code.error().code, errc::code_too_wide);
}

TEST(qr, with_more_data_than_its_correction_allows_is_refused) {
  auto code = draw_qr({.data = std::string(2900, 'a'), .ecc = 'H'}, paper::of_width(80).value());
  ASSERT_FALSE(code);
  EXPECT_EQ(code.error().code, errc::invalid_params);
}

struct barcode_case {
  const char* type;
  const char* data;
  ZXing::BarcodeFormat format;
  const char* read;
};

const barcode_case barcode_cases[] = {
    {"code128", "R-2026-000123", ZXing::BarcodeFormat::Code128, "R-2026-000123"},
    {"code128", "Az 09~!", ZXing::BarcodeFormat::Code128, "Az 09~!"},
    {"gs1-128", "(01)04006381333931", ZXing::BarcodeFormat::Code128, "0104006381333931"},
    {"ean13", "4006381333931", ZXing::BarcodeFormat::EAN13, "4006381333931"},
    {"ean13", "400638133393", ZXing::BarcodeFormat::EAN13, "4006381333931"},
    {"ean8", "73513537", ZXing::BarcodeFormat::EAN8, "73513537"},
    {"upca", "036000291452", ZXing::BarcodeFormat::UPCA, "036000291452"},
    {"code39", "TILL-7", ZXing::BarcodeFormat::Code39, "TILL-7"},
    {"code93", "TILL 7", ZXing::BarcodeFormat::Code93, "TILL 7"},
    {"itf", "00123456", ZXing::BarcodeFormat::ITF, "00123456"},
    {"codabar", "A1234B", ZXing::BarcodeFormat::Codabar, "1234"},
};

TEST(barcode, scans_from_the_receipt) {
  for (int width : {58, 80, 512})
    for (auto& it : barcode_cases) {
      auto element = std::string(R"({"barcode":{"type":")") + it.type + R"(","data":")" + it.data + R"("}})";
      auto read = scan_printed(element, width);
      EXPECT_EQ(read.format, it.format) << it.type << " " << width;
      EXPECT_EQ(read.text, it.read) << it.type << " " << width;
    }
}

TEST(barcode, shows_its_check_digit_to_people) {
  auto on = paper::of_width(80).value();
  EXPECT_EQ(draw_barcode({.type = symbology::ean13, .data = "400638133393"}, on).value().caption,
            "4006381333931");
}

TEST(barcode, has_bars_of_whole_dots_and_a_quiet_zone) {
  auto on = paper::of_width(80).value();
  auto code = draw_barcode({.type = symbology::code128, .data = "A1"}, on).value();
  int left = 0, right = 0;
  while (!code.picture.dark(left, 0)) ++left;
  while (!code.picture.dark(code.picture.width - 1 - right, 0)) ++right;
  EXPECT_EQ(left, 30);  // ten modules of three dots
  EXPECT_EQ(right, 30);
  for (int x = 0; x < code.picture.width; ++x)
    ASSERT_EQ(code.picture.dark(x, 0), code.picture.dark(x / 3 * 3, 0));
}

TEST(barcode, too_wide_for_the_paper_is_refused_with_its_place) {
  auto receipt =
      receipt_of(R"({"text":"a"},{"barcode":{"type":"code128","data":"ABCDEFGHIJKLMNOPQRSTUVWXYZ"}})");
  auto on = paper::of_width(58).value();
  auto laid = lay_out(receipt, on, type_for(on));
  ASSERT_FALSE(laid);
  EXPECT_EQ(laid.error().code, errc::code_too_wide);
  EXPECT_EQ(laid.error().detail, "body[1].barcode: is wider than the paper of 384 dots");
  EXPECT_TRUE(lay_out(receipt, paper::of_width(1664).value(), type_for(paper::of_width(1664).value())));
}

TEST(barcode, with_unsuitable_data_is_refused) {
  auto on = paper::of_width(80).value();
  auto refused = [&](symbology type, const char* data) {
    auto code = draw_barcode({.type = type, .data = data}, on);
    return !code && code.error().code == errc::invalid_params;
  };
  EXPECT_TRUE(refused(symbology::ean13, "4006381333930"));  // wrong check digit
  EXPECT_TRUE(refused(symbology::ean13, "40063813339"));
  EXPECT_TRUE(refused(symbology::ean13, "40063813339A"));
  EXPECT_TRUE(refused(symbology::ean8, "73513538"));
  EXPECT_TRUE(refused(symbology::itf, "123"));  // an odd number of digits would scan as another one
  EXPECT_TRUE(refused(symbology::code39, "a#"));
  EXPECT_TRUE(refused(symbology::gs1_128, "(01)123"));
  EXPECT_TRUE(refused(symbology::codabar, "1234"));
}

}  // namespace
}  // namespace tilld::escpos::test
