#include "daemon/plugins/violations.hpp"

#include <gtest/gtest.h>

#include <boost/json.hpp>

namespace tilld::daemon {
namespace {

TEST(violations, are_counted_by_name_and_new_only_once) {
  violations seen;
  EXPECT_FALSE(seen.any());
  EXPECT_TRUE(seen.add("tilld.printer/1.print"));
  EXPECT_FALSE(seen.add("tilld.printer/1.print"));
  EXPECT_TRUE(seen.add("tilld.scanner/1.scanned"));
  EXPECT_EQ(boost::json::serialize(seen.as_json()),
            R"({"tilld.printer/1.print":2,"tilld.scanner/1.scanned":1})");
}

TEST(violations, do_not_grow_with_the_names_that_a_plugin_invents) {
  violations seen;
  for (int i = 0; i < 1000; ++i) seen.add("com.example.x/1.event" + std::to_string(i));
  auto all = seen.as_json();
  EXPECT_EQ(all.size(), violations::names_max + 1);
  EXPECT_EQ(all.at("others").to_number<int>(), 1000 - int(violations::names_max));
}

}  // namespace
}  // namespace tilld::daemon
