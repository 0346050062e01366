#include "daemon/server/conversation.hpp"

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/json.hpp>

#include "base/file.hpp"
#include "tests/support/scratch.hpp"

using namespace tilld;
using namespace tilld::daemon;
using std::chrono::milliseconds;
using std::chrono::steady_clock;
namespace asio = boost::asio;
namespace json = boost::json;

namespace {

// What is said goes into a text.
class said_aloud : public outlet {
 public:
  std::string& begin_message() override { return text; }
  void end_message() override { text += '\n'; }
  void flush() override {}
  void close() override { closed = true; }
  std::size_t unsent() const override { return 0; }
  void call_ended() override { ++ended; }
  std::shared_ptr<void> keep() override { return nullptr; }
  std::string text;
  int ended = 0;
  bool closed = false;
};

class a_conversation : public ::testing::Test {
 protected:
  void SetUp() override {
    store::options how;
    how.folder = folder_.path();
    how.till = settings_.till = "till-1";
    how.where = store::options::threads::always_own_thread;
    auto opened = store::open(io_.get_executor(), clock_, how);
    ASSERT_TRUE(opened);
    journal_ = std::move(*opened);
    care_ = std::make_unique<storage_care>(io_.get_executor(), *journal_, clock_, storage_care::settings());
    auto key = base::signing_key::load_or_create(folder_.file("device.key"));
    ASSERT_TRUE(key);
    key_ = std::make_unique<base::signing_key>(std::move(*key));
    keyed_ = std::make_unique<keyed_calls>(io_.get_executor(), *journal_, clock_, base::byte_string(32, 1));
    plugins_ = std::make_unique<plugin_set>(io_.get_executor(), clock_, host_settings{}, events_);
    parts_.reset(new till_parts{io_.get_executor(), settings_, clock_, *journal_, *care_, events_, *plugins_,
                                claims_, *keyed_, methods_, tokens_, *key_, destinations_, "boot",
                                clock_.now(), [] { return std::size_t(1); }});
    add_claim_calls(methods_, parts_.get());
    auto wait = [this](call c) -> asio::awaitable<wire::answer> {
      asio::steady_timer until(io_, steady_clock::time_point::max());
      ++waiting_;
      base::cancellation::stage here(c.cancel.get(), [&until] { until.cancel(); });
      boost::system::error_code ignored;
      while (!c.cancel->wanted() && !finish_) {
        until.expires_after(milliseconds(1));
        co_await until.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
      }
      --waiting_;
      cancelled_ += c.cancel->wanted();
      gone_ += c.gone->wanted();
      json::object reply;
      co_return wire::make_result(reply);
    };
    methods_.add({.name = "test.wait",
                  .summary = "For the test",
                  .allowed = anyone,
                  .params = base::shape::object({}),
                  .result = base::shape::object({})},
                 slow_call(wait));
  }
  void TearDown() override {
    finish_ = true;
    turn([&] { return waiting_ == 0; });
  }

  std::shared_ptr<conversation> begin(said_aloud& out, std::uint64_t connection, role r = role::admin) {
    auto who = std::make_shared<caller>();
    who->principal = "unix:0";
    who->acts_as = r;
    who->connection = connection;
    return std::make_shared<conversation>(who, *parts_, memory_, out);
  }
  static void ask(conversation& talk, const std::string& method, json::object params = {}) {
    talk.take(json::serialize(
        json::object{{"jsonrpc", "2.0"}, {"id", 1}, {"method", method}, {"params", std::move(params)}}));
  }
  template <class Until>
  bool turn(Until until) {
    auto end = steady_clock::now() + std::chrono::seconds(20);
    while (!until()) {
      if (steady_clock::now() > end) return false;
      io_.restart();
      io_.run_one_for(milliseconds(5));
    }
    return true;
  }

  tests::scratch_folder folder_;
  asio::io_context io_;
  base::test_clock clock_;
  config settings_;
  event_hub events_{clock_};
  claim_desk claims_{io_.get_executor(), clock_, events_};
  router methods_;
  token_book tokens_;
  std::vector<std::unique_ptr<forwarder>> destinations_;
  connection_memory memory_{1 << 20, 1 << 20};
  std::unique_ptr<storage_care> care_;
  std::unique_ptr<store> journal_;
  std::unique_ptr<base::signing_key> key_;
  std::unique_ptr<keyed_calls> keyed_;
  std::unique_ptr<plugin_set> plugins_;
  std::unique_ptr<till_parts> parts_;
  int waiting_ = 0, cancelled_ = 0, gone_ = 0;
  bool finish_ = false;
};

}  // namespace

TEST_F(a_conversation, gives_up_what_has_no_key_when_nobody_is_there_to_hear_it) {
  said_aloud out;
  auto talk = begin(out, 1);
  ask(*talk, "test.wait");
  ask(*talk, "test.wait", {{"idempotency_key", "k"}});
  ASSERT_TRUE(turn([&] { return waiting_ == 2; }));
  talk->leave();
  ASSERT_TRUE(turn([&] { return waiting_ == 1; }));
  EXPECT_EQ(cancelled_, 1);
  finish_ = true;
  ASSERT_TRUE(turn([&] { return waiting_ == 0; }));
  EXPECT_EQ(cancelled_, 1) << "what has a key goes on";
  EXPECT_EQ(gone_, 2) << "and who only waits for it is told that nobody listens";
  EXPECT_EQ(out.ended, 0);
}

TEST_F(a_conversation, loses_answers_on_purpose_and_marks_those_that_it_gives) {
  chaos on_purpose(1);
  parts_->on_purpose = &on_purpose;
  add_event_calls(methods_, parts_.get());
  std::size_t closed = 0, answered = 0;
  for (int i = 0; i < 200; ++i) {
    said_aloud out;
    auto talk = begin(out, 10);
    ask(*talk, "events.subscribe", {{"topics", json::array{"scanner.scanned"}}});
    turn([&] { return out.closed || !out.text.empty(); });
    closed += out.closed;
    answered += !out.text.empty();
    if (!out.text.empty()) {
      EXPECT_EQ(json::parse(out.text).at("chaos"), true) << out.text;
    }
    talk->leave();
  }
  EXPECT_EQ(closed + answered, 200u);
  EXPECT_GT(closed, 5u);
  EXPECT_GT(answered, 150u);
  auto told = on_purpose.describe();
  EXPECT_EQ(
      told.at("closed_before").to_number<std::size_t>() + told.at("closed_after").to_number<std::size_t>(),
      closed);
}

TEST_F(a_conversation, takes_nothing_by_force_when_it_ended_before_that_was_written_down) {
  plugin_config device;
  device.name = "sim";
  device.file = "/nowhere/nothing.so";
  plugins_->start({device});
  said_aloud out, out_2;
  auto holder = begin(out, 1), force = begin(out_2, 2);
  ask(*holder, "device.claim", {{"device", "sim"}});
  ASSERT_TRUE(turn([&] { return holder->in_flight().empty(); }));
  EXPECT_NE(out.text.find("\"claim\""), std::string::npos) << out.text;
  auto before = journal_->head().sequence;
  ask(*force, "device.claim", {{"device", "sim"}, {"force", true}, {"reason", "closing time"}});
  force->heard_all();
  ASSERT_TRUE(turn([&] { return force->in_flight().empty(); }));
  EXPECT_EQ(journal_->head().sequence, before + 1);
  EXPECT_NE(out_2.text.find("cancelled"), std::string::npos) << out_2.text;
  ASSERT_TRUE(claims_.book().find("sim"));
  EXPECT_EQ(claims_.book().find("sim")->holder.connection, 1u);
}
