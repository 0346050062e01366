#include "daemon/router/keyed_calls.hpp"

#include <gtest/gtest.h>

#include <cerrno>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/json.hpp>

#include "tests/support/fault_vfs.hpp"
#include "tests/support/scratch.hpp"

using namespace tilld;
using namespace tilld::daemon;
using base::errc;
using base::result;
using base::uuid;
using std::chrono::milliseconds;
using wire::answer;
using state = device_outcome::state;
namespace asio = boost::asio;

namespace {

std::string kind_of(const answer& a) {
  return a.is_error ? std::string(boost::json::parse(a.text).at("data").at("kind").as_string()) : "";
}

// What the device of a test does and knows.
struct device {
  int acted = 0, asked = 0;
  device_outcome does{state::done, {false, R"({"confirmation":"printed"})"}, {}};
  device_outcome says{state::unknown, {}, {errc::outcome_unknown, "no idea"}};
  std::vector<uuid> operations, looked_up;
};

// One life of the daemon between two crashes: the store and what stands on it.
class keyed_calls_on_a_till : public ::testing::Test {
 protected:
  void SetUp() override { live(); }
  void live() {
    die();
    disk_.heal();
    io_ = std::make_unique<asio::io_context>();
    store::options how;
    how.folder = folder_.path();
    how.till = "till-1";
    how.vfs = disk_.name();
    how.where = store::options::threads::always_io_thread;
    auto opened = store::open(io_->get_executor(), clock_, how);
    ASSERT_TRUE(opened) << base::to_string(opened.error());
    store_ = std::move(*opened);
    keyed_ = std::make_unique<keyed_calls>(io_->get_executor(), *store_, clock_, base::byte_string(32, 5));
  }
  // What is in hand goes down with the process: coroutines die with the loop, nothing is written any more.
  void die() {
    keyed_.reset();
    io_.reset();
    store_.reset();
  }

  call make(const std::string& method, const std::string& params,
            const std::string& principal = "unix:1000") {
    auto who = std::make_shared<caller>();
    who->principal = principal;
    return {who, method, boost::json::parse(params).as_object(), params};
  }

  // Starts a call; its answer appears in the returned place.
  using place = std::shared_ptr<std::optional<answer>>;
  place start(asio::awaitable<answer> a) {
    auto told = std::make_shared<std::optional<answer>>();
    auto take = [told](std::exception_ptr failed, answer got) {
      EXPECT_FALSE(failed);
      *told = std::move(got);
    };
    asio::co_spawn(*io_, std::move(a), std::move(take));
    return told;
  }
  answer wait(const place& told) {
    auto until = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (!*told && std::chrono::steady_clock::now() < until) {
      io_->restart();
      io_->run_one_for(milliseconds(100));
    }
    if (!*told) {
      ADD_FAILURE() << "no answer";
      return {true, R"({"data":{"kind":"none"}})"};
    }
    return **told;
  }

  place begin_print(device& d, const std::string& params, bool can_tell = true) {
    keyed_calls::device_action action;
    action.device = "printer";
    action.act = [&d](uuid operation,
                      std::shared_ptr<base::cancellation>) -> asio::awaitable<device_outcome> {
      ++d.acted;
      d.operations.push_back(operation);
      co_return d.does;
    };
    if (can_tell)
      action.look_up = [&d](uuid operation, std::string) -> asio::awaitable<device_outcome> {
        ++d.asked;
        d.looked_up.push_back(operation);
        co_return d.says;
      };
    keyed_calls::request request{make("printer.print", params), secrets_, false};
    auto running = keyed_->act(std::move(request), std::move(action));
    return start(std::move(running));
  }
  answer print(device& d, const std::string& params, bool can_tell = true) {
    return wait(begin_print(d, params, can_tell));
  }

  place begin_sale(const std::string& params, const std::string& principal = "unix:1000") {
    keyed_calls::booking effect = [this](rows& in, const uuid& operation) -> result<answer> {
      ++booked_;
      if (refuse_) return base::error{errc::declined, "not today"};
      journal_entry entry{"sale", "{}", base::money{1, "EUR"}};
      auto header = in.append(entry);
      if (!header) return header.error();
      boost::json::object reply{{"operation_id", operation.text()}, {"sequence", header->sequence}};
      return wire::make_result(reply);
    };
    keyed_calls::request request{make("sale.record", params, principal), {}, false};
    auto running = keyed_->book(std::move(request), std::move(effect));
    return start(std::move(running));
  }
  answer sell(const std::string& params, const std::string& principal = "unix:1000") {
    return wait(begin_sale(params, principal));
  }

