#include "base/strict_json.hpp"

#include <gtest/gtest.h>

#include <boost/json.hpp>

using namespace tilld;

namespace {

bool is_taken(std::string_view text) {
  boost::system::error_code failed;
  auto value = base::parse_json(text, failed);
  if (failed) return false;
  // What was taken can be passed on.
  boost::json::parse(boost::json::serialize(value), failed);
  EXPECT_FALSE(failed) << text;
  return true;
}

}  // namespace

TEST(strict_json, takes_no_number_that_it_could_not_write_again) {
  for (auto* good : {"1e308", "-1e308", "1e-400", "[0.1]", R"({"a":18446744073709551615})"})
    EXPECT_TRUE(is_taken(good)) << good;
  for (auto* bad : {"1e309", "-1e309", "1e400", R"({"a":[{"b":1e22272227}]})", "[1", ""})
    EXPECT_FALSE(is_taken(bad)) << bad;
}
