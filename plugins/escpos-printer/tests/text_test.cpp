#include "plugins/escpos-printer/text.hpp"

#include <gtest/gtest.h>

#include "plugins/escpos-printer/tests/receipts.hpp"

namespace tilld::escpos::test {
namespace {

TEST(plain_text, of_the_bakery_receipt_is_the_golden_one) {
  for (int width : {58, 80})
    EXPECT_EQ(as_text(laid_out(bakery_receipt(), width)),
              read_file(folder() + "/golden/bakery." + std::to_string(width) + ".txt"));
}

TEST(plain_text, says_in_words_what_it_cannot_show) {
  EXPECT_EQ(
      as_text(laid_out(
          R"({"qr":{"data":"https://example.test"}},{"barcode":{"type":"ean8","data":"7351353"}})", 58)),
      "    [QR https://example.test]\n       [barcode 73513537]\n            73513537\n");
}

TEST(plain_text, keeps_the_columns_beside_letters_of_other_widths) {
  auto text = as_text(laid_out(
      R"({"row":[{"text":"特级初榨橄榄油"},{"text":"12,80 €","align":"right","width":"auto"}]})", 58));
  EXPECT_EQ(text, "特级初榨橄榄油           12,80 €\n");
}

TEST(plain_text, has_no_invisible_characters) {
  auto text = as_text(laid_out(R"({"text":"خبز 12,40 €"})", 58));
  EXPECT_EQ(text, "خبز 12,40 €\n");
}

}  // namespace
}  // namespace tilld::escpos::test
