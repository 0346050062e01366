// Large requests of one till in hand, and what is left for the others.
#include "tests/two_tills/two_tills.hpp"

namespace tilld::tests {
namespace {

class large_requests : public two_tills {
 protected:
  static std::string nearly_a_mebibyte() { return std::string((1 << 20) - 400, 'x'); }
  json::object sale(const std::string& key, int lines) {
    json::array all;
    for (int i = 0; i < lines; ++i)
      all.push_back({{"text", std::string(200, 't')}, {"amount", {{"minor", 100}, {"currency", "EUR"}}}});
    return {{"idempotency_key", key},
            {"total", {{"minor", 100 * lines}, {"currency", "EUR"}}},
            {"lines", std::move(all)}};
  }
};

}  // namespace

TEST_F(large_requests, that_wait_for_a_customer_are_not_kept_in_memory) {
  std::vector<std::int64_t> awaits;
  for (std::size_t i = 0; i < 6; ++i) {
    awaits.push_back(one_.send("reader.await", {{"deadline_ms", 60'000}, {"pad", nearly_a_mebibyte()}}));
    ASSERT_TRUE(in_hand_at("sim", i + 1));
  }
  EXPECT_EQ(kind_of(two_.call("sale.record", sale("s", 80))), "result");
  EXPECT_EQ(kind_of(two_.call("printer.render",
                              {{"format", "text"}, {"document", document()}, {"pad", nearly_a_mebibyte()}})),
            "result");
  for (auto id : awaits) one_.call("rpc.cancel", {{"id", id}});
}

TEST_F(large_requests, of_one_till_leave_room_for_another_and_for_every_sale) {
  for (int i = 0; i < 8; ++i) one_.send("org.tilld.test.stubborn.work", {{"when_cancelled", "gives_up"}});
  ASSERT_TRUE(in_hand_at("slow", 8));
  // These wait for their turn with all that they say, as many as the daemon takes.
  std::vector<std::int64_t> large;
  for (int i = 0; i < 20; ++i)
    large.push_back(one_.send("org.tilld.test.stubborn.work",
                              {{"when_cancelled", "gives_up"}, {"pad", nearly_a_mebibyte()}}));
  EXPECT_EQ(kind_of(one_.answer(large.back())), "busy");
  EXPECT_EQ(kind_of(two_.call("sale.record", sale("s", 2000))), "result");
  EXPECT_EQ(kind_of(two_.call("printer.render",
                              {{"format", "text"}, {"document", document()}, {"pad", nearly_a_mebibyte()}})),
            "result");
}

TEST_F(large_requests, have_a_limit_that_is_told) {
  EXPECT_EQ(hello_.at("limits").at("large_requests_octets").to_number<std::size_t>(), 25'165'824u);
}

}  // namespace tilld::tests
