#include "daemon/plugins/instance.hpp"

#include <tilld/plugin.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/json.hpp>

#include "base/as_result.hpp"
#include "base/log.hpp"
#include "daemon/chaos/chaos.hpp"
#include "plugin-api/catalogue.hpp"
#include "wire/plugin_instance.hpp"

namespace tilld::daemon {

namespace asio = boost::asio;
namespace names = wire::plugin_instance;
using base::errc;
using base::error;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

namespace {

constexpr auto hello_wait = std::chrono::seconds(10);
constexpr auto start_wait = std::chrono::seconds(30);
constexpr auto stop_wait = std::chrono::seconds(3);
constexpr auto hang_wait = std::chrono::seconds(3);
constexpr std::size_t given_up_max = 256;

// A scanner makes ten events a second, a busy printer a hundred. What passes this for ten seconds is a
// fault; until then the plugin is slowed down by not being read. Answers to requests do not count.
constexpr std::uint64_t messages_per_second_max = 2000;
constexpr std::uint64_t flooded_windows_max = 10;

}  // namespace

instance::instance(asio::any_io_executor executor, plugin_config how, host_settings settings,
                   const base::clock& clock, plugin_owner& owner)
    : executor_(executor),
      how_(std::move(how)),
      settings_(std::move(settings)),
      clock_(clock),
      owner_(owner),
      wake_(executor),
      lane_(executor, lane_width, lane_waiting_max),
      in_front_(executor) {}

instance::~instance() {
  if (link_) link_->host().kill();
}

bool instance::provides(std::string_view interface) const {
  return std::find(self_.provides.begin(), self_.provides.end(), interface) != self_.provides.end();
}

bool instance::uses(std::string_view interface) const {
  return std::find(self_.uses.begin(), self_.uses.end(), interface) != self_.uses.end();
}

asio::awaitable<void> instance::run() {
  auto self = shared_from_this();
  finished_ = false;
  while (!stopping_) {
    auto before = life_.state();
    life_.started(clock_.monotonic_ms());
    owner_.plugin_changed(*this, before);
    forced_reason_.clear();
    auto ending = co_await live();
    before = life_.state();
    auto how = ending.how == host_ending::kind::misconfigured ? supervision::ending::misconfigured
               : ending.how == host_ending::kind::device_gone ? supervision::ending::device_gone
                                                              : supervision::ending::died;
    if (stopping_) how = supervision::ending::stopped;
    if (restart_wanted_) {
      restart_wanted_ = false;
      life_.restart();
      continue;
    }
    life_.ended(how, ending.words, clock_.monotonic_ms());
    if (stopping_) break;
    base::log(how == supervision::ending::device_gone ? base::log_level::warning : base::log_level::error,
              "A plugin ended",
              {{"plugin", how_.name}, {"reason", ending.words}, {"state", name(life_.state())}});
    owner_.plugin_changed(*this, before);
    if (life_.state() == plugin_state::waiting)
      wake_.expires_after(milliseconds(life_.wait_ms()));
    else
      wake_.expires_at(steady_clock::time_point::max());
    co_await wake_.async_wait(base::as_result);
    if (restart_wanted_) {
      restart_wanted_ = false;
      life_.restart();
    } else if (life_.state() != plugin_state::waiting) {
      break;
    }
  }
  finished_ = true;
}

// A clean slate behind it: deaths on purpose must not make the daemon give the plugin up.
void instance::die_on_purpose() {
  if (stopping_) return;
  restart_wanted_ = true;
  end_run("chaos");
  wake_.cancel();
}

void instance::restart() {
  if (stopping_) return;
  restart_wanted_ = true;
  if (link_) end_run("restarted by a person");
  wake_.cancel();
}

asio::awaitable<void> instance::stop() {
  stopping_ = true;
  wake_.cancel();
  if (link_ && life_.state() == plugin_state::ready) {
    plugin_request request;
    request.name = std::string(names::stop);
    request.body = "{}";
    request.deadline_ms = static_cast<std::uint32_t>(milliseconds(stop_wait).count());
    (void)co_await ask(std::move(request));
  }
  if (link_) end_run("stopped");
}

void instance::end_run(const std::string& reason) {
  if (forced_reason_.empty()) forced_reason_ = reason;
  if (!link_) return;
  link_->host().kill();
  link_->close();
}

// One run from launch to the last breath.
asio::awaitable<host_ending> instance::live() {
  auto launched = how_.how == isolation::process ? launch_process(executor_, how_, settings_)
                                                 : launch_thread(executor_, how_, settings_);
  if (!launched) {
    host_ending ending{host_ending::kind::misconfigured, to_string(launched.error())};
    co_return ending;
  }
  auto link_now = std::make_shared<host_link>(std::move(*launched));
  link_ = link_now;
  given_up_device_ = false;
  given_up_.clear();
  flooded_windows_ = messages_in_window_ = 0;
  asio::co_spawn(executor_, link_now->write_loop(), asio::detached);

  auto refused = co_await start_plugin();
  std::optional<host_ending> ending;
  if (refused) {
    auto kind = refused->code == errc::plugin_config || refused->code == errc::plugin_missing ||
                        refused->code == errc::plugin_refused
                    ? host_ending::kind::misconfigured
                : refused->code == errc::device_gone ? host_ending::kind::device_gone
                                                     : host_ending::kind::died;
    ending = host_ending{kind, to_string(*refused)};
  } else {
    auto before = life_.state();
    life_.ready(clock_.monotonic_ms());
    owner_.plugin_changed(*this, before);
    co_await serve();
  }
  link_.reset();
  fail_pending();
  if (refused) link_now->host().kill();
  link_now->close();
  auto how_it_ended = co_await link_now->host().ended();
  if (!ending) ending = how_it_ended;
  if (!forced_reason_.empty()) ending = host_ending{host_ending::kind::died, forced_reason_};
  if (given_up_device_) ending->how = host_ending::kind::device_gone;
  co_return std::move(*ending);
}

asio::awaitable<std::optional<wire::plugin_message>> instance::receive(steady_clock::time_point until) {
  auto mine = link_;
  auto next = co_await mine->receive(until);
  if (mine->nonsense() && forced_reason_.empty())
    forced_reason_ = "spoke nonsense: " + to_string(*mine->nonsense());
  co_return next;
}

// Hello, then start; an error when either does not come or is a refusal.
asio::awaitable<std::optional<error>> instance::start_plugin() {
  auto hello = co_await receive(steady_clock::now() + hello_wait);
  if (!hello) co_return error{errc::plugin_crashed, "ended before it said hello"};
  if (hello->name == names::failed) {
    auto e = error_of(hello->status, hello->body);
    e.code = errc::plugin_refused;
    co_return e;
  }
  if (hello->name != names::hello) co_return error{errc::plugin_refused, "did not say hello first"};
  take_hello(*hello);

  boost::json::object start{{"instance", how_.name}, {"config", how_.config}};
  auto body = boost::json::serialize(start);
  auto id = next_id_++;
  wire::plugin_message_view message{
      wire::plugin_message_kind::request, id, 0, 30'000, names::start, body, {}};
  send(message);
  auto until = steady_clock::now() + start_wait;
  for (;;) {
    auto next = co_await receive(until);
    if (!next)
      co_return error{errc::plugin_crashed,
                      forced_reason_.empty() ? "ended while it started" : forced_reason_};
    if (next->kind == wire::plugin_message_kind::reply && next->id == id) {
      if (next->status == TILLD_OK) co_return std::nullopt;
      co_return error_of(next->status, next->body);
    }
    take(std::move(*next));
  }
}

void instance::take_hello(const wire::plugin_message& message) {
  self_ = read_hello(message.body);
  if (!self_.paths_restricted)
    base::log(base::log_level::warning, "A plugin runs without a path sandbox",
              {{"plugin", how_.name}, {"note", self_.sandbox_note}});
}

asio::awaitable<void> instance::serve() {
  window_began_ms_ = clock_.monotonic_ms();
  asio::steady_timer pause(executor_);
  for (;;) {
    auto next = co_await receive(steady_clock::time_point::max());
    if (!next) co_return;
    // What was asked for is no flood, however quick the plugin is.
    bool asked_for = next->kind == wire::plugin_message_kind::reply && pending_.contains(next->id);
    take(std::move(*next));
    if (asked_for || ++messages_in_window_ < messages_per_second_max) continue;
    auto now = clock_.monotonic_ms();
    auto took = now - window_began_ms_;
    window_began_ms_ = now;
    messages_in_window_ = 0;
    if (took >= 1000) {
      flooded_windows_ = 0;
      continue;
    }
    if (++flooded_windows_ >= flooded_windows_max) {
      end_run("flooded the daemon with more than " + std::to_string(messages_per_second_max) +
              " messages a second");
      co_return;
    }
    fault("sends more than " + std::to_string(messages_per_second_max) + " messages a second");
    pause.expires_after(milliseconds(1000 - took));
    co_await pause.async_wait(base::as_result);
    window_began_ms_ = clock_.monotonic_ms();
  }
}

void instance::take(wire::plugin_message message) {
  switch (message.kind) {
    case wire::plugin_message_kind::reply: {
      auto found = pending_.find(message.id);
      if (found == pending_.end()) {
        // After its time ran out an answer is late; otherwise it is the second one, or one to nothing.
        if (given_up_.erase(message.id) == 0) fault("answered a request twice, or one that nobody made");
        return;
      }
      found->second->answer = std::move(message);
      found->second->timer.cancel();
      pending_.erase(found);
      return;
    }
    case wire::plugin_message_kind::request: owner_.plugin_request(*this, std::move(message)); return;
    case wire::plugin_message_kind::event: break;
  }
  if (message.name == names::log) {
    auto said = parsed_object(message.body);
    auto* level = said.if_contains("level");
    auto severity = level && level->is_int64() ? level->get_int64() : 6;
    base::log(severity <= 3   ? base::log_level::error
              : severity <= 4 ? base::log_level::warning
              : severity <= 6 ? base::log_level::info
                              : base::log_level::debug,
              text_member(said, "text"), {{"plugin", how_.name}});
  } else if (message.name == names::failed) {
    auto e = error_of(message.status, message.body);
    forced_reason_ = to_string(e);
    given_up_device_ = message.status == TILLD_E_NO_DEVICE;
  } else {
    owner_.plugin_event(*this, message);
  }
}

bool instance::send(const wire::plugin_message_view& message) { return link_ && link_->send(message); }

asio::awaitable<plugin_reply> instance::ask(plugin_request request) {
  auto self = shared_from_this();
  plugin_reply reply;
  auto not_given = [&](errc code, std::string why) {
    reply.what = plugin_reply::phase::not_given;
    reply.why = {code, std::move(why)};
  };
  auto until = steady_clock::now() + milliseconds(request.deadline_ms);
  if (life_.state() != plugin_state::ready) {
    auto failed = life_.state() == plugin_state::failed || life_.state() == plugin_state::misconfigured;
    not_given(failed ? errc::plugin_failed : errc::device_gone,
              how_.name + " is " + std::string(name(life_.state())) +
                  (life_.reason().empty() ? "" : ": " + life_.reason()));
    co_return reply;
  }
  auto unwanted = [&] { return request.cancel && request.cancel->wanted(); };
  constexpr auto before_it_was_asked = "cancelled before the device was asked";
  if (unwanted()) {
    not_given(errc::cancelled, before_it_was_asked);
    co_return reply;
  }
  auto cancel = request.cancel;
  bool let_in = co_await lane_.enter(request.how, until, cancel);
  if (unwanted()) {
    if (let_in) lane_.leave();
    not_given(errc::cancelled, before_it_was_asked);
    co_return reply;
  }
  if (!let_in) {
    bool late = steady_clock::now() >= until;
    not_given(late ? errc::device_timeout : errc::device_busy, how_.name + " has too much to do");
    // What is inside may have long deadlines and hang all the same.
    check_for_hang();
    co_return reply;
  }
  in_front_.stand();
  auto mine =
      std::make_shared<pending>(pending{asio::steady_timer(executor_, until), {}, false, request.name});
  auto id = next_id_++;
  auto left = std::chrono::duration_cast<milliseconds>(until - steady_clock::now()).count();
  wire::plugin_message_view message{wire::plugin_message_kind::request,
                                    id,
                                    0,
                                    static_cast<std::uint32_t>(std::max<std::int64_t>(1, left)),
                                    request.name,
                                    request.body,
                                    request.blob};
  check_own("request", request.name, request.body);
  auto fate =
      settings_.on_purpose ? settings_.on_purpose->next_question(request.name) : chaos::device_fate::lives;
  if (fate == chaos::device_fate::dies_before) {
    lane_.leave();
    die_on_purpose();
    not_given(errc::device_gone, how_.name + " ended before it was asked: chaos");
    co_return reply;
  }
  if (left <= 0 || !send(message)) {
    lane_.leave();
    not_given(left <= 0 ? errc::device_timeout : errc::device_gone,
              how_.name + " does not take requests now");
    co_return reply;
  }
  pending_[id] = mine;
  // It may have read the request or not: nobody knows, and that is meant.
  if (fate == chaos::device_fate::dies_after) die_on_purpose();
  // The plugin may keep it waiting for a customer; what it was asked is its own now.
  std::string().swap(request.body);
  std::string().swap(request.blob);
  request.lent = nullptr;
  {
    // It may be too late for that; the plugin knows, and its answer is waited for as long as before.
    base::cancellation::stage with_the_plugin(cancel.get(), [this, id] { tell_to_cancel(id); });
    co_await mine->timer.async_wait(base::as_result);
  }
  lane_.leave();
  if (mine->answer && fate == chaos::device_fate::answer_is_lost) {
    reply.what = plugin_reply::phase::lost;
    reply.why = {errc::device_timeout, "the answer of " + how_.name + " was lost: chaos"};
    co_return reply;
  }
  if (mine->answer) {
    auto& answer = *mine->answer;
    reply.status = answer.status;
    reply.body = std::move(answer.body);
    reply.blob = std::move(answer.blob);
    reply.what = plugin_reply::phase::answered;
    if (reply.status != TILLD_OK) {
      reply.why = error_of(reply.status, reply.body);
      if (auto complaint = complaint_about_failure(reply.body))
        violates_schema("reply", request.name, *complaint);
    }
    co_return reply;
  }
  reply.what = plugin_reply::phase::lost;
  if (mine->lost) {
    reply.why = {errc::plugin_crashed, how_.name + " ended while it was asked" +
                                           (forced_reason_.empty() ? "" : ": " + forced_reason_)};
    co_return reply;
  }
  pending_.erase(id);
  given_up_.insert(id);
  if (given_up_.size() > given_up_max) given_up_.erase(given_up_.begin());
  tell_to_cancel(id);
  reply.why = {errc::device_timeout, how_.name + " did not answer " + request.name + " in time"};
  check_for_hang();
  co_return reply;
}

void instance::tell_to_cancel(std::uint64_t request) {
  auto body = R"({"id":)" + std::to_string(request) + "}";
  wire::plugin_message_view message{wire::plugin_message_kind::event, 0, 0, 0, names::cancel, body, {}};
  send(message);
}

void instance::check_for_hang() {
  if (checking_hang_ || life_.state() != plugin_state::ready) return;
  checking_hang_ = true;
  asio::co_spawn(executor_, watch_for_hang(), asio::detached);
}

// A request went unanswered: is the plugin only slow with this one, or does its thread hang?
asio::awaitable<void> instance::watch_for_hang() {
  auto self = shared_from_this();
  auto mine = std::make_shared<pending>(pending{
      asio::steady_timer(executor_, steady_clock::now() + hang_wait), {}, false, std::string(names::ping)});
  auto asked_link = link_;
  auto id = next_id_++;
  wire::plugin_message_view message{wire::plugin_message_kind::request, id, 0, 0, names::ping, "{}", {}};
  if (send(message)) {
    // Not through the lane: the lane may be full of what hangs.
    pending_[id] = mine;
    co_await mine->timer.async_wait(base::as_result);
    if (!mine->answer && !mine->lost && asked_link == link_) {
      pending_.erase(id);
      end_run("hung: its thread did not come back from a request");
    }
  }
  checking_hang_ = false;
}

void instance::reply(const wire::plugin_message& request, std::int32_t status, std::string_view body) {
  wire::plugin_message_view message{
      wire::plugin_message_kind::reply, request.id, status, 0, request.name, body, {}};
  if (status == TILLD_OK) check_own("reply", request.name, body);
  send(message);
}

void instance::fail_pending() {
  auto all = std::move(pending_);
  pending_.clear();
  for (auto& [id, p] : all) {
    p->lost = true;
    p->timer.cancel();
  }
}

void instance::fault(const std::string& what) {
  ++faults_;
  if (last_fault_ != what)
    base::log(base::log_level::warning, "A plugin behaves wrongly", {{"plugin", how_.name}, {"fault", what}});
  last_fault_ = what;
}

void instance::violates_schema(std::string_view what, std::string_view name, const std::string& complaint) {
  auto words = "sends " + std::string(what == "event" ? "an " : "a ") + std::string(what) +
               " that does not fit its schema: " + std::string(name);
  ++faults_;
  bool first = violations_.add(name);
  if (settings_.check_schemas)
    base::log(base::log_level::warning, "A plugin breaks a schema",
              {{"plugin", how_.name}, {"fault", words}, {"complaint", complaint}});
  else if (first)
    base::log(base::log_level::warning, "A plugin breaks a schema; further ones are only counted",
              {{"plugin", how_.name}, {"fault", words}});
  last_fault_ = std::move(words);
}

void instance::check_own(std::string_view what, std::string_view name, std::string_view body) const {
  if (!settings_.check_schemas || name.starts_with(names::prefix)) return;
  boost::system::error_code failed;
  auto value =
      boost::json::parse(body.empty() ? "{}" : boost::json::string_view(body.data(), body.size()), failed);
  std::optional<std::string> complaint;
  if (failed || !value.is_object())
    complaint = "body: is not a JSON object";
  else
    complaint = what == "reply" ? catalogue::check_reply(name, value.get_object())
                                : catalogue::check(name, value.get_object());
  if (complaint)
    base::log(base::log_level::error, "tilld breaks a schema; please report this",
              {{"plugin", how_.name},
               {"message", std::string(what) + " " + std::string(name)},
               {"complaint", *complaint}});
}

boost::json::object instance::describe() const {
  boost::json::array provided, used;
  for (auto& p : self_.provides) provided.emplace_back(p);
  for (auto& u : self_.uses) used.emplace_back(u);
  boost::json::object o{{"name", how_.name},
                        {"state", daemon::name(life_.state())},
                        {"plugin", self_.id},
                        {"version", self_.version},
                        {"summary", self_.summary},
                        {"provides", std::move(provided)},
                        {"uses", std::move(used)},
                        {"isolation", how_.how == isolation::process ? "process" : "none"},
                        {"paths_restricted", self_.paths_restricted},
                        {"landlock_abi", self_.landlock_abi},
                        {"restarts", life_.restarts()},
                        {"waiting_requests", pending_.size() + lane_.waiting()},
                        {"faults", faults_}};
  if (!life_.reason().empty()) o["last_ending"] = life_.reason();
  if (!last_fault_.empty()) o["last_fault"] = last_fault_;
  if (violations_.any()) o["schema_violations"] = violations_.as_json();
  if (life_.state() == plugin_state::waiting) o["next_try_ms"] = life_.wait_ms();
  if (link_ && link_->host().pid() > 0) o["pid"] = link_->host().pid();
  return o;
}

}  // namespace tilld::daemon
