// What the ledger decides by itself stands in the witness's chain as well.
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/json.hpp>

#include "tests/central/test_till.hpp"

namespace tilld::tests {
namespace {

namespace json = boost::json;

base::public_key key_in(const json::value& status) {
  auto octets = base::from_hex(std::string(status.at("public_key").as_string()));
  base::public_key key{};
  if (octets && octets->size() == key.size()) std::copy(octets->begin(), octets->end(), key.begin());
  return key;
}

// A ledger whose events go to a witness, and one till that both know.
class witnessed_ledger : public testing::Test {
 protected:
  void SetUp() override {
    base::public_key device{7};
    // Each has to be started once, to make its key.
    witness.write_config();
    ASSERT_TRUE(witness.start());
    auto witness_key = key_in(witness.get("/v1/status").json());
    witness.stop();
    ledger.write_config();
    ASSERT_TRUE(ledger.start());
    witness.tills["ledger-1"] = {key_in(ledger.get("/v1/status").json())};
    ledger.stop();
    witness.write_config();
    ASSERT_TRUE(witness.start());
    ledger.tills["till-1"] = {device};
    ledger.more_yaml =
        "witnesses:\n  - {name: branch, url: \"tcp://127.0.0.1:" + std::to_string(witness.sync_port()) +
        "\", id: ledger-1, merchant: shop, public_key: \"" + base::to_hex(witness_key) + "\"}\n";
    ledger.write_config();
    ASSERT_TRUE(ledger.start());
  }
  json::object link() { return ledger.get("/v1/status").json().at("witnesses").as_array().at(0).as_object(); }
  // Asks again until nothing waits or something does; the server looks four times a second.
  bool wait_for_waiting(std::uint64_t count, std::uint64_t acknowledged_min) {
    return run_until(io, [&] {
      auto l = link();
      return l.at("waiting").to_number<std::uint64_t>() == count &&
             l.at("acknowledged").to_number<std::uint64_t>() >= acknowledged_min;
    });
  }
  json::array events_there() {
    return witness.get("/v1/tills/ledger-1/records").json().at("records").as_array();
  }
  void replace(const std::string& key) {
    auto done = ledger.command({"replace", "till-1", "--public-key", key, "--reason", "the disk is dead"});
    ASSERT_EQ(done.code, 0) << done.output;
  }

  central_program witness{"witness"}, ledger{"ledger"};
  // Nothing runs in it; it is what waiting between two questions waits in.
  boost::asio::io_context io;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> stays{io.get_executor()};
};

TEST_F(witnessed_ledger, has_its_decisions_in_both_chains) {
  ASSERT_TRUE(wait_for_waiting(0, 1));
  replace(std::string(64, 'b'));
  ASSERT_TRUE(wait_for_waiting(0, 2));
  auto there = events_there();
  ASSERT_EQ(there.size(), 2u);
  EXPECT_EQ(there[0].at("kind").as_string(), "central.listed");
  EXPECT_EQ(there[1].at("kind").as_string(), "central.replaced");
  auto& body = there[1].at("body").as_object();
  EXPECT_EQ(body.at("till").as_string(), "till-1");
  auto by = std::string(body.at("event").at("by").as_string());
  EXPECT_NE(by.find("unix:" + std::to_string(::getuid())), std::string::npos) << by;
  // The same event, octet for octet, in the ledger's own chain.
  auto here = ledger.get("/v1/status").json().at("events").as_array();
  EXPECT_EQ(here[0].at("event"), body.at("event"));
  EXPECT_EQ(here[0].at("central_sequence"), body.at("central_sequence"));
  for (auto* server : {&witness, &ledger}) {
    server->stop();
    auto verified = server->command({"verify"});
    EXPECT_EQ(verified.code, 0) << verified.output;
  }
}

TEST_F(witnessed_ledger, shows_what_a_witness_lacks_and_sends_it_later) {
  ASSERT_TRUE(wait_for_waiting(0, 1));
  witness.kill();
  replace(std::string(64, 'b'));
  replace(std::string(64, 'c'));
  ASSERT_TRUE(wait_for_waiting(2, 1));
  EXPECT_TRUE(run_until(io, [&] {
    auto said = ledger.notifications();
    return std::any_of(said.begin(), said.end(),
                       [](auto& n) { return n.find("WITNESS branch LACKS 2 EVENTS") != std::string::npos; });
  }));
  // Also over a restart of the ledger: the events are made again, octet for octet.
  ledger.kill();
  ASSERT_TRUE(ledger.start());
  ASSERT_TRUE(witness.start());
  ASSERT_TRUE(wait_for_waiting(0, 3));
  EXPECT_EQ(events_there().size(), 3u);
}

TEST_F(witnessed_ledger, is_stopped_there_when_its_events_go_back) {
  ASSERT_TRUE(wait_for_waiting(0, 1));
  ledger.kill();
  auto image = slurp(ledger.database());
  auto log = slurp(ledger.database() + "-wal");
  ASSERT_TRUE(ledger.start());
  replace(std::string(64, 'b'));
  ASSERT_TRUE(wait_for_waiting(0, 2));
  ledger.kill();
  // The database of before is put back.
  ASSERT_TRUE(base::write_file_durably(ledger.database(), base::as_bytes(image)));
  ASSERT_TRUE(base::write_file_durably(ledger.database() + "-wal", base::as_bytes(log)));
  ASSERT_TRUE(ledger.start());
  EXPECT_TRUE(run_until(io, [&] {
    auto there = witness.get("/v1/tills/ledger-1/head").json();
    return !there.at("quarantine").is_null() &&
           there.at("quarantine").at("code").as_string() == "journal_rolled_back";
  }));
}

}  // namespace
}  // namespace tilld::tests
