#include "central/config.hpp"

#include <gtest/gtest.h>

namespace tilld::central {
namespace {

using base::errc;

const std::string key_one(64, 'a');
const std::string key_two(64, 'b');

std::string good() {
  return "merchants:\n  - {id: shop, name: Corner Shop}\nbranches:\n  - {id: main, merchant: shop}\ntills:\n"
         "  - {id: till-1, branch: main, public_key: " +
         key_one + "}\n  - {id: till-2, branch: main, public_key: " + key_two +
         ", epoch: 3}\ndatabase: sqlite:/tmp/x/central.db\n";
}

errc refusal(const std::string& text, const std::string& must_say) {
  auto c = config::parse(text, "central.yaml");
  if (c) {
    ADD_FAILURE() << "accepted: " << text;
    return errc::internal;
  }
  EXPECT_NE(c.error().detail.find("central.yaml:"), std::string::npos) << c.error().detail;
  EXPECT_NE(c.error().detail.find(must_say), std::string::npos) << c.error().detail;
  return c.error().code;
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  auto at = text.find(from);
  EXPECT_NE(at, std::string::npos);
  return text.replace(at, from.size(), to);
}

TEST(central_config, reads_who_may_send_and_where_it_is_kept) {
  auto c = config::parse(good(), "central.yaml");
  ASSERT_TRUE(c) << to_string(c.error());
  EXPECT_EQ(c->tills.at("till-1").merchant, "shop");
  EXPECT_EQ(c->tills.at("till-1").epoch_allowed, 1u);
  EXPECT_EQ(c->tills.at("till-2").epoch_allowed, 3u);
  EXPECT_EQ(c->database, "/tmp/x/central.db");
  EXPECT_EQ(c->key_path(), "/tmp/x/central.key");
  EXPECT_EQ(c->token_path(), "/tmp/x/central.token");
  EXPECT_EQ(c->role, wire::sync::role::ledger);
  EXPECT_EQ(c->sync.text(), "127.0.0.1:7710");
  EXPECT_EQ(c->http.text(), "127.0.0.1:7711");
  auto w = config::parse(good() + "role: witness\nlisten: {sync: \"[::1]:9\", http: 127.0.0.1:0}\n",
                         "central.yaml");
  ASSERT_TRUE(w) << to_string(w.error());
  EXPECT_EQ(w->role, wire::sync::role::witness);
  EXPECT_EQ(w->sync.text(), "[::1]:9");
}

TEST(central_config, shipped_with_the_program_is_good) {
  auto c = config::load(TILLD_SOURCE_DIR "/config/central.yaml");
  ASSERT_TRUE(c) << to_string(c.error());
  EXPECT_EQ(c->database, "/var/lib/till-central/central.db");
  EXPECT_EQ(c->sync.text(), "127.0.0.1:7710");
  EXPECT_EQ(c->http.text(), "127.0.0.1:7711");
}

TEST(central_config, refuses_what_it_does_not_know_with_line_and_suggestion) {
  EXPECT_EQ(refusal(good() + "roles: ledger\n", "role"), errc::config_unknown_key);
  EXPECT_EQ(refusal(replaced(good(), "public_key", "publickey"), "public_key"), errc::config_unknown_key);
  EXPECT_EQ(refusal(good() + "role: leader\n", "ledger"), errc::config_wrong_value);
  EXPECT_EQ(refusal(replaced(good(), key_one, "abc"), "64 hexadecimal"), errc::config_wrong_value);
  EXPECT_EQ(refusal(replaced(good(), key_two, key_one), "same public_key"), errc::config_wrong_value);
  EXPECT_EQ(refusal(replaced(good(), "id: till-2", "id: till-1"), "twice"), errc::config_wrong_value);
  EXPECT_EQ(refusal(replaced(good(), "branch: main", "branch: side"), "no branch side"),
            errc::config_wrong_value);
  EXPECT_EQ(refusal(replaced(good(), "merchant: shop", "merchant: stop"), "no merchant stop"),
            errc::config_wrong_value);
  EXPECT_EQ(refusal(replaced(good(), "id: till-1", "id: Till_1"), "a-z 0-9 -"), errc::config_wrong_value);
  EXPECT_EQ(refusal(replaced(good(), "epoch: 3", "epoch: 0"), "1"), errc::config_wrong_value);
  EXPECT_EQ(refusal(replaced(good(), "database: sqlite:/tmp/x/central.db", "role: ledger"), "database"),
            errc::config_wrong_value);
}

TEST(central_config, says_that_postgresql_comes_later) {
  EXPECT_EQ(refusal(replaced(good(), "sqlite:/tmp/x/central.db", "\"postgresql:dbname=x\""), "later version"),
            errc::config_wrong_value);
  EXPECT_EQ(refusal(replaced(good(), "sqlite:/tmp/x/central.db", "/tmp/x.db"), "sqlite:PATH"),
            errc::config_wrong_value);
}

TEST(central_config, refuses_to_listen_for_other_machines) {
  for (auto address :
       {"0.0.0.0:7710", "\"*:7710\"", "\"[::]:7710\"", "0:7710", "192.168.0.1:7710", "\":7710\""})
    EXPECT_EQ(refusal(good() + "listen: {sync: " + address + "}\n", "loopback"), errc::listen_refused)
        << address;
  EXPECT_EQ(refusal(good() + "listen: {http: 0.0.0.0:7711}\n", "loopback"), errc::listen_refused);
}

}  // namespace
}  // namespace tilld::central
