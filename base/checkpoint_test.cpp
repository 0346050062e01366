#include "base/checkpoint.hpp"

#include <gtest/gtest.h>

#include "base/file.hpp"

namespace tilld::base {
namespace {

const signing_key& test_key() {
  static signing_key key(std::array<std::uint8_t, 32>{7});
  return key;
}

chain_head some_head() {
  chain_head h{2, 300, {}};
  for (std::size_t i = 0; i < h.hash.size(); ++i) h.hash[i] = static_cast<std::uint8_t>(i);
  return h;
}

TEST(checkpoint, is_the_tills_word_on_the_record_before_it) {
  auto made = make_checkpoint(test_key(), "till-1", some_head(), "count");
  auto read = check_checkpoint("till-1", some_head(), made.body());
  ASSERT_TRUE(read) << read.error().detail;
  EXPECT_EQ(read->by, test_key().public_half());
  EXPECT_EQ(read->head, some_head());
  EXPECT_EQ(read->reason, "count");
}

TEST(checkpoint, does_not_speak_for_another_till_or_another_record) {
  auto body = make_checkpoint(test_key(), "till-1", some_head(), "day").body();
  EXPECT_FALSE(check_checkpoint("till-2", some_head(), body));
  for (int which = 0; which < 3; ++which) {
    auto other = some_head();
    if (which == 0) ++other.epoch;
    if (which == 1) ++other.sequence;
    if (which == 2) other.hash[31] ^= 1;
    EXPECT_FALSE(check_checkpoint("till-1", other, body)) << which;
  }
}

TEST(checkpoint, shows_a_change_of_any_octet) {
  auto body = make_checkpoint(test_key(), "till-1", some_head(), "stop").body();
  for (std::size_t at = 0; at < body.size(); ++at) {
    auto changed = body;
    changed[at] = static_cast<char>(changed[at] ^ 1);
    auto read = check_checkpoint("till-1", some_head(), changed);
    // The reason is covered by the chain and not by the signature.
    bool in_reason = at >= 11 && at < 15;
    EXPECT_EQ(static_cast<bool>(read), in_reason && changed[at] != '"') << at << " " << changed;
  }
}

TEST(checkpoint, has_one_spelling) {
  auto body = make_checkpoint(test_key(), "till-1", some_head(), "count").body();
  EXPECT_FALSE(checkpoint::parse(" " + body));
  EXPECT_FALSE(checkpoint::parse(body + " "));
  EXPECT_FALSE(checkpoint::parse("{}"));
  EXPECT_FALSE(checkpoint::parse("[]"));
  EXPECT_FALSE(checkpoint::parse(""));
  EXPECT_FALSE(checkpoint::parse(std::string(body).insert(1, R"("more":1,)")));
}

TEST(checkpoint, stands_with_its_octets_on_the_page_of_the_journal) {
  auto page = read_file(TILLD_SOURCE_DIR "/docs/journal-format.md");
  ASSERT_TRUE(page);
  std::string text(as_text(*page));
  auto made = make_checkpoint(test_key(), "till-1", some_head(), "count");
  EXPECT_NE(text.find(to_hex(checkpoint_text("till-1", some_head()))), std::string::npos)
      << to_hex(checkpoint_text("till-1", some_head()));
  EXPECT_NE(text.find(made.body()), std::string::npos) << made.body();
}

}  // namespace
}  // namespace tilld::base
