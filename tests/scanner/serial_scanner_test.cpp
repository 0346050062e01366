// From the octets of a serial scanner to the event at the till. mission: D4
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/file.hpp"
#include "tests/support/scratch.hpp"
#include "tests/support/shop.hpp"
#include "tests/support/terminal.hpp"

namespace tilld::tests {
namespace {

namespace json = boost::json;
using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;

class serial_scanner : public testing::Test {
 protected:
  void start(const std::string& more_config = "") {
    shop_.plugins_yaml = "  - name: counter\n    plugin: serial-scanner\n    paths: [\"" + device_.name() +
                         ":rw\"]\n    config: {port: " + device_.name() + more_config + "}\n";
    shop_.start_till();
    till_ = shop_.connect();
    admin_ = shop_.connect(true);
    auto answer = till_.call("events.subscribe", {{"topics", json::array{"scanner"}}});
    ASSERT_TRUE(answer && answer->contains("result"));
  }

  json::object plugin() {
    auto answer = admin_.call("plugin.list");
    return answer ? answer->at("result").at("plugins").at(0).as_object() : json::object();
  }
  // Waits until the instance is in this state and its reason has these words.
  bool becomes(std::string_view state, std::string_view words = "") {
    for (auto until = steady_clock::now() + seconds(30); steady_clock::now() < until;) {
      auto now = plugin();
      if (now.empty()) return false;
      last_seen_ = json::serialize(now);
      if (now.at("state").as_string() == state && last_seen_.find(words) != last_seen_.npos) return true;
      admin_.next_event("none", milliseconds(50));
    }
    return false;
  }
  // "]E0 4006381333931" of the next scan; empty when none comes.
  std::string next_scan(milliseconds at_most = seconds(10)) {
    auto event = till_.next_event("scanner.scanned", at_most);
    if (!event) return "";
    EXPECT_EQ(event->at("source"), "counter");
    auto& data = event->at("data").as_object();
    auto* symbology = data.if_contains("symbology");
    return (symbology ? std::string(symbology->as_string()) + " " : "") +
           std::string(data.at("text").as_string());
  }
  std::string log() {
    auto octets = base::read_file(shop_.till_log());
    return octets ? std::string(base::as_text(*octets)) : "";
  }
  bool log_says(std::string_view words) {
    for (auto until = steady_clock::now() + seconds(10); steady_clock::now() < until;) {
      if (log().find(words) != std::string::npos) return true;
      admin_.next_event("none", milliseconds(20));
    }
    return false;
  }

  scratch_folder folder_;
  shop shop_{folder_.path()};
  serial_device device_{folder_.file("scanner")};
  line_client till_, admin_;
  std::string last_seen_;
};

TEST_F(serial_scanner, tells_the_till_what_was_scanned) {
  device_.plug_in();
  start();
  ASSERT_TRUE(becomes("ready")) << last_seen_;
  device_.say("]E04006381333931\r\n");
  EXPECT_EQ(next_scan(), "]E0 4006381333931");
  // Two in one go, in their order.
  device_.say("4006381333931\r\n96385074\r\n");
  EXPECT_EQ(next_scan(), "4006381333931");
  EXPECT_EQ(next_scan(), "96385074");
  // A text may be worth money: no log has it.
  EXPECT_EQ(log().find("4006381333931"), std::string::npos);
}

TEST_F(serial_scanner, comes_back_by_itself_when_it_is_plugged_in_again) {
  start();
  ASSERT_TRUE(becomes("waiting", "No such file")) << last_seen_;
  device_.plug_in();
  ASSERT_TRUE(becomes("ready")) << last_seen_;
  for (auto label : {"4006381333931", "96385074"}) {
    device_.say(std::string(label) + "\r");
    EXPECT_EQ(next_scan(), label);
    device_.say("40063");  // in the middle of a label
    device_.unplug();
    ASSERT_TRUE(becomes("waiting", "unplugged")) << last_seen_;
    device_.plug_in();
    ASSERT_TRUE(becomes("ready")) << last_seen_;
  }
  // Nobody counts that as a death, and nothing of the half label is left.
  device_.say("81333931\r");
  EXPECT_EQ(next_scan(), "81333931");
}

TEST_F(serial_scanner, drops_half_a_label_and_one_without_an_end) {
  device_.plug_in();
  start();
  ASSERT_TRUE(becomes("ready")) << last_seen_;
  device_.say("40063");
  ASSERT_TRUE(log_says("dropped half a scan"));
  device_.say("96385074\r");
  EXPECT_EQ(next_scan(), "96385074");
  device_.say(std::string(10'000, '7'));
  ASSERT_TRUE(log_says("too long"));
  device_.say("7777\r4006381333931\r");
  EXPECT_EQ(next_scan(), "4006381333931");
  EXPECT_EQ(log().find("77777"), std::string::npos);
}

TEST_F(serial_scanner, ends_a_scan_by_silence_where_the_scanner_sends_no_end) {
  device_.plug_in();
  start(", terminators: []");
  ASSERT_TRUE(becomes("ready")) << last_seen_;
  device_.say("4006381333931");
  EXPECT_EQ(next_scan(), "4006381333931");
}

TEST_F(serial_scanner, says_nothing_while_a_till_has_switched_it_off) {
  device_.plug_in();
  start();
  ASSERT_TRUE(becomes("ready")) << last_seen_;
  auto off = till_.call("scanner.enable", {{"on", false}});
  ASSERT_TRUE(off && off->contains("result")) << (off ? json::serialize(*off) : "");
  device_.say("4006381333931\r");
  EXPECT_EQ(next_scan(milliseconds(300)), "");
  auto on = till_.call("scanner.enable", {{"on", true}});
  ASSERT_TRUE(on && on->contains("result"));
  device_.say("96385074\r");
  EXPECT_EQ(next_scan(), "96385074");
}

TEST_F(serial_scanner, waits_until_another_program_lets_go_of_the_port) {
  device_.plug_in();
  base::unique_fd other(::open(device_.name().c_str(), O_RDWR | O_NOCTTY | O_CLOEXEC));
  ASSERT_EQ(::flock(other.get(), LOCK_EX | LOCK_NB), 0);
  start();
  ASSERT_TRUE(becomes("waiting", "another program has it")) << last_seen_;
  other.reset();
  ASSERT_TRUE(becomes("ready")) << last_seen_;
  // And now it has it: nobody else gets the lock.
  base::unique_fd late(::open(device_.name().c_str(), O_RDWR | O_NOCTTY | O_CLOEXEC));
  EXPECT_TRUE(!late || ::flock(late.get(), LOCK_EX | LOCK_NB) != 0);
}

TEST_F(serial_scanner, is_misconfigured_in_words_and_not_tried_again) {
  device_.plug_in();
  start(", termnators: []");
  ASSERT_TRUE(becomes("misconfigured", "termnators")) << last_seen_;
}

}  // namespace
}  // namespace tilld::tests
