// Starting, stopping and being set up wrongly.
#include <gtest/gtest.h>
#include <signal.h>

#include <filesystem>
#include <fstream>

#include "tests/central/test_till.hpp"

namespace tilld::tests {
namespace {

void write_file(const std::string& path, const std::string& text) { std::ofstream(path) << text; }

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  auto at = text.find(from);
  EXPECT_NE(at, std::string::npos) << text;
  return text.replace(at, from.size(), to);
}

TEST(setup, tells_the_service_manager_when_it_is_ready_and_when_it_stops) {
  central_program central;
  central.write_config();
  ASSERT_TRUE(central.start());
  auto ready = central.notifications().front();
  EXPECT_NE(ready.find("STATUS=sync 127.0.0.1:" + std::to_string(central.sync_port())), std::string::npos)
      << ready;
  EXPECT_EQ(central.stop(), 0);
  EXPECT_EQ(central.notifications().back(), "STOPPING=1");
}

TEST(setup, stops_cleanly_with_tills_connected) {
  boost::asio::io_context io;
  central_program central;
  test_till till(io);
  central.tills["till-1"] = {till.key.public_half()};
  central.write_config();
  ASSERT_TRUE(central.start());
  till.forward_to("head-office", central);
  for (int i = 0; i < 50; ++i) till.sell();
  ASSERT_TRUE(run_until(io, [&] { return till.status().acknowledged.sequence > 0; }));
  EXPECT_EQ(central.stop(), 0);
  EXPECT_EQ(central.command({"verify"}).code, 0);
}

TEST(setup, refuses_to_listen_for_other_machines_in_every_spelling) {
  central_program central;
  central.write_config();
  auto good = slurp(central.config_path());
  auto own = "sync: 127.0.0.1:" + std::to_string(central.sync_port());
  for (auto host : {"0.0.0.0:7710", "0:7710", "\"*:7710\"", "\"[::]:7710\"", "\":7710\"",
                    "\"[::ffff:0.0.0.0]:7710\"", "10.1.2.3:7710", "example.test:7710"}) {
    write_file(central.config_path(), replaced(good, own, std::string("sync: ") + host));
    EXPECT_FALSE(central.start()) << host;
    EXPECT_NE(central.output().find("listen_refused"), std::string::npos) << central.output();
    EXPECT_NE(central.output().find("not a loopback address"), std::string::npos);
    EXPECT_EQ(central.command({"check"}).code, 2) << host;
  }
}

TEST(setup, names_file_and_line_of_what_is_wrong) {
  central_program central;
  central.write_config();
  EXPECT_EQ(central.command({"check"}).code, 0);
  write_file(central.config_path(), slurp(central.config_path()) + "datbase: x\n");
  auto wrong = central.command({"check"});
  EXPECT_EQ(wrong.code, 2);
  EXPECT_NE(wrong.output.find("central.yaml:"), std::string::npos) << wrong.output;
  EXPECT_NE(wrong.output.find("database"), std::string::npos) << wrong.output;
}

TEST(setup, is_one_process_on_one_database) {
  central_program central;
  central.write_config();
  ASSERT_TRUE(central.start());
  auto second = central.command({"verify"});
  EXPECT_EQ(second.code, 1);
  EXPECT_NE(second.output.find("storage_locked"), std::string::npos) << second.output;
  // status asks the running one instead.
  auto status = central.command({"status", "--json"});
  EXPECT_EQ(status.code, 0) << status.output;
  EXPECT_NE(status.output.find("\"role\":\"ledger\""), std::string::npos);
}

TEST(setup, does_not_run_with_a_key_that_others_can_read_or_that_is_not_its_own) {
  central_program central;
  central.write_config();
  ASSERT_TRUE(central.start());
  ASSERT_EQ(central.stop(), 0);
  namespace fs = std::filesystem;
  fs::permissions(central.file("central.key"), fs::perms::owner_read | fs::perms::group_read);
  EXPECT_FALSE(central.start());
  fs::remove(central.file("central.key"));
  EXPECT_FALSE(central.start());
  EXPECT_NE(central.output().find("another key"), std::string::npos) << central.output();
}

TEST(setup, commands_do_not_make_what_is_not_there) {
  central_program central;
  central.write_config();
  EXPECT_EQ(central.command({"verify"}).code, 1);
  EXPECT_EQ(central.command({"release", "till-1", "--reason", "x"}).code, 1);
  EXPECT_FALSE(std::filesystem::exists(central.database()));
  EXPECT_FALSE(std::filesystem::exists(central.file("central.key")));
  EXPECT_EQ(central.command({"release", "till-1"}).code, 2);
  EXPECT_EQ(central.command({"no-such-command"}).code, 2);
}

TEST(setup, heeds_test_variables_only_when_allowed) {
  central_program central;
  central.write_config();
  ::setenv("TILLD_TEST_STEPS", central.file("no-such-file").c_str(), 1);
  EXPECT_EQ(central.command({"check"}).code, 0);
  ::unsetenv("TILLD_TEST_STEPS");
}

}  // namespace
}  // namespace tilld::tests
