#include "daemon/plugins/plugin_words.hpp"

#include <gtest/gtest.h>
#include <tilld/plugin.h>

using namespace tilld;
using daemon::error_of;

TEST(plugin_words, give_a_status_its_place_in_the_registry) {
  EXPECT_EQ(error_of(TILLD_E_NO_DEVICE, R"({"detail":"unplugged"})").code, base::errc::device_gone);
  EXPECT_EQ(error_of(TILLD_E_NO_DEVICE, R"({"detail":"unplugged"})").detail, "unplugged");
  EXPECT_EQ(error_of(TILLD_E_CONFIG, "{}").code, base::errc::plugin_config);
  EXPECT_EQ(error_of(4711, "not json").code, base::errc::device_fault);
}

TEST(plugin_words, let_a_plugin_name_kinds_of_devices_and_money_and_no_others) {
  EXPECT_EQ(error_of(TILLD_E_IO, R"({"kind":"paper_out"})").code, base::errc::paper_out);
  EXPECT_EQ(error_of(TILLD_E_IO, R"({"kind":"declined"})").code, base::errc::declined);
  for (auto kind : {"storage_full", "forbidden", "unauthenticated", "journal_damaged", "no such kind",
                    "config_unreadable"})
    EXPECT_EQ(error_of(TILLD_E_IO, std::string(R"({"kind":")") + kind + "\"}").code, base::errc::device_fault)
        << kind;
}

TEST(plugin_words, find_what_is_wrong_with_the_words_of_a_failure) {
  using daemon::complaint_about_failure;
  EXPECT_EQ(complaint_about_failure(R"({"detail":"no paper","kind":"paper_out"})"), std::nullopt);
  EXPECT_EQ(complaint_about_failure(R"({"detail":"no paper"})"), std::nullopt);
  EXPECT_EQ(complaint_about_failure("no paper"), "body: is not a JSON object");
  EXPECT_EQ(complaint_about_failure("{}"), "detail: is missing, or no text");
  EXPECT_EQ(complaint_about_failure(R"({"detail":"x","kind":"paper is out"})"),
            "kind: is none of docs/errors.md");
}

TEST(plugin_words, read_hello_without_trusting_its_types) {
  auto d = daemon::read_hello(
      R"({"id":"org.a","provides":["x/1",7],"uses":"y/1","sandbox":{"landlock_abi":"7","paths_restricted":true}})");
  EXPECT_EQ(d.id, "org.a");
  EXPECT_EQ(d.provides, (std::vector<std::string>{"x/1"}));
  EXPECT_TRUE(d.uses.empty());
  EXPECT_EQ(d.landlock_abi, 0);
  EXPECT_TRUE(d.paths_restricted);
  EXPECT_FALSE(daemon::read_hello("nonsense").paths_restricted);
}