  tests::scratch_folder folder_;
  tests::fault_vfs disk_;
  base::test_clock clock_;
  std::unique_ptr<asio::io_context> io_;
  std::unique_ptr<store> store_;
  std::unique_ptr<keyed_calls> keyed_;
  static constexpr std::string_view secrets_[] = {"slots"};
  int booked_ = 0;
  bool refuse_ = false;
};

}  // namespace

TEST_F(keyed_calls_on_a_till, book_once_and_repeat_the_stored_octets_over_a_restart) {
  auto first = sell(R"({"idempotency_key":"a","x":1})");
  EXPECT_FALSE(first.is_error);
  auto second = sell(R"({"x":1,"idempotency_key":"a"})");
  EXPECT_EQ(second.text, first.text);
  live();
  auto third = sell(R"({"idempotency_key":"a","x":1})");
  EXPECT_EQ(third.text, first.text);
  EXPECT_EQ(booked_, 1);
  EXPECT_EQ(store_->head().sequence, 1u);
}

TEST_F(keyed_calls_on_a_till, book_once_when_the_same_key_comes_twice_at_the_same_moment) {
  auto first = begin_sale(R"({"idempotency_key":"a"})"), second = begin_sale(R"({"idempotency_key":"a"})");
  EXPECT_EQ(wait(first).text, wait(second).text);
  EXPECT_EQ(booked_, 1);
  EXPECT_EQ(store_->head().sequence, 1u);
}

TEST_F(keyed_calls_on_a_till, keep_the_keys_of_two_principals_apart) {
  auto mine = sell(R"({"idempotency_key":"a"})", "unix:1000"),
       yours = sell(R"({"idempotency_key":"a"})", "token:77");
  EXPECT_NE(mine.text, yours.text);
  EXPECT_EQ(booked_, 2);
}

TEST_F(keyed_calls_on_a_till, refuse_a_key_with_other_content_and_name_the_operation) {
  auto first = sell(R"({"idempotency_key":"a","x":1})");
  auto other = sell(R"({"idempotency_key":"a","x":2})");
  EXPECT_EQ(kind_of(other), "key_conflict");
  EXPECT_EQ(boost::json::parse(other.text).at("data").at("operation_id"),
            boost::json::parse(first.text).at("operation_id"));
  EXPECT_EQ(booked_, 1);
}

TEST_F(keyed_calls_on_a_till, want_a_key_that_is_one) {
  EXPECT_EQ(kind_of(sell(R"({"x":1})")), "key_missing");
  for (auto bad : {R"({"idempotency_key":""})", R"({"idempotency_key":7})", R"({"idempotency_key":null})",
                   R"({"idempotency_key":"ü"})", R"({"idempotency_key":"a\u0000b"})"})
    EXPECT_EQ(kind_of(sell(bad)), "invalid_params") << bad;
  EXPECT_EQ(kind_of(sell(R"({"idempotency_key":")" + std::string(65, 'k') + R"("})")), "invalid_params");
  EXPECT_FALSE(sell(R"({"idempotency_key":")" + std::string(64, 'k') + R"("})").is_error);
  EXPECT_EQ(booked_, 1);
}

TEST_F(keyed_calls_on_a_till, bind_no_key_to_a_refusal) {
  refuse_ = true;
  EXPECT_EQ(kind_of(sell(R"({"idempotency_key":"a"})")), "declined");
  refuse_ = false;
  EXPECT_FALSE(sell(R"({"idempotency_key":"a","now":"other content"})").is_error);
}

TEST_F(keyed_calls_on_a_till, repeat_what_was_booked_although_the_disk_is_full_or_broken) {
  auto first = sell(R"({"idempotency_key":"a"})");
  disk_.fail(tests::fault_vfs::operation::write, 1, ENOSPC);
  EXPECT_EQ(kind_of(sell(R"({"idempotency_key":"b"})")), "storage_full");
  EXPECT_EQ(sell(R"({"idempotency_key":"a"})").text, first.text);
  disk_.fail(tests::fault_vfs::operation::sync, 1, EIO, tests::fault_vfs::repeat::for_ever);
  EXPECT_EQ(kind_of(sell(R"({"idempotency_key":"c"})")), "storage_failed");
  EXPECT_EQ(sell(R"({"idempotency_key":"a"})").text, first.text);
  EXPECT_EQ(kind_of(sell(R"({"idempotency_key":"a","x":2})")), "key_conflict");
}

