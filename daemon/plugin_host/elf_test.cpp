#include "daemon/plugin_host/elf.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <random>

#include "base/file.hpp"

namespace tilld::daemon::plugin_host {
namespace {

base::byte_string plugin_octets(const std::string& name) {
  const char* folder = std::getenv("TILLD_TEST_PLUGINS");
  EXPECT_NE(folder, nullptr) << "run the tests with ctest";
  return base::read_file(std::string(folder ? folder : "") + "/test_" + name + ".so").value();
}

TEST(elf, tells_what_a_plugin_exports_and_needs) {
  const auto facts = read_elf(plugin_octets("hello_c")).value();
  EXPECT_EQ(facts.exported, std::vector<std::string>{"tilld_plugin_v1"});
  EXPECT_TRUE(std::find(facts.needed.begin(), facts.needed.end(), "libc.so.6") != facts.needed.end());
  EXPECT_FALSE(facts.has_run_path);
  EXPECT_TRUE(read_elf(plugin_octets("run_path")).value().has_run_path);
}

TEST(elf, refuses_a_file_that_is_cut_anywhere) {
  const auto whole = plugin_octets("hello_c");
  // The section headers stand at the end: without the last octet there is nothing to go by.
  for (std::size_t size = 0; size < whole.size(); ++size)
    ASSERT_FALSE(read_elf(base::byte_view(whole).first(size)).has_value()) << size;
}

TEST(elf, reads_damaged_files_without_harm) {
  const auto whole = plugin_octets("hello_c");
  std::mt19937 random(20260101);
  int refused = 0;
  for (int round = 0; round < 5000; ++round) {
    auto damaged = whole;
    // Half of the damage goes into the headers, which decide where to read.
    for (int i = 0; i < 8; ++i) {
      const auto at = i % 2 ? random() % 64 : damaged.size() - 1 - random() % 2048;
      damaged[at] = static_cast<std::uint8_t>(random());
    }
    refused += !read_elf(damaged).has_value();
  }
  EXPECT_GT(refused, 2500);
}

}  // namespace
}  // namespace tilld::daemon::plugin_host
