// Who may send, and what happens when two histories of one till meet.
#include <gtest/gtest.h>
#include <sqlite3.h>

#include "tests/central/test_till.hpp"

namespace tilld::tests {
namespace {

namespace asio = boost::asio;
using base::errc;

struct one_till : testing::Test {
  asio::io_context io;
  central_program central;
  test_till till{io};

  void SetUp() override {
    central.tills["till-1"] = {till.key.public_half()};
    central.write_config();
    ASSERT_TRUE(central.start());
  }
  void sell_and_arrive(int count) {
    for (int i = 0; i < count; ++i) till.sell();
    ASSERT_TRUE(run_until(io, [&] { return till.everything_arrived(); }));
  }
  bool refused_with(test_till& which, errc code) {
    return run_until(io,
                     [&] { return which.status().last_error && which.status().last_error->code == code; });
  }
  std::string quarantine_code() {
    auto head = central.get("/v1/tills/till-1/head").json();
    auto& q = head.at("quarantine");
    return q.is_null() ? "" : std::string(q.at("code").as_string());
  }
};

using identity = one_till;

TEST_F(identity, refuses_a_till_that_is_not_listed) {
  test_till stranger(io, "till-9");
  stranger.forward_to("head-office", central);
  EXPECT_TRUE(refused_with(stranger, errc::till_unknown));
  EXPECT_TRUE(stranger.status().stopped_for_a_person);
  EXPECT_EQ(central.get("/v1/tills/till-9/head").status, 404);
}

TEST_F(identity, refuses_a_till_with_another_key) {
  test_till impostor(io);
  impostor.forward_to("head-office", central);
  EXPECT_TRUE(refused_with(impostor, errc::key_refused));
  EXPECT_EQ(quarantine_code(), "");
  till.forward_to("head-office", central);
  sell_and_arrive(3);
}

TEST_F(identity, refuses_a_till_that_expects_another_role) {
  till.forward_to("head-office", central, wire::sync::role::witness);
  EXPECT_TRUE(refused_with(till, errc::role_mismatch));
}

TEST_F(identity, is_pinned_by_the_till_at_first_use) {
  till.forward_to("head-office", central);
  sell_and_arrive(2);
  central_program other;
  other.tills = central.tills;
  other.write_config();
  ASSERT_TRUE(other.start());
  till.switch_on();
  till.forward_to("head-office", other);
  EXPECT_TRUE(refused_with(till, errc::destination_changed));
  EXPECT_EQ(other.get("/v1/tills/till-1/head").json().at("sequence").to_number<int>(), 0);
}

TEST_F(identity, stops_a_till_whose_disk_was_restored_until_a_person_releases_it) {
  till.forward_to("head-office", central);
  sell_and_arrive(10);
  till.switch_on();
  till.journal.cut_to(6);
  till.forward_to("head-office", central);
  EXPECT_TRUE(refused_with(till, errc::journal_rolled_back) || refused_with(till, errc::quarantined));
  EXPECT_EQ(quarantine_code(), "journal_rolled_back");
  EXPECT_TRUE(refused_with(till, errc::quarantined));

  // The lost tail is what central has: a new epoch goes on behind it, once a person allowed it.
  auto head = central.get("/v1/tills/till-1/head").json();
  base::chain_head after;
  after.sequence = head.at("sequence").to_number<std::uint64_t>();
  auto hash = base::from_hex(std::string(head.at("hash").as_string()));
  std::copy(hash->begin(), hash->end(), after.hash.begin());
  ASSERT_EQ(after.sequence, 10u);
  till.switch_on();
  till.journal.begin_epoch(2, after);
  till.sell();
  till.forward_to("head-office", central);

  auto released = central.command({"release", "till-1", "--reason", "the disk was replaced"});
  EXPECT_EQ(released.code, 0) << released.output;
  EXPECT_TRUE(refused_with(till, errc::epoch_not_allowed));
  ASSERT_EQ(central.stop(), 0);
  central.tills["till-1"].epoch = 2;
  central.write_config();
  ASSERT_TRUE(central.start());
  sell_and_arrive(3);
  EXPECT_EQ(till.status().acknowledged.epoch, 2u);
  EXPECT_EQ(till.status().acknowledged.sequence, 14u);
  ASSERT_EQ(central.stop(), 0);
  auto verified = central.command({"verify"});
  EXPECT_EQ(verified.code, 0) << verified.output;
}

TEST_F(identity, stops_a_till_that_wrote_another_history) {
  till.forward_to("head-office", central);
  sell_and_arrive(10);
  auto before = till.journal.records;
  till.switch_on();
  till.journal.cut_to(8);
  for (int i = 0; i < 2; ++i) till.journal.write(R"({"another":"history"})");
  till.forward_to("head-office", central);
  EXPECT_TRUE(run_until(io, [&] { return till.status().stopped_for_a_person.has_value(); }));
  EXPECT_EQ(quarantine_code(), "journal_forked");
  // Nothing of it was merged.
  till.journal.records = before;
  expect_same_records(central, till);
}

TEST_F(identity, does_not_follow_a_central_that_holds_another_history) {
  till.forward_to("head-office", central);
  sell_and_arrive(10);
  till.switch_on();
  till.journal.cut_to(8);
  till.journal.witnesses.clear();
  // More records than central has, so that central cannot see at sign-on that they are others.
  for (int i = 0; i < 5; ++i) till.journal.write(R"({"another":"history"})");
  till.forward_to("head-office", central);
  EXPECT_TRUE(refused_with(till, errc::journal_forked));
  EXPECT_EQ(central.get("/v1/tills/till-1/head").json().at("sequence").to_number<int>(), 10);
}

TEST_F(identity, stops_both_machines_that_run_with_one_identity) {
  till.forward_to("head-office", central);
  sell_and_arrive(5);
  test_till clone(io, "till-1", till.seed);
  clone.journal = till.journal;
  clone.start_counter = till.start_counter + 1;
  clone.forward_to("head-office", central);
  EXPECT_TRUE(run_until(
      io, [&] { return clone.status().stopped_for_a_person && till.status().stopped_for_a_person; }));
  EXPECT_EQ(quarantine_code(), "till_twin");

  // One is switched off, and a person lets the other go on.
  clone.switch_off();
  auto released = central.command({"release", "till-1", "--reason", "the clone is switched off"});
  EXPECT_EQ(released.code, 0) << released.output;
  till.at().retry_now();
  sell_and_arrive(3);
  EXPECT_EQ(quarantine_code(), "");
  auto status = central.get("/v1/status").json();
  auto& events = status.at("events").as_array();
  ASSERT_EQ(events.size(), 3u) << "listed, stopped, released";
  EXPECT_EQ(events[0].at("kind").as_string(), "released");
  EXPECT_EQ(events[0].at("event").at("reason").as_string(), "the clone is switched off");
  EXPECT_EQ(events[1].at("kind").as_string(), "quarantined");
}

TEST_F(identity, releases_a_till_on_the_database_when_central_does_not_run) {
  till.forward_to("head-office", central);
  sell_and_arrive(5);
  till.switch_on();
  till.start_counter = 1;
  till.forward_to("head-office", central);
  EXPECT_TRUE(run_until(io, [&] { return till.status().stopped_for_a_person.has_value(); }));
  ASSERT_EQ(central.stop(), 0);
  EXPECT_NE(central.command({"release", "till-2", "--reason", "wrong one"}).code, 0);
  EXPECT_EQ(central.command({"release", "till-1", "--reason", "looked at it"}).code, 0);
  EXPECT_NE(central.command({"release", "till-1", "--reason", "twice"}).code, 0);
  ASSERT_TRUE(central.start());
  sell_and_arrive(2);
  ASSERT_EQ(central.stop(), 0);
  EXPECT_EQ(central.command({"verify"}).code, 0);
}

TEST_F(identity, lets_a_restarted_till_in_although_its_older_connection_hangs) {
  // A run that loses its power: its connection stays open, and nobody answers on it any more.
  asio::io_context dead_io;
  test_till dead(dead_io, "till-1", till.seed);
  dead.forward_to("head-office", central);
  dead.sell();
  ASSERT_TRUE(run_until(dead_io, [&] { return dead.everything_arrived(); }));
  till.journal = dead.journal;
  till.switch_on();
  till.forward_to("head-office", central);
  sell_and_arrive(3);
  EXPECT_EQ(quarantine_code(), "");
}

TEST_F(identity, names_the_exact_record_that_somebody_changed_in_the_database) {
  till.forward_to("head-office", central);
  sell_and_arrive(30);
  ASSERT_EQ(central.stop(), 0);
  auto clean = central.command({"verify"});
  EXPECT_EQ(clean.code, 0);
  EXPECT_NE(clean.output.find("30 records"), std::string::npos) << clean.output;
  sqlite3* raw = nullptr;
  ASSERT_EQ(sqlite3_open(central.database().c_str(), &raw), SQLITE_OK);
  EXPECT_EQ(
      sqlite3_exec(
          raw,
          "DROP TRIGGER entry_is_never_changed; UPDATE entry SET content = CAST(replace(CAST(content AS "
          "TEXT), '1250', '9250') AS BLOB) WHERE till_sequence = 17",
          nullptr, nullptr, nullptr),
      SQLITE_OK);
  sqlite3_close(raw);
  auto damaged = central.command({"verify"});
  EXPECT_EQ(damaged.code, 3);
  EXPECT_NE(damaged.output.find("DAMAGED: entry 18, till till-1, record 17"), std::string::npos)
      << damaged.output;
  // The running server finds it too.
  ASSERT_TRUE(central.start());
  auto online = central.get("/v1/verify").json();
  EXPECT_FALSE(online.at("good").as_bool());
  EXPECT_NE(std::string(online.at("problems").at(0).as_string()).find("record 17"), std::string::npos);
}

}  // namespace
}  // namespace tilld::tests
