#include "wire/replacement.hpp"

#include <gtest/gtest.h>

#include "base/file.hpp"

namespace tilld::wire {
namespace {

replacement sample_order() {
  base::signing_key central(std::array<std::uint8_t, 32>{2}), device(std::array<std::uint8_t, 32>{5});
  replacement r;
  r.till = "till-1";
  r.key = device.public_half();
  r.epoch = 2;
  r.after = {1, 300, {}};
  for (std::size_t i = 0; i < 32; ++i) r.after.hash[i] = static_cast<std::uint8_t>(i);
  r.central = central.public_half();
  r.signature = central.sign(r.signed_text());
  return r;
}

TEST(replacement, is_read_back_as_it_was_written) {
  auto read = replacement::parse(sample_order().text() + "\n");
  ASSERT_TRUE(read) << read.error().detail;
  EXPECT_EQ(*read, sample_order());
}

TEST(replacement, cannot_be_changed_on_its_way) {
  auto text = sample_order().text();
  int accepted = 0;
  for (std::size_t at = 0; at < text.size(); ++at)
    for (char other : {'0', '1', 'a'}) {
      auto changed = text;
      if (changed[at] == other) continue;
      changed[at] = other;
      auto read = replacement::parse(changed);
      accepted += static_cast<bool>(read);
      if (!read) EXPECT_EQ(read.error().code, base::errc::file_refused);
    }
  EXPECT_EQ(accepted, 0);
}

TEST(replacement, grows_the_epoch) {
  base::signing_key central(std::array<std::uint8_t, 32>{2});
  auto r = sample_order();
  r.epoch = 1;
  r.signature = central.sign(r.signed_text());
  EXPECT_FALSE(replacement::parse(r.text()));
}

TEST(replacement, is_nothing_else) {
  for (std::string_view text : {"", "{}", "[]", "null", R"({"order":"tilld.replace.1"})"})
    EXPECT_FALSE(replacement::parse(text)) << text;
}

TEST(replacement, stands_with_its_octets_on_its_page) {
  auto page = base::read_file(TILLD_SOURCE_DIR "/docs/replacing.md");
  ASSERT_TRUE(page) << page.error().detail;
  std::string text(base::as_text(*page));
  EXPECT_NE(text.find(base::to_hex(sample_order().signed_text())), std::string::npos)
      << base::to_hex(sample_order().signed_text());
  EXPECT_NE(text.find(sample_order().text()), std::string::npos) << sample_order().text();
}

}  // namespace
}  // namespace tilld::wire
