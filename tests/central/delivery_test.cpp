// Records from a till to one or two till-central processes: all of them, once, in order, whatever stops in
// between.
#include <gtest/gtest.h>
#include <signal.h>

#include <filesystem>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include "tests/central/test_till.hpp"

namespace tilld::tests {
namespace {

namespace asio = boost::asio;
using wire::sync::role;

struct asked {
  bool done = false;
  base::result<std::string> answer = base::error{};
};

void ask(asio::io_context& io, daemon::forwarder& f, std::string method, std::string params, asked& into,
         std::chrono::milliseconds timeout = patience) {
  auto run = [](daemon::forwarder* from, std::string m, std::string p, std::chrono::milliseconds t,
                asked* to) -> asio::awaitable<void> {
    auto answer = co_await from->call(std::move(m), std::move(p), t);
    to->answer = std::move(answer);
    to->done = true;
  };
  auto running = run(&f, std::move(method), std::move(params), timeout, &into);
  asio::co_spawn(io, std::move(running), asio::detached);
}

TEST(delivery, brings_every_record_to_the_ledger_and_to_a_witness_that_was_away) {
  asio::io_context io;
  central_program ledger("ledger"), witness("witness");
  test_till till(io);
  ledger.tills["till-1"] = witness.tills["till-1"] = {till.key.public_half()};
  ledger.write_config();
  witness.write_config();
  ASSERT_TRUE(ledger.start());
  till.forward_to("head-office", ledger);
  till.forward_to("witness", witness, role::witness);  // nobody is there yet

  for (int i = 0; i < 100; ++i) till.sell();
  ASSERT_TRUE(run_until(io, [&] { return till.everything_arrived(); }));
  EXPECT_FALSE(till.status("witness").connected);
  EXPECT_EQ(till.status("witness").last_error->code, base::errc::central_unreachable);

  ASSERT_TRUE(witness.start());
  ASSERT_TRUE(run_until(io, [&] { return till.everything_arrived("witness"); }));
  ASSERT_EQ(witness.stop(), 0);
  for (int i = 0; i < 50; ++i) till.sell();
  ASSERT_TRUE(run_until(io, [&] { return till.everything_arrived(); }));
  ASSERT_TRUE(witness.start());
  ASSERT_TRUE(run_until(io, [&] { return till.everything_arrived("witness"); }));

  expect_same_records(ledger, till);
  expect_same_records(witness, till);
  EXPECT_NE(till.status().central_key, till.status("witness").central_key);
  EXPECT_EQ(ledger.stop(), 0);
  EXPECT_EQ(witness.stop(), 0);
  EXPECT_EQ(ledger.command({"verify"}).code, 0);
  EXPECT_EQ(witness.command({"verify"}).code, 0);
}

TEST(delivery, loses_and_doubles_nothing_when_central_dies_at_any_step) {
  asio::io_context io;
  central_program central;
  test_till one(io, "till-1"), two(io, "till-2");
  central.tills["till-1"] = {one.key.public_half()};
  central.tills["till-2"] = {two.key.public_half()};
  central.write_config();
  ASSERT_TRUE(central.start());
  one.forward_to("head-office", central);
  two.forward_to("head-office", central);
  auto sell = [&](int count) {
    for (int i = 0; i < count; ++i) {
      one.sell();
      two.sell();
    }
  };
  auto arrived = [&] { return one.everything_arrived() && two.everything_arrived(); };
  sell(20);
  ASSERT_TRUE(run_until(io, arrived));

  std::map<std::string, int> died_at;
  for (int round = 0; round < 6; ++round) {
    for (auto step : {base::step::apply_begun, base::step::apply_written, base::step::apply_committed,
                      base::step::acknowledged}) {
      auto before = central.times_stopped();
      central.stop_at(step, static_cast<std::uint32_t>(round % 3));
      // Sold one after the other, so that several groups are taken and the step is passed often enough.
      ASSERT_TRUE(run_until(io, [&] {
        if (arrived()) sell(3);
        return central.times_stopped() > before;
      })) << base::name(step);
      central.kill();
      ASSERT_TRUE(run_until(io, [&] { return !one.status().connected && !two.status().connected; }));
      ++died_at[std::string(base::name(step))];
      sell(5);
      ASSERT_TRUE(central.start()) << central.output();
      ASSERT_TRUE(run_until(io, arrived)) << base::name(step);
    }
  }
  for (auto& [step, times] : died_at) std::cout << "killed " << times << " times at " << step << "\n";
  expect_same_records(central, one);
  expect_same_records(central, two);
  EXPECT_EQ(one.status().destination_lost_records, 0u);
  auto status = central.get("/v1/status").json();
  EXPECT_EQ(status.at("restored").to_number<int>(), 0);
  EXPECT_EQ(central.stop(), 0);
  auto verified = central.command({"verify"});
  EXPECT_EQ(verified.code, 0) << verified.output;
}

TEST(delivery, loses_and_doubles_nothing_when_central_dies_at_any_instant) {
  asio::io_context io;
  central_program central;
  test_till till(io);
  central.tills["till-1"] = {till.key.public_half()};
  central.write_config();
  ASSERT_TRUE(central.start());
  till.forward_to("head-office", central);
  for (int round = 0; round < 15; ++round) {
    for (int i = 0; i < 40; ++i) till.sell();
    auto seen = till.status().acknowledged.sequence;
    ASSERT_TRUE(run_until(
        io, [&] { return till.status().acknowledged.sequence >= seen + static_cast<unsigned>(round * 2); }));
    central.kill();
    ASSERT_TRUE(run_until(io, [&] { return !till.status().connected; }));
    ASSERT_TRUE(central.start());
  }
  ASSERT_TRUE(run_until(io, [&] { return till.everything_arrived(); }));
  expect_same_records(central, till);
  EXPECT_EQ(till.status().destination_lost_records, 0u);
}

TEST(delivery, goes_on_after_the_till_itself_forgot_its_witness) {
  asio::io_context io;
  central_program central;
  test_till till(io);
  central.tills["till-1"] = {till.key.public_half()};
  central.write_config();
  ASSERT_TRUE(central.start());
  till.forward_to("head-office", central);
  for (int i = 0; i < 30; ++i) till.sell();
  ASSERT_TRUE(run_until(io, [&] { return till.everything_arrived(); }));
  till.switch_on();
  till.journal.witnesses.clear();
  till.forward_to("head-office", central);
  for (int i = 0; i < 5; ++i) till.sell();
  ASSERT_TRUE(run_until(io, [&] { return till.everything_arrived(); }));
  expect_same_records(central, till);
}

TEST(delivery, sends_large_records_whole) {
  asio::io_context io;
  central_program central;
  test_till till(io);
  central.tills["till-1"] = {till.key.public_half()};
  central.write_config();
  ASSERT_TRUE(central.start());
  till.forward_to("head-office", central);
  std::string noise;
  std::uint32_t x = 1;
  while (noise.size() < base::record_body_size_max - 16) {
    x = x * 1664525 + 1013904223;
    noise += static_cast<char>('0' + (x >> 24) % 75);
  }
  for (int i = 0; i < 4; ++i) till.sell("{\"n\":\"" + std::string(noise.size() - 16, 'a') + "\"}");
  till.sell(noise.substr(0, base::record_body_size_max));
  ASSERT_TRUE(run_until(io, [&] { return till.everything_arrived(); }));
  expect_same_records(central, till);
}

TEST(delivery, notices_that_central_was_restored_and_brings_it_the_missing_records) {
  asio::io_context io;
  central_program central;
  test_till till(io);
  central.tills["till-1"] = {till.key.public_half()};
  central.write_config();
  ASSERT_TRUE(central.start());
  till.forward_to("head-office", central);
  for (int i = 0; i < 10; ++i) till.sell();
  ASSERT_TRUE(run_until(io, [&] { return till.everything_arrived(); }));
  ASSERT_EQ(central.stop(), 0);
  std::filesystem::copy_file(central.database(), central.file("backup.db"));
  ASSERT_TRUE(central.start());
  for (int i = 0; i < 10; ++i) till.sell();
  ASSERT_TRUE(run_until(io, [&] { return till.everything_arrived(); }));
  ASSERT_EQ(central.stop(), 0);
  std::filesystem::copy_file(central.file("backup.db"), central.database(),
                             std::filesystem::copy_options::overwrite_existing);
  std::filesystem::remove(central.database() + "-wal");
  ASSERT_TRUE(run_until(io, [&] { return !till.status().connected; }));
  ASSERT_TRUE(central.start());
  ASSERT_TRUE(run_until(io, [&] { return till.everything_arrived(); }));

  expect_same_records(central, till);
  EXPECT_EQ(till.status().destination_lost_records, 1u);
  auto status = central.get("/v1/status").json();
  EXPECT_EQ(status.at("restored").to_number<int>(), 1);
  EXPECT_EQ(status.at("events").at(0).at("kind").as_string(), "restored");
  EXPECT_NE(central.output().find("lost or changed"), std::string::npos);
  // It never forgets: after a restart it still stands there, and the chain verifies with it.
  ASSERT_EQ(central.stop(), 0);
  EXPECT_EQ(central.command({"verify"}).code, 0);
  auto offline = central.command({"status"});
  EXPECT_EQ(offline.code, 0);
  EXPECT_NE(offline.output.find("LOST RECORDS"), std::string::npos) << offline.output;
}

TEST(delivery, answers_calls_over_the_same_connection) {
  asio::io_context io;
  central_program ledger("ledger"), witness("witness");
  test_till till(io);
  ledger.tills["till-1"] = witness.tills["till-1"] = {till.key.public_half()};
  ledger.write_config();
  witness.write_config();
  till.forward_to("head-office", ledger);
  asked unreachable;
  ask(io, till.at(), "system.ping", "{}", unreachable);
  ASSERT_TRUE(run_until(io, [&] { return unreachable.done; }));
  EXPECT_EQ(unreachable.answer.error().code, base::errc::central_unreachable);

  ASSERT_TRUE(ledger.start());
  ASSERT_TRUE(witness.start());
  till.forward_to("witness", witness, role::witness);
  till.sell();
  ASSERT_TRUE(run_until(io, [&] { return till.everything_arrived() && till.everything_arrived("witness"); }));
  asked ping, head, unknown, wrong, refused;
  ask(io, till.at(), "system.ping", "{}", ping);
  ask(io, till.at(), "till.head", "{}", head);
  ask(io, till.at(), "wallet.unheard_of", "{}", unknown);
  ask(io, till.at(), "till.head", "[1", wrong);
  ask(io, till.at("witness"), "system.ping", "{}", refused);
  ASSERT_TRUE(
      run_until(io, [&] { return ping.done && head.done && unknown.done && wrong.done && refused.done; }));
  ASSERT_TRUE(ping.answer);
  EXPECT_NE(ping.answer->find("time_unix_ms"), std::string::npos);
  ASSERT_TRUE(head.answer);
  EXPECT_NE(head.answer->find(base::to_hex(till.journal.head().hash)), std::string::npos);
  EXPECT_EQ(unknown.answer.error().code, base::errc::unknown_method);
  EXPECT_EQ(wrong.answer.error().code, base::errc::invalid_params);
  EXPECT_EQ(refused.answer.error().code, base::errc::forbidden);

  // A call whose connection breaks has an unknown outcome, not an error.
  ASSERT_EQ(::kill(ledger.pid(), SIGSTOP), 0);
  asked broken, late;
  ask(io, till.at(), "system.ping", "{}", broken);
  ask(io, till.at(), "system.ping", "{}", late, std::chrono::milliseconds(50));
  ASSERT_TRUE(run_until(io, [&] { return late.done; }));
  EXPECT_EQ(late.answer.error().code, base::errc::outcome_unknown);
  ledger.kill();
  ASSERT_TRUE(run_until(io, [&] { return broken.done; }));
  EXPECT_EQ(broken.answer.error().code, base::errc::outcome_unknown);
}

}  // namespace
}  // namespace tilld::tests