TEST_F(keyed_calls_on_a_till, ask_a_device_once_and_repeat_the_stored_answer) {
  device d;
  auto first = print(d, R"({"idempotency_key":"p","document":{}})");
  EXPECT_EQ(first.text, R"({"confirmation":"printed"})");
  EXPECT_EQ(print(d, R"({"idempotency_key":"p","document":{}})").text, first.text);
  live();
  EXPECT_EQ(print(d, R"({"idempotency_key":"p","document":{}})").text, first.text);
  EXPECT_EQ(d.acted, 1);
  EXPECT_EQ(d.asked, 0);
  EXPECT_EQ(kind_of(print(d, R"({"idempotency_key":"p","document":{"other":1}})")), "key_conflict");
}

TEST_F(keyed_calls_on_a_till, leave_secret_members_out_of_what_makes_a_call_the_same) {
  device d;
  auto first = print(d, R"({"idempotency_key":"p","slots":{"a":1}})");
  EXPECT_EQ(print(d, R"({"idempotency_key":"p","slots":{"a":2}})").text, first.text);
  EXPECT_EQ(d.acted, 1);
}

TEST_F(keyed_calls_on_a_till, store_the_intent_before_the_device_is_asked) {
  device d;
  std::optional<operation_state> found;
  keyed_calls::device_action action;
  action.device = "printer";
  action.act = [&](uuid operation, std::shared_ptr<base::cancellation>) -> asio::awaitable<device_outcome> {
    store::work look = [&found, operation](rows& in) -> result<> {
      auto row = in.find_operation(operation);
      if (!row) return row.error();
      if (*row) found = (*row)->state;
      return {};
    };
    auto read = co_await store_->run(work_kind::reads, std::move(look));
    EXPECT_TRUE(read);
    co_return d.does;
  };
  keyed_calls::request request{make("printer.print", R"({"idempotency_key":"p"})"), {}, false};
  auto running = keyed_->act(std::move(request), std::move(action));
  EXPECT_FALSE(wait(start(std::move(running))).is_error);
  EXPECT_EQ(found, operation_state::running);
}

TEST_F(keyed_calls_on_a_till, ask_no_device_when_the_intent_cannot_be_stored) {
  device d;
  disk_.fail(tests::fault_vfs::operation::sync, 1, EIO, tests::fault_vfs::repeat::for_ever);
  EXPECT_EQ(kind_of(print(d, R"({"idempotency_key":"p"})")), "storage_failed");
  EXPECT_EQ(d.acted, 0);
}

TEST_F(keyed_calls_on_a_till, say_unknown_when_the_device_acted_and_the_answer_cannot_be_stored) {
  device d;
  ASSERT_FALSE(sell(R"({"idempotency_key":"a"})").is_error);  // a new log is synced twice
  disk_.fail(tests::fault_vfs::operation::sync, 2, EIO, tests::fault_vfs::repeat::for_ever);
  EXPECT_EQ(kind_of(print(d, R"({"idempotency_key":"p"})")), "outcome_unknown");
  EXPECT_EQ(d.acted, 1);
  // After the restart the device is asked what became of it, and not to print again.
  live();
  d.says = {state::done, {false, R"({"confirmation":"printed"})"}, {}};
  EXPECT_EQ(print(d, R"({"idempotency_key":"p"})").text, R"({"confirmation":"printed"})");
  EXPECT_EQ(d.acted, 1);
  // Or what could not be flushed was there after all.
  if (d.asked > 0) {
    EXPECT_EQ(d.looked_up, d.operations);
  }
}

TEST_F(keyed_calls_on_a_till, run_again_what_the_device_did_certainly_not_do) {
  device d;
  d.does = {state::not_done, {}, {errc::paper_out, "no paper"}};
  EXPECT_EQ(kind_of(print(d, R"({"idempotency_key":"p"})")), "paper_out");
  d.does = {state::done, {false, R"({"confirmation":"printed"})"}, {}};
  EXPECT_FALSE(print(d, R"({"idempotency_key":"p"})").is_error);
  EXPECT_EQ(d.acted, 2);
  EXPECT_EQ(d.asked, 0);
}

