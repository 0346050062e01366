#include "daemon/router/kept_answers.hpp"

#include <gtest/gtest.h>

using namespace tilld::daemon;
using tilld::base::uuid;

namespace {

operation_row row(const std::string& key, const std::string& answer = "{}",
                  const std::string& principal = "token:1") {
  operation_row r;
  r.key = {principal, "reader.await", key};
  r.id = uuid::v7(1);
  r.state = operation_state::done;
  r.kind = answer_kind::result;
  r.answer = answer;
  return r;
}

}  // namespace

TEST(kept_answers, are_found_by_key_and_by_id_until_their_time_is_over) {
  kept_answers kept;
  auto one = row("a");
  kept.put(one, 1000);
  ASSERT_TRUE(kept.find(one.key));
  ASSERT_TRUE(kept.find(one.id));
  EXPECT_FALSE(kept.find(operation_key{"token:2", "reader.await", "a"}));
  EXPECT_EQ(kept.forget_old(1000 + kept_answers::kept_ms - 1), 1000 + kept_answers::kept_ms);
  EXPECT_TRUE(kept.find(one.key));
  EXPECT_EQ(kept.forget_old(1000 + kept_answers::kept_ms), std::nullopt);
  EXPECT_FALSE(kept.find(one.key));
}

TEST(kept_answers, are_replaced_under_the_same_key) {
  kept_answers kept;
  auto first = row("a"), second = row("a");
  kept.put(first, 1);
  kept.put(second, 2);
  EXPECT_FALSE(kept.find(first.id));
  EXPECT_TRUE(kept.find(second.id));
  EXPECT_EQ(kept.count(), 1u);
}

TEST(kept_answers, of_one_principal_push_out_none_of_another) {
  kept_answers kept;
  kept.put(row("mine", "{}", "token:2"), 1);
  for (std::size_t i = 0; i <= kept_answers::of_a_principal_max; ++i) kept.put(row(std::to_string(i)), 2);
  EXPECT_TRUE(kept.find(operation_key{"token:2", "reader.await", "mine"}));
  EXPECT_FALSE(kept.find(operation_key{"token:1", "reader.await", "0"})) << "the oldest gave way";
  EXPECT_TRUE(kept.find(operation_key{"token:1", "reader.await", "1"}));
}

TEST(kept_answers, hold_no_more_octets_than_they_may) {
  kept_answers kept;
  kept.put(row("huge", std::string(kept_answers::answer_octets_max + 1, 'x')), 1);
  auto* huge = kept.find(operation_key{"token:1", "reader.await", "huge"});
  ASSERT_TRUE(huge);
  EXPECT_EQ(huge->kind, answer_kind::expired);
  EXPECT_TRUE(huge->answer.empty());
  for (int i = 0; i < 5; ++i)
    kept.put(row(std::to_string(i), std::string(kept_answers::answer_octets_max, 'x')), 2);
  EXPECT_FALSE(kept.find(operation_key{"token:1", "reader.await", "0"}));
  EXPECT_TRUE(kept.find(operation_key{"token:1", "reader.await", "4"}));
}
