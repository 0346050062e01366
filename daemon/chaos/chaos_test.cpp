#include "daemon/chaos/chaos.hpp"

#include <gtest/gtest.h>

#include <set>

#include <boost/json.hpp>

using namespace tilld::daemon;
using connection = chaos::call_fate::connection;
using device = chaos::device_fate;

TEST(chaos, gives_the_same_calls_the_same_fate_in_each_run_with_a_seed) {
  chaos one(7), same(7), other(8);
  int differences = 0;
  for (int i = 0; i < 1000; ++i) {
    auto a = one.next_call("sale.record"), b = same.next_call("sale.record"),
         c = other.next_call("sale.record");
    EXPECT_EQ(a.what, b.what);
    EXPECT_EQ(a.delay, b.delay);
    differences += a.what != c.what || a.delay != c.delay;
    auto asked = one.next_question("tilld.printer/1.print");
    EXPECT_EQ(asked, same.next_question("tilld.printer/1.print"));
    other.next_question("tilld.printer/1.print");
  }
  EXPECT_GT(differences, 100);
}

TEST(chaos, brings_every_fate_and_leaves_most_calls_alone) {
  chaos c(1);
  std::set<connection> calls;
  std::set<device> devices;
  int untouched = 0;
  for (int i = 0; i < 1000; ++i) {
    auto fate = c.next_call("printer.print");
    calls.insert(fate.what);
    untouched += fate.what == connection::lives && fate.delay.count() == 0;
    EXPECT_LT(fate.delay.count(), 2'000);
    devices.insert(c.next_question("tilld.printer/1.print"));
  }
  EXPECT_EQ(calls.size(), 3u);
  EXPECT_EQ(devices.size(), 4u);
  EXPECT_GT(untouched, 600);
  EXPECT_LT(untouched, 950);
  auto told = c.describe();
  EXPECT_EQ(told.at("seed"), 1);
  EXPECT_EQ(told.at("calls"), 1000);
  EXPECT_GT(told.at("closed_after").to_number<int>(), 10);
}

TEST(chaos, spares_what_a_person_needs_to_see_what_goes_on) {
  chaos c(3);
  for (int i = 0; i < 500; ++i)
    for (auto* method : {"session.hello", "system.status", "plugin.list", "token.create", "rpc.discover"}) {
      auto fate = c.next_call(method);
      EXPECT_EQ(fate.what, connection::lives);
      EXPECT_EQ(fate.delay.count(), 0);
    }
  for (int i = 0; i < 500; ++i) EXPECT_EQ(c.next_question("stop"), device::lives);
  EXPECT_EQ(c.describe().at("calls"), 0);
}
