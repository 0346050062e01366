#include "daemon/calls/sale_body.hpp"

#include <gtest/gtest.h>

#include <boost/json.hpp>

using namespace tilld;
using base::errc;

namespace {

base::result<daemon::sale::checked> check(const std::string& members) {
  return daemon::sale::check(
      boost::json::parse(R"({"idempotency_key":"k","total":{"minor":500,"currency":"EUR"})" + members + "}")
          .as_object());
}

std::string complaint(const std::string& members) {
  auto checked = check(members);
  if (checked) return "";
  EXPECT_EQ(checked.error().code, errc::invalid_params);
  return checked.error().detail;
}

std::string eur(const std::string& minor) { return R"({"minor":)" + minor + R"(,"currency":"EUR"})"; }

}  // namespace

TEST(sale_body, needs_a_total_and_nothing_else) {
  EXPECT_TRUE(check(""));
  EXPECT_EQ(check("")->total, (base::money{500, "EUR"}));
  EXPECT_FALSE(daemon::sale::check(boost::json::parse(R"({"idempotency_key":"k"})").as_object()));
}

TEST(sale_body, takes_everything_that_it_has_a_place_for) {
  auto full = check(
      R"(,"kind":"sale","receipt_number":"R-1","lines":[{"text":"Brot","product":"4006381333931","category":"bread",
    "quantity":"0.350","unit":"kg","unit_price":)" +
      eur("1429") + R"(,"amount":)" + eur("600") + R"(,
    "tax":{"code":"A","percent":"7.5","amount":)" +
      eur("32") + R"(},"discounts":[{"reason":"evening","amount":)" + eur("-10") + R"(}]}],
    "discounts":[{"amount":)" +
      eur("-100") + R"(}],
    "tenders":[{"type":"cash","amount":)" +
      eur("1000") + R"(},{"type":"cash","amount":)" + eur("-500") + R"(,"reference":"x"}],
    "customer":{"id":"c"},"operator_":{"id":"o"},"order":{"id":"o1"},"original":{"id":"r0"},
    "started_at":"2026-11-21T14:05:00+01:00","paid_at":"2026-11-21T13:05:01.250Z","ended_at":"2026-11-21T13:05:02Z",
    "extra":{"anything":[1,{"a":null}]})");
  // The member may be called operator or operator_ on the socket; what matters here is the rest.
  if (!full) {
    EXPECT_NE(full.error().detail.find("operator_"), std::string::npos) << full.error().detail;
  } else {
    EXPECT_TRUE(full->differences.empty());
  }
}

TEST(sale_body, records_a_sale_whose_sums_differ_and_says_so) {
  auto wrong_lines = check(R"(,"lines":[{"amount":)" + eur("499") + "}]");
  ASSERT_TRUE(wrong_lines);
  ASSERT_EQ(wrong_lines->differences.size(), 1u);
  EXPECT_EQ(wrong_lines->differences[0], "the lines add up to 4.99 EUR, the total is 5.00 EUR");
  auto wrong_tenders = check(R"(,"tenders":[{"type":"cash","amount":)" + eur("501") + "}]");
  ASSERT_TRUE(wrong_tenders);
  EXPECT_EQ(wrong_tenders->differences.size(), 1u);
  // A line without a price leaves nothing to compare.
  EXPECT_TRUE(check(R"(,"lines":[{"text":"free"},{"amount":)" + eur("1") + "}]")->differences.empty());
}

TEST(sale_body, names_the_member_that_is_wrong) {
  EXPECT_NE(complaint(R"(,"lines":[{},{"amount":{"minor":1,"currency":"USD"}}])").find("lines.1.amount"),
            std::string::npos);
  EXPECT_NE(complaint(R"(,"lines":[{"quantity":"1e3"}])").find("lines.0.quantity"), std::string::npos);
  EXPECT_NE(complaint(R"(,"lines":[{"tax":{"percent":"seven"}}])").find("lines.0.tax.percent"),
            std::string::npos);
  EXPECT_NE(complaint(R"(,"tenders":[{"type":"","amount":)" + eur("1") + "}]").find("tenders.0.type"),
            std::string::npos);
  EXPECT_NE(complaint(R"(,"customer":{"id":""})").find("customer.id"), std::string::npos);
  EXPECT_NE(complaint(R"(,"order":{"id":"ä"})").find("order.id"), std::string::npos);
  EXPECT_NE(complaint(R"(,"started_at":"yesterday")").find("started_at"), std::string::npos);
  EXPECT_NE(complaint(R"(,"paid_at":"2026-11-21T14:05:00")").find("paid_at"), std::string::npos);
  EXPECT_NE(complaint(R"(,"ended_at":"2026-11-21 14:05:00Z")").find("ended_at"), std::string::npos);
}

TEST(sale_body, refuses_unknown_members_because_a_mistyped_one_could_be_an_amount) {
  EXPECT_NE(complaint(R"(,"totl":5)").find("totl"), std::string::npos);
  EXPECT_NE(complaint(R"(,"lines":[{"ammount":)" + eur("1") + "}]").find("ammount"), std::string::npos);
  EXPECT_NE(
      complaint(R"(,"tenders":[{"type":"cash","amount":{"minor":1,"currency":"EUR","tip":1}}])").find("tip"),
      std::string::npos);
}

TEST(sale_body, takes_no_fraction_and_no_amount_beyond_what_a_double_holds) {
  for (auto bad : {R"({"minor":1.5,"currency":"EUR"})", R"({"minor":"1","currency":"EUR"})",
                   R"({"minor":1e2,"currency":"EUR"})", R"({"minor":9007199254740992,"currency":"EUR"})",
                   R"({"minor":1,"currency":"euro"})", R"({"minor":1})", "1", "null"})
    EXPECT_NE(complaint(R"(,"lines":[{"amount":)" + std::string(bad) + "}]"),
              bad == std::string("null") ? "x" : "")
        << bad;
  // Two of the largest amounts do not add up to an amount any more.
  auto most = eur("9007199254740991");
  EXPECT_NE(complaint(R"(,"lines":[{"amount":)" + most + R"(},{"amount":)" + most + "}]"), "");
}

TEST(sale_body, has_room_for_a_whole_evening_on_one_receipt_and_not_for_more) {
  std::string lines;
  for (int i = 0; i < 5000; ++i) lines += "{},";
  lines.pop_back();
  EXPECT_TRUE(check(R"(,"lines":[)" + lines + "]"));
  EXPECT_NE(complaint(R"(,"lines":[{},)" + lines + "]").find("5000"), std::string::npos);
}