TEST_F(keyed_calls_on_a_till, never_ask_a_device_again_that_may_have_acted) {
  device d;
  d.does = {state::unknown, {}, {errc::plugin_crashed, "ended while it was asked"}};
  EXPECT_EQ(kind_of(print(d, R"({"idempotency_key":"p"})", false)), "outcome_unknown");
  EXPECT_EQ(kind_of(print(d, R"({"idempotency_key":"p"})", false)), "outcome_unknown");
  live();
  EXPECT_EQ(kind_of(print(d, R"({"idempotency_key":"p"})", false)), "outcome_unknown");
  EXPECT_EQ(d.acted, 1);
}

TEST_F(keyed_calls_on_a_till, ask_what_became_of_it_and_print_only_when_the_device_says_that_it_did_not) {
  device d;
  d.does = {state::unknown, {}, {errc::plugin_crashed, "ended while it was asked"}};
  EXPECT_EQ(kind_of(print(d, R"({"idempotency_key":"p"})")), "outcome_unknown");
  d.says = {state::running, {}, {errc::still_running, "at it"}};
  EXPECT_EQ(kind_of(print(d, R"({"idempotency_key":"p"})")), "still_running");
  EXPECT_EQ(d.acted, 1);
  d.says = {state::not_done, {}, {errc::device_fault, "no"}};
  d.does = {state::done, {false, R"({"confirmation":"printed"})"}, {}};
  EXPECT_FALSE(print(d, R"({"idempotency_key":"p"})").is_error);
  EXPECT_EQ(d.acted, 2);
  EXPECT_NE(d.operations[0], d.operations[1]) << "a new operation under the same key";
}

TEST_F(keyed_calls_on_a_till, let_whoever_comes_with_a_key_in_use_wait_for_the_same_job) {
  int acted = 0;
  asio::steady_timer device_is_done(*io_, std::chrono::steady_clock::time_point::max());
  auto begin = [&](const char* params) {
    keyed_calls::device_action action;
    action.device = "printer";
    action.act = [&](uuid, std::shared_ptr<base::cancellation>) -> asio::awaitable<device_outcome> {
      ++acted;
      boost::system::error_code ignored;
      co_await device_is_done.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
      device_outcome outcome{state::done, {false, "{}"}, {}};
      co_return outcome;
    };
    keyed_calls::request request{make("printer.print", params), {}, false};
    auto running = keyed_->act(std::move(request), std::move(action));
    return start(std::move(running));
  };
  auto first = begin(R"({"idempotency_key":"p"})"), second = begin(R"({"idempotency_key":"p"})"),
       other = begin(R"({"idempotency_key":"p","x":1})");
  EXPECT_EQ(kind_of(wait(other)), "key_conflict");
  auto until = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (acted == 0 && std::chrono::steady_clock::now() < until) io_->run_one_for(milliseconds(10));
  EXPECT_EQ(keyed_->running(), 1u);
  EXPECT_FALSE(*first);
  EXPECT_FALSE(*second);
  device_is_done.cancel();
  EXPECT_EQ(wait(first).text, "{}");
  EXPECT_EQ(wait(second).text, "{}");
  EXPECT_EQ(acted, 1);
  EXPECT_EQ(keyed_->running(), 0u);
}

