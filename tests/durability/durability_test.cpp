// No answer before the disk has it: the real daemon on a disk that holds, fails or fills up on order.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>

#include "tests/durability/watched_disk.hpp"
#include "tests/support/scratch.hpp"
#include "tests/support/shop.hpp"

using namespace tilld;
using std::chrono::milliseconds;
using std::chrono::steady_clock;
using tests::line_client;
namespace json = boost::json;

namespace {

constexpr auto patience = milliseconds(20'000);

json::object sale(const std::string& key, std::int64_t minor = 100) {
  return {{"idempotency_key", key}, {"total", {{"minor", minor}, {"currency", "EUR"}}}};
}

std::string kind_of(const std::optional<json::object>& answer) {
  if (!answer) return "no answer";
  auto* e = answer->if_contains("error");
  return e ? std::string(e->at("data").at("kind").as_string()) : "";
}

std::size_t sales_in_journal(const tests::shop& shop) {
  auto verified = shop.connect(true).call("journal.verify", {}, patience);
  if (!verified || !verified->at("result").at("whole").as_bool()) tests::give_up("the journal is not whole");
  return verified->at("result").at("kinds").at("sale").to_number<std::size_t>();
}

class a_till_on_a_watched_disk : public ::testing::Test {
 protected:
  void SetUp() override {
    shop_.till_environment = disk_.environment();
    if (auto* other = std::getenv("TILLD_TEST_TILL")) shop_.till_program = other;
    shop_.start_till();
  }

  json::object storage() {
    auto status = ask_.call("system.status");
    return status ? status->at("result").at("storage").as_object() : json::object();
  }
  // Sells until commits run where they should; a disk that does nothing is fast, however busy the machine is.
  bool sell_until_on(const std::string& where) {
    disk_.be_very_fast(true);
    auto until = steady_clock::now() + patience;
    for (int i = 0; storage().at("commits_on").as_string() != where; ++i) {
      if (steady_clock::now() > until ||
          kind_of(till_.call("sale.record", sale("warm-" + std::to_string(i)))) != "")
        return false;
    }
    return true;
  }

  tests::scratch_folder folder_;
  durability::watched_disk disk_{folder_.file("disk")};
  tests::shop shop_{folder_.path()};
  line_client till_, ask_;
  void connect() {
    till_ = shop_.connect();
    ask_ = shop_.connect();
  }
};

}  // namespace

TEST_F(a_till_on_a_watched_disk, answers_no_sale_before_its_flush_and_everything_else_meanwhile) {
  connect();
  ASSERT_EQ(storage().at("commits_on").as_string(), "own thread")
      << "until the disk has shown that it is fast";
  disk_.hold();
  auto id = till_.send("sale.record", sale("held"));
  ASSERT_TRUE(disk_.wait_for_held(patience));
  for (int i = 0; i < 50; ++i) {
    EXPECT_EQ(kind_of(ask_.call("system.ping")), "");
    EXPECT_EQ(kind_of(ask_.call("system.status")), "");
    EXPECT_EQ(kind_of(ask_.call("queue.status")), "");
  }
  EXPECT_TRUE(disk_.holds_one());
  EXPECT_FALSE(till_.answer(id, milliseconds(0)));
  auto before = disk_.completed();
  disk_.release();
  auto answer = till_.answer(id, patience);
  EXPECT_EQ(kind_of(answer), "");
  EXPECT_GT(disk_.completed(), before);
}

TEST_F(a_till_on_a_watched_disk, leaves_the_io_thread_after_one_very_slow_flush) {
  connect();
  ASSERT_TRUE(sell_until_on("I/O thread"));
  // The first slow flush holds everybody up, since nobody could know.
  disk_.hold();
  auto id = till_.send("sale.record", sale("first"));
  ASSERT_TRUE(disk_.wait_for_held(patience));
  auto ping = ask_.send("system.ping", {});
  EXPECT_FALSE(ask_.answer(ping, milliseconds(150)));
  EXPECT_FALSE(till_.answer(id, milliseconds(0)));
  disk_.release();
  EXPECT_EQ(kind_of(till_.answer(id, patience)), "");
  EXPECT_EQ(kind_of(ask_.answer(ping, patience)), "");
  EXPECT_EQ(storage().at("commits_on").as_string(), "own thread");
  // The second holds up nobody but those who sell.
  disk_.hold();
  id = till_.send("sale.record", sale("second"));
  ASSERT_TRUE(disk_.wait_for_held(patience));
  EXPECT_EQ(kind_of(ask_.call("system.ping")), "");
  EXPECT_TRUE(disk_.holds_one());
  EXPECT_FALSE(till_.answer(id, milliseconds(0)));
  disk_.release();
  EXPECT_EQ(kind_of(till_.answer(id, patience)), "");
}

TEST_F(a_till_on_a_watched_disk, completes_a_flush_for_each_of_a_thousand_answers) {
  connect();
  std::size_t too_early = 0;
  for (int i = 0; i < 1000; ++i) {
    auto before = disk_.completed();
    ASSERT_EQ(kind_of(till_.call("sale.record", sale("one-" + std::to_string(i)))), "");
    // Nobody else writes here, so the flush that came in between is this sale's.
    too_early += disk_.completed() == before;
  }
  EXPECT_EQ(too_early, 0u);
  RecordProperty("answers", 1000);
}

TEST_F(a_till_on_a_watched_disk, lets_nothing_out_while_a_flush_is_held_however_many_sell) {
  std::vector<line_client> tills;
  for (int i = 0; i < 8; ++i) tills.push_back(shop_.connect());
  int next = 0, answered = 0, holds = 0, too_early = 0;
  std::vector<int> in_hand(tills.size(), 0);
  auto take = [&] {
    int got = 0;
    for (std::size_t i = 0; i < tills.size(); ++i)
      while (auto line = tills[i].read_line(milliseconds(0))) {
        EXPECT_NE(line->find("\"result\""), std::string::npos) << *line;
        --in_hand[i];
        ++got;
      }
    return got;
  };
  auto until = steady_clock::now() + std::chrono::seconds(60);
  while (answered < 1000 && steady_clock::now() < until) {
    for (std::size_t i = 0; i < tills.size(); ++i)
      if (in_hand[i] < 4) {
        tills[i].send("sale.record", sale("many-" + std::to_string(next++)));
        ++in_hand[i];
      }
    answered += take();
    if (answered / 25 > holds) {
      ++holds;
      disk_.hold();
      // Something is in hand; its flush comes and waits.
      tills[0].send("sale.record", sale("hold-" + std::to_string(holds)));
      ++in_hand[0];
      ASSERT_TRUE(disk_.wait_for_held(patience));
      // What was flushed before may still be on its way; once the daemon has answered a ping it has been
      // sent. On the I/O thread the daemon stands still, and nothing can come at all.
      auto ask = shop_.connect();
      ask.call("system.ping", {}, milliseconds(200));
      answered += take();
      ask.call("system.ping", {}, milliseconds(20));
      auto got = take();
      too_early += got;
      answered += got;
      EXPECT_TRUE(disk_.holds_one());
      disk_.release();
    }
  }
  EXPECT_GE(answered, 1000);
  EXPECT_GE(holds, 35);
  EXPECT_EQ(too_early, 0);
}

TEST_F(a_till_on_a_watched_disk, goes_on_in_a_fresh_file_after_one_flush_failed_and_loses_nothing) {
  connect();
  std::vector<std::string> told;
  for (int i = 0; i < 20; ++i) {
    auto answer = till_.call("sale.record", sale("good-" + std::to_string(i)));
    ASSERT_EQ(kind_of(answer), "");
    told.push_back(json::serialize(answer->at("result")));
  }
  disk_.fail_next(EIO);
  // Whoever sells only waits a little longer.
  auto answer = till_.call("sale.record", sale("good-20"), patience);
  ASSERT_EQ(kind_of(answer), "");
  told.push_back(json::serialize(answer->at("result")));
  EXPECT_EQ(storage().at("state").as_string(), "ok");
  EXPECT_EQ(storage().at("fresh_copies").to_number<int>(), 1);
  EXPECT_FALSE(std::filesystem::exists(shop_.state_folder() + "/journal.fresh"));
  for (std::size_t i = 0; i < told.size(); ++i)
    EXPECT_EQ(json::serialize(till_.call("sale.record", sale("good-" + std::to_string(i)))->at("result")),
              told[i]);

  shop_.till().kill();
  shop_.start_till();
  connect();
  for (std::size_t i = 0; i < told.size(); ++i)
    EXPECT_EQ(json::serialize(till_.call("sale.record", sale("good-" + std::to_string(i)))->at("result")),
              told[i]);
  EXPECT_EQ(sales_in_journal(shop_), told.size());
}

TEST_F(a_till_on_a_watched_disk,
       acknowledges_nothing_when_every_flush_fails_and_shows_everything_acknowledged_after_a_restart) {
  connect();
  std::vector<std::string> told;
  for (int i = 0; i < 20; ++i) {
    auto answer = till_.call("sale.record", sale("good-" + std::to_string(i)));
    ASSERT_EQ(kind_of(answer), "");
    told.push_back(json::serialize(answer->at("result")));
  }
  disk_.fail_all(EIO);
  EXPECT_EQ(kind_of(till_.call("sale.record", sale("failed"), patience)), "storage_failed");
  EXPECT_EQ(kind_of(till_.call("sale.record", sale("after"), patience)), "storage_failed");
  EXPECT_EQ(storage().at("state").as_string(), "failed");
  auto status = ask_.call("system.status");
  EXPECT_EQ(status->at("result").at("state").as_string(), "degraded");
  EXPECT_EQ(status->at("result").at("queue").at("refused_next").at(0).at("kind").as_string(),
            "storage_failed");
  // What was done is still said, and nothing else is refused for it.
  EXPECT_EQ(json::serialize(till_.call("sale.record", sale("good-7"))->at("result")), told[7]);
  EXPECT_EQ(kind_of(till_.call("sale.record", sale("good-7", 999))), "key_conflict");
  EXPECT_EQ(kind_of(ask_.call("system.ping")), "");

  // The disk is well again; the kernel is still the one that may have forgotten something.
  disk_.fail_all(0);
  shop_.till().kill();
  shop_.start_till();
  connect();
  EXPECT_EQ(storage().at("state").as_string(), "ok");
  EXPECT_EQ(storage().at("fresh_copies").to_number<int>(), 1);
  for (std::size_t i = 0; i < told.size(); ++i)
    EXPECT_EQ(json::serialize(till_.call("sale.record", sale("good-" + std::to_string(i)))->at("result")),
              told[i]);
  EXPECT_EQ(kind_of(till_.call("sale.record", sale("failed"))), "");
  EXPECT_EQ(kind_of(till_.call("sale.record", sale("failed"))), "");
  EXPECT_EQ(kind_of(till_.call("sale.record", sale("after"))), "");
  EXPECT_EQ(sales_in_journal(shop_), told.size() + 2);
}

namespace {

// A small disk of its own for a folder; only root can make one.
class small_disk {
 public:
  explicit small_disk(std::string folder) : folder_(std::move(folder)) {
    std::filesystem::create_directories(folder_);
    mounted_ = ::mount("tilld-test", folder_.c_str(), "tmpfs", 0, "size=40m,mode=0700") == 0;
  }
  ~small_disk() {
    if (mounted_) ::umount2(folder_.c_str(), MNT_DETACH);
  }
  bool mounted() const { return mounted_; }
  // Takes all the room that is left, to the last octet.
  void fill() {
    int fd = ::open(filler().c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    std::string much(1 << 20, 'x');
    for (std::size_t size = much.size(); size > 0;)
      if (auto n = ::write(fd, much.data(), size); n <= 0) size /= 2;
    ::close(fd);
  }
  void empty() { ::unlink(filler().c_str()); }

 private:
  std::string filler() const { return folder_ + "/filler"; }
  std::string folder_;
  bool mounted_ = false;
};

}  // namespace

TEST(a_till_on_a_small_disk, refuses_sales_when_it_is_full_still_drains_and_takes_them_again_by_itself) {
  tests::scratch_folder folder;
  small_disk disk(folder.file("state"));
  if (!disk.mounted())
    GTEST_SKIP() << "only root can mount a small disk; store_test has the same with a simulated one";
  {
    tests::shop shop(folder.path());
    shop.more_yaml = "storage: {keep_free_mib: 0}\n";  // full to the last octet is what this is about
    auto& central = shop.add_central("ledger");
    shop.start_central("ledger");
    shop.start_till();
    central.running.kill();
    auto till = shop.connect(), ask = shop.connect();
    auto storage = [&] {
      return std::string(ask.call("system.status")->at("result").at("storage").at("state").as_string());
    };
    auto waiting = [&] {
      return ask.call("queue.status")
          ->at("result")
          .at("destinations")
          .at(0)
          .at("waiting")
          .at("records")
          .to_number<std::int64_t>();
    };
    std::string first;
    for (int i = 0; i < 200; ++i) {
      auto answer = till.call("sale.record", sale("before-" + std::to_string(i)));
      ASSERT_EQ(kind_of(answer), "");
      if (i == 0) first = json::serialize(answer->at("result"));
    }
    disk.fill();
    // The log may have some room of its own left.
    int acknowledged = 200, refused = 0;
    for (int i = 0; i < 5000 && refused == 0; ++i) {
      auto kind = kind_of(till.call("sale.record", sale("full-" + std::to_string(i))));
      if (kind.empty()) {
        ++acknowledged;
      } else {
        ASSERT_EQ(kind, "storage_full");
        ++refused;
      }
    }
    ASSERT_EQ(refused, 1);
    EXPECT_EQ(storage(), "full");
    EXPECT_EQ(kind_of(till.call("sale.record", sale("another"))), "storage_full");
    EXPECT_EQ(json::serialize(till.call("sale.record", sale("before-0"))->at("result")), first);
    EXPECT_GE(waiting(), acknowledged);

    // Nothing new goes in, but what is there goes out: the ballast gave the room for it.
    shop.start_central("ledger");
    EXPECT_TRUE(shop.wait_drained("ledger", milliseconds(30'000)));
    EXPECT_EQ(storage(), "full");
    std::size_t sales = 0;
    for (auto& r : shop.records_at("ledger")) sales += r.at("kind").as_string() == "sale";
    EXPECT_EQ(sales, static_cast<std::size_t>(acknowledged));

    disk.empty();
    EXPECT_EQ(kind_of(till.call("sale.record", sale("another"))), "");
    EXPECT_EQ(storage(), "ok");
    EXPECT_TRUE(shop.wait_drained("ledger", milliseconds(30'000)));
    EXPECT_EQ(sales_in_journal(shop), static_cast<std::size_t>(acknowledged) + 1);
    shop.stop_till();
  }
}
