#include "wire/origin.hpp"

#include <gtest/gtest.h>

using tilld::wire::parse_origin;

TEST(origin, is_spelled_as_a_browser_spells_it) {
  const char* good[][2] = {{"https://till.example", "https://till.example"},
                           {"HTTPS://Till.Example/", "https://till.example"},
                           {"https://till.example:443", "https://till.example"},
                           {"https://till.example:8443", "https://till.example:8443"},
                           {"http://localhost:3000", "http://localhost:3000"},
                           {"http://127.0.0.1:80", "http://127.0.0.1"},
                           {"http://[::1]:3000", "http://[::1]:3000"},
                           {"tauri://localhost", "tauri://localhost"},
                           {"chrome-extension://abcdef", "chrome-extension://abcdef"}};
  for (auto& [given, spelled] : good) {
    auto got = parse_origin(given);
    ASSERT_TRUE(got) << given;
    EXPECT_EQ(*got, spelled);
  }
}

TEST(origin, is_refused_when_it_means_more_than_one_page_or_a_page_that_anybody_can_change) {
  for (auto bad : {"*",
                   "https://*.till.example",
                   "null",
                   "file://",
                   "file:///x",
                   "till.example",
                   "https://",
                   "",
                   "https://till.example/till",
                   "https://user@till.example",
                   "https://till.example.",
                   "https://.till.example",
                   "https://till.example:0",
                   "https://till.example:99999",
                   "https://till.example:",
                   "https://till.example:08",
                   "http://till.example",
                   "http://localhost.evil.example",
                   "https://till example",
                   "://till.example",
                   "https:till.example",
                   "https://till.example?x",
                   "https://till.example#x"})
    EXPECT_FALSE(parse_origin(bad)) << bad;
}