TEST_F(keyed_calls_on_a_till, repeat_what_a_device_did_although_it_is_away_or_the_disk_broke) {
  device d;
  auto first = print(d, R"({"idempotency_key":"p"})");
  auto without_device = [&](const char* params) {
    keyed_calls::device_action action;
    action.absent = base::error{errc::device_gone, "is still starting"};
    action.act = [&d](uuid, std::shared_ptr<base::cancellation>) -> asio::awaitable<device_outcome> {
      ++d.acted;
      co_return d.does;
    };
    keyed_calls::request request{make("printer.print", params), {}, false};
    auto running = keyed_->act(std::move(request), std::move(action));
    return wait(start(std::move(running)));
  };
  EXPECT_EQ(without_device(R"({"idempotency_key":"p"})").text, first.text);
  EXPECT_EQ(kind_of(without_device(R"({"idempotency_key":"p","x":1})")), "key_conflict");
  // What would have to be asked for the first time is refused, and its key stays free.
  EXPECT_EQ(kind_of(without_device(R"({"idempotency_key":"q","x":1})")), "device_gone");
  EXPECT_EQ(d.acted, 1);
  EXPECT_FALSE(print(d, R"({"idempotency_key":"q","x":2})").is_error);

  disk_.fail(tests::fault_vfs::operation::sync, 1, EIO, tests::fault_vfs::repeat::for_ever);
  EXPECT_EQ(kind_of(print(d, R"({"idempotency_key":"r"})")), "storage_failed");
  EXPECT_EQ(print(d, R"({"idempotency_key":"p"})").text, first.text);
  EXPECT_EQ(kind_of(without_device(R"({"idempotency_key":"s"})")), "device_gone");
  EXPECT_EQ(d.acted, 2);
}

// A device that is done when the test says so.
class slow_device {
 public:
  explicit slow_device(asio::io_context& io) : done_(io, std::chrono::steady_clock::time_point::max()) {}
  asio::awaitable<device_outcome> act() {
    ++acted;
    boost::system::error_code ignored;
    co_await done_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
    device_outcome outcome{state::done, {false, R"({"confirmation":"printed"})"}, {}};
    co_return outcome;
  }
  void finish() { done_.cancel(); }
  int acted = 0;

 private:
  asio::steady_timer done_;
};

class keyed_calls_that_take_long : public keyed_calls_on_a_till {
 protected:
  void SetUp() override {
    keyed_calls_on_a_till::SetUp();
    device_ = std::make_unique<slow_device>(*io_);
  }
  void TearDown() override {
    device_ = nullptr;
    die();
  }
  place begin(std::optional<std::uint32_t> wait_ms, std::shared_ptr<base::cancellation> gone = nullptr,
              keyed_calls::device_action action = {}) {
    action.device = "printer";
    action.act = [this](uuid, std::shared_ptr<base::cancellation>) { return device_->act(); };
    keyed_calls::request request{make("printer.print", R"({"idempotency_key":"p"})"), {}, false};
    request.wait_ms = wait_ms;
    request.what.gone = std::move(gone);
    auto running = keyed_->act(std::move(request), std::move(action));
    return start(std::move(running));
  }
  bool turn(const std::function<bool()>& until) {
    auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (!until() && std::chrono::steady_clock::now() < end) {
      io_->restart();
      io_->run_one_for(milliseconds(10));
    }
    return until();
  }
  std::unique_ptr<slow_device> device_;
};

