#include "base/money.hpp"

#include <gtest/gtest.h>

#include <boost/json.hpp>

using namespace tilld::base;

namespace {

result<money> read(const std::string& json) { return money::from_json(boost::json::parse(json), "total"); }

}  // namespace

TEST(money, is_read_and_written_as_minor_units_and_currency) {
  auto m = read(R"({"minor":1250,"currency":"EUR"})");
  ASSERT_TRUE(m) << m.error().detail;
  EXPECT_EQ(m->minor, 1250);
  EXPECT_EQ(m->currency, "EUR");
  EXPECT_EQ(boost::json::serialize(m->to_json()), R"({"minor":1250,"currency":"EUR"})");
  EXPECT_EQ(read(R"({"currency":"EUR","minor":-1})")->minor, -1);
}

TEST(money, goes_up_to_what_a_json_number_can_carry_either_way) {
  EXPECT_EQ(read(R"({"minor":9007199254740991,"currency":"EUR"})")->minor, money_minor_max);
  EXPECT_EQ(read(R"({"minor":-9007199254740991,"currency":"EUR"})")->minor, -money_minor_max);
  for (auto beyond : {"9007199254740992", "-9007199254740992", "9223372036854775807", "-9223372036854775808",
                      "9223372036854775808", "18446744073709551615", "99999999999999999999999"})
    EXPECT_FALSE(read(std::string(R"({"minor":)") + beyond + R"(,"currency":"EUR"})")) << beyond;
}

TEST(money, refuses_whatever_is_not_written_as_an_integer_of_a_currency) {
  for (auto wrong : {"1250",
                     "null",
                     "[]",
                     "{}",
                     R"("12.50 EUR")",
                     R"({"minor":1250})",
                     R"({"currency":"EUR"})",
                     R"({"minor":12.5,"currency":"EUR"})",
                     R"({"minor":1250.0,"currency":"EUR"})",
                     R"({"minor":1e3,"currency":"EUR"})",
                     R"({"minor":"1250","currency":"EUR"})",
                     R"({"minor":true,"currency":"EUR"})",
                     R"({"minor":null,"currency":"EUR"})",
                     R"({"minor":1250,"currency":"eur"})",
                     R"({"minor":1250,"currency":"EU"})",
                     R"({"minor":1250,"currency":"EURO"})",
                     R"({"minor":1250,"currency":978})",
                     R"({"minor":1250,"currency":"E1R"})",
                     R"({"minor":1250,"currency":null})",
                     R"({"minor":1250,"currency":"EUR","factor":100})"}) {
    auto m = read(wrong);
    ASSERT_FALSE(m) << wrong;
    EXPECT_EQ(m.error().code, errc::invalid_params) << wrong;
    EXPECT_EQ(m.error().detail.substr(0, 5), "total") << wrong;
  }
}

TEST(money, is_shown_with_the_digits_of_its_currency) {
  EXPECT_EQ((money{1250, "EUR"}.text()), "12.50 EUR");
  EXPECT_EQ((money{5, "EUR"}.text()), "0.05 EUR");
  EXPECT_EQ((money{0, "EUR"}.text()), "0.00 EUR");
  EXPECT_EQ((money{-5, "EUR"}.text()), "-0.05 EUR");
  EXPECT_EQ((money{-1250, "CHF"}.text()), "-12.50 CHF");
  EXPECT_EQ((money{1250, "JPY"}.text()), "1250 JPY");
  EXPECT_EQ((money{1250, "KWD"}.text()), "1.250 KWD");
  EXPECT_EQ((money{7, "KWD"}.text()), "0.007 KWD");
  EXPECT_EQ((money{money_minor_max, "EUR"}.text()), "90071992547409.91 EUR");
  EXPECT_EQ((money{-money_minor_max, "JPY"}.text()), "-9007199254740991 JPY");
}

TEST(money, knows_the_digits_of_iso_4217) {
  EXPECT_EQ(minor_digits("EUR"), 2);
  EXPECT_EQ(minor_digits("JPY"), 0);
  EXPECT_EQ(minor_digits("KRW"), 0);
  EXPECT_EQ(minor_digits("TND"), 3);
  EXPECT_EQ(minor_digits("XXX"), 2);
}

TEST(money, adds_up_within_one_currency_and_within_its_limit) {
  EXPECT_EQ(*add({1250, "EUR"}, {-50, "EUR"}), (money{1200, "EUR"}));
  EXPECT_EQ(*add({money_minor_max - 1, "EUR"}, {1, "EUR"}), (money{money_minor_max, "EUR"}));
  EXPECT_EQ(add({1, "EUR"}, {1, "CHF"}).error().code, errc::invalid_params);
  EXPECT_EQ(add({money_minor_max, "EUR"}, {1, "EUR"}).error().code, errc::invalid_params);
  EXPECT_EQ(add({-money_minor_max, "EUR"}, {-1, "EUR"}).error().code, errc::invalid_params);
  EXPECT_FALSE(add({money_minor_max, "EUR"}, {money_minor_max, "EUR"}));
}