TEST_F(keyed_calls_that_take_long, keep_nobody_who_is_gone_and_go_on) {
  auto listening = std::make_shared<base::cancellation>(), too = std::make_shared<base::cancellation>();
  auto first = begin(std::nullopt, listening);
  ASSERT_TRUE(turn([&] { return device_->acted == 1; }));
  auto second = begin(600'000, too);
  listening->want();
  too->want();
  wait(first);
  wait(second);
  EXPECT_EQ(keyed_->running(), 1u) << "it is carried out for its own sake";
  auto back = begin(std::nullopt);
  device_->finish();
  EXPECT_EQ(wait(back).text, R"({"confirmation":"printed"})");
  EXPECT_EQ(device_->acted, 1);
}

TEST_F(keyed_calls_that_take_long, tell_the_operation_that_runs_and_find_it_by_the_one_before) {
  device d;
  d.does = {state::unknown, {}, {errc::plugin_crashed, "ended while it was asked"}};
  auto unknown = boost::json::parse(print(d, R"({"idempotency_key":"p"})").text);
  auto before = *uuid::parse(std::string(unknown.at("data").at("operation_id").as_string()));
  asio::steady_timer says(*io_, std::chrono::steady_clock::time_point::max());
  int asked = 0;
  keyed_calls::device_action action;
  action.look_up = [&](uuid, std::string) -> asio::awaitable<device_outcome> {
    ++asked;
    boost::system::error_code ignored;
    co_await says.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
    device_outcome outcome{state::not_done, {}, {errc::device_fault, "no"}};
    co_return outcome;
  };
  auto again = begin(0, nullptr, std::move(action));
  ASSERT_TRUE(turn([&] { return asked == 1; }));
  EXPECT_TRUE(keyed_->find_running(before)) << "it is asked about at this moment";
  says.cancel();
  auto told = boost::json::parse(wait(again).text);
  EXPECT_EQ(told.at("state").as_string(), "running");
  auto now = *uuid::parse(std::string(told.at("operation_id").as_string()));
  EXPECT_NE(now, before);
  ASSERT_TRUE(keyed_->find_running(now));
  ASSERT_TRUE(keyed_->find_running(before));
  EXPECT_TRUE(keyed_->find_former(before));
  device_->finish();
  ASSERT_TRUE(turn([&] { return keyed_->running() == 0; }));
  EXPECT_TRUE(keyed_->find_former(before));
}

TEST_F(keyed_calls_that_take_long, that_only_ask_share_their_work_and_are_never_written_down) {
  asio::steady_timer answered(*io_, std::chrono::steady_clock::time_point::max());
  int asked = 0;
  answer says{false, R"({"uid":"04A1B2"})"};
  std::optional<base::error> absent;
  auto ask = [&](const char* params, std::optional<std::uint32_t> wait_ms = std::nullopt) {
    keyed_calls::question question;
    question.device = "reader";
    question.absent = absent;
    question.run = [&](std::shared_ptr<base::cancellation> cancel) -> asio::awaitable<answer> {
      ++asked;
      base::cancellation::stage here(cancel.get(), [&] { answered.cancel(); });
      boost::system::error_code ignored;
      co_await answered.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
      co_return says;
    };
    keyed_calls::request request{make("reader.await", params), {}, false};
    request.wait_ms = wait_ms;
    auto running = keyed_->ask(std::move(request), std::move(question));
    return start(std::move(running));
  };
  const operation_key key{"unix:1000", "reader.await", "k"};
  auto told = boost::json::parse(wait(ask(R"({"idempotency_key":"k"})", 0)).text);
  EXPECT_EQ(told.at("state").as_string(), "running");
  auto again = ask(R"({"idempotency_key":"k"})");
  EXPECT_EQ(kind_of(wait(ask(R"({"idempotency_key":"k","x":1})"))), "key_conflict");
  ASSERT_TRUE(keyed_->find_question(key));
  EXPECT_EQ(keyed_->find_question(key)->state, operation_state::running);
  EXPECT_EQ(keyed_->running(), 0u) << "a stop need not wait for it";
  answered.cancel();
  EXPECT_EQ(wait(again).text, says.text);
  EXPECT_EQ(wait(ask(R"({"idempotency_key":"k"})")).text, says.text) << "kept for who did not hear it";
  absent = base::error{errc::device_gone, "is away"};
  EXPECT_EQ(wait(ask(R"({"idempotency_key":"k"})")).text, says.text);
  EXPECT_EQ(kind_of(wait(ask(R"({"idempotency_key":"l"})"))), "device_gone");
  absent = std::nullopt;
  EXPECT_EQ(asked, 1);
  EXPECT_EQ(keyed_->find_question(key)->state, operation_state::done);
  bool written = false;
  store::work look = [&](rows& in) -> result<> {
    auto row = in.find_operation(key);
    if (!row) return row.error();
    written = row->has_value();
    return {};
  };
  store_->submit(work_kind::reads, std::move(look), [](result<>) {});
  io_->poll();
  EXPECT_FALSE(written);

  // What failed may be asked again.
  says = {true, R"({"data":{"kind":"device_timeout"}})"};
  auto failing = ask(R"({"idempotency_key":"m"})");
  ASSERT_TRUE(turn([&] { return asked == 2; }));
  keyed_->cancel(keyed_->find_question(operation_key{"unix:1000", "reader.await", "m"})->id);
  EXPECT_EQ(kind_of(wait(failing)), "device_timeout");
  says = {false, "{}"};
  auto better = ask(R"({"idempotency_key":"m"})");
  ASSERT_TRUE(turn([&] { return asked == 3; }));
  answered.cancel();
  EXPECT_EQ(wait(better).text, "{}");
  // After its time it is as if it had never been.
  clock_.advance(static_cast<std::int64_t>(kept_answers::kept_ms));
  auto anew = ask(R"({"idempotency_key":"k"})");
  ASSERT_TRUE(turn([&] { return asked == 4; }));
  answered.cancel();
  wait(anew);
}
