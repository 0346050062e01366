#include "daemon/plugins/instance.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/json.hpp>

#include <tilld/plugin.h>

#include "base/log.hpp"
#include "wire/plugin_instance.hpp"

namespace tilld::daemon {

namespace asio = boost::asio;
namespace names = wire::plugin_instance;
using base::errc;
using base::error;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

namespace {

constexpr auto as_result = asio::as_tuple(asio::use_awaitable);

constexpr auto hello_wait = std::chrono::seconds(10);
constexpr auto start_wait = std::chrono::seconds(30);
constexpr auto stop_wait = std::chrono::seconds(3);
constexpr auto hang_wait = std::chrono::seconds(3);
constexpr std::size_t unsent_max = 8 << 20;
constexpr std::size_t given_up_max = 256;

// A scanner makes ten messages a second, a busy printer a hundred. What passes this for ten seconds is a fault; until
// then the plugin is slowed down by not being read.
constexpr std::uint64_t messages_per_second_max = 2000;
constexpr std::uint64_t flooded_windows_max = 10;

boost::json::object parsed(std::string_view body) {
  boost::system::error_code failed;
  auto value = boost::json::parse(boost::json::string_view(body.data(), body.size()), failed);
  return !failed && value.is_object() ? value.as_object() : boost::json::object();
}

std::string text_member(const boost::json::object& from, std::string_view name) {
  auto* found = from.if_contains(boost::json::string_view(name.data(), name.size()));
  return found && found->is_string() ? std::string(found->get_string()) : std::string();
}

std::vector<std::string> text_list(const boost::json::object& from, std::string_view name) {
  std::vector<std::string> list;
  if (auto* found = from.if_contains(boost::json::string_view(name.data(), name.size())); found && found->is_array())
    for (auto& one : found->get_array())
      if (one.is_string()) list.emplace_back(one.get_string());
  return list;
}

// What a plugin's status means in the registry, when its reply names no kind.
errc code_of(std::int32_t status) {
  switch (status) {
    case TILLD_E_INVALID: return errc::invalid_params;
    case TILLD_E_UNSUPPORTED: return errc::unknown_method;
    case TILLD_E_CONFIG: return errc::plugin_config;
    case TILLD_E_BUSY: return errc::device_busy;
    case TILLD_E_TIMEOUT: return errc::device_timeout;
    case TILLD_E_CANCELLED: return errc::cancelled;
    case TILLD_E_IO: return errc::device_fault;
    case TILLD_E_NO_DEVICE: return errc::device_gone;
    default: return errc::device_fault;
  }
}

error error_of(std::int32_t status, std::string_view body) {
  auto said = parsed(body);
  error e{code_of(status), text_member(said, "detail")};
  // Only device and money kinds may be named by a plugin; storage or sign-on are not its to report.
  if (auto* entry = base::find_error(text_member(said, "kind"))) {
    auto number = static_cast<int>(entry->code);
    if (number <= -32030 && number > -32050) e.code = entry->code;
  }
  return e;
}

}  // namespace

struct instance::link {
  explicit link(launched_host launched) : socket(std::move(launched.socket)), host(std::move(launched.host)), more(socket.get_executor()) {}
  asio::local::stream_protocol::socket socket;
  std::unique_ptr<tilld::daemon::host> host;
  wire::plugin_frame_reader reader;
  std::vector<char> chunk = std::vector<char>(64 * 1024);
  std::string unsent, being_sent;
  asio::steady_timer more;
  bool closed = false;

  void close() {
    closed = true;
    boost::system::error_code ignored;
    socket.close(ignored);
    more.cancel();
  }
};

instance::instance(asio::any_io_executor executor, plugin_config how, host_settings settings, const base::clock& clock,
                   plugin_owner& owner)
    : executor_(executor), how_(std::move(how)), settings_(std::move(settings)), clock_(clock), owner_(owner), wake_(executor) {}

instance::~instance() {
  if (link_) link_->host->kill();
}

bool instance::provides(std::string_view interface) const {
  return std::find(provides_.begin(), provides_.end(), interface) != provides_.end();
}

bool instance::uses(std::string_view interface) const {
  return std::find(uses_.begin(), uses_.end(), interface) != uses_.end();
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
               : ending.how == host_ending::kind::device_gone  ? supervision::ending::device_gone
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
              "A plugin ended", {{"plugin", how_.name}, {"reason", ending.words}, {"state", name(life_.state())}});
    owner_.plugin_changed(*this, before);
    if (life_.state() == plugin_state::waiting)
      wake_.expires_after(milliseconds(life_.wait_ms()));
    else
      wake_.expires_at(steady_clock::time_point::max());
    co_await wake_.async_wait(as_result);
    if (restart_wanted_) {
      restart_wanted_ = false;
      life_.restart();
    } else if (life_.state() != plugin_state::waiting) {
      break;
    }
  }
  finished_ = true;
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
  link_->host->kill();
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
  auto link_now = std::make_shared<link>(std::move(*launched));
  link_ = link_now;
  said_hello_ = false;
  given_up_device_ = false;
  given_up_.clear();
  flooded_windows_ = messages_in_window_ = 0;
  asio::co_spawn(executor_, write_loop(link_now), asio::detached);

  auto refused = co_await start_plugin();
  std::optional<host_ending> ending;
  if (refused) {
    auto kind = refused->code == errc::plugin_config || refused->code == errc::plugin_missing || refused->code == errc::plugin_refused
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
  if (refused) link_now->host->kill();
  link_now->close();
  auto how_it_ended = co_await link_now->host->ended();
  if (!ending) ending = how_it_ended;
  if (!forced_reason_.empty()) ending = host_ending{host_ending::kind::died, forced_reason_};
  if (given_up_device_) ending->how = host_ending::kind::device_gone;
  co_return std::move(*ending);
}

asio::awaitable<std::optional<wire::plugin_message>> instance::receive(steady_clock::time_point until) {
  auto mine = link_;
  asio::steady_timer deadline(executor_, until);
  if (until != steady_clock::time_point::max()) {
    auto give_up = [mine](boost::system::error_code failed) {
      if (!failed) mine->close();
    };
    deadline.async_wait(std::move(give_up));
  }
  for (;;) {
    auto next = mine->reader.next();
    if (!next) {
      if (forced_reason_.empty()) forced_reason_ = "spoke nonsense: " + to_string(next.error());
      co_return std::nullopt;
    }
    if (*next) co_return std::move(**next);
    auto buffer = asio::buffer(mine->chunk);
    auto got = co_await mine->socket.async_read_some(buffer, as_result);
    auto& [failed, size] = got;
    if (failed) co_return std::nullopt;
    mine->reader.feed(std::string_view(mine->chunk.data(), size));
  }
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
  wire::plugin_message_view message{wire::plugin_message_kind::request, id, 0, 30'000, names::start, body, {}};
  send(message);
  auto until = steady_clock::now() + start_wait;
  for (;;) {
    auto next = co_await receive(until);
    if (!next) co_return error{errc::plugin_crashed, forced_reason_.empty() ? "ended while it started" : forced_reason_};
    if (next->kind == wire::plugin_message_kind::reply && next->id == id) {
      if (next->status == TILLD_OK) co_return std::nullopt;
      co_return error_of(next->status, next->body);
    }
    take(std::move(*next));
  }
}

void instance::take_hello(const wire::plugin_message& message) {
  auto said = parsed(message.body);
  id_ = text_member(said, "id");
  version_ = text_member(said, "version");
  summary_ = text_member(said, "summary");
  provides_ = text_list(said, "provides");
  uses_ = text_list(said, "uses");
  if (auto* sandbox = said.if_contains("sandbox"); sandbox && sandbox->is_object()) {
    auto& s = sandbox->get_object();
    sandbox_note_ = text_member(s, "note");
    if (auto* abi = s.if_contains("landlock_abi"); abi && abi->is_int64()) landlock_abi_ = static_cast<int>(abi->get_int64());
    if (auto* restricted = s.if_contains("paths_restricted"); restricted && restricted->is_bool())
      paths_restricted_ = restricted->get_bool();
  }
  if (!paths_restricted_)
    base::log(base::log_level::warning, "A plugin runs without a path sandbox", {{"plugin", how_.name}, {"note", sandbox_note_}});
  said_hello_ = true;
}

asio::awaitable<void> instance::serve() {
  window_began_ms_ = clock_.monotonic_ms();
  asio::steady_timer pause(executor_);
  for (;;) {
    auto next = co_await receive(steady_clock::time_point::max());
    if (!next) co_return;
    take(std::move(*next));
    if (++messages_in_window_ < messages_per_second_max) continue;
    auto now = clock_.monotonic_ms();
    auto took = now - window_began_ms_;
    window_began_ms_ = now;
    messages_in_window_ = 0;
    if (took >= 1000) {
      flooded_windows_ = 0;
      continue;
    }
    if (++flooded_windows_ >= flooded_windows_max) {
      end_run("flooded the daemon with more than " + std::to_string(messages_per_second_max) + " messages a second");
      co_return;
    }
    fault("sends more than " + std::to_string(messages_per_second_max) + " messages a second");
    pause.expires_after(milliseconds(1000 - took));
    co_await pause.async_wait(as_result);
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
    auto said = parsed(message.body);
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

bool instance::send(const wire::plugin_message_view& message) {
  if (!link_ || link_->closed || link_->unsent.size() > unsent_max) return false;
  if (auto appended = wire::append_frame(link_->unsent, message); !appended) return false;
  link_->more.cancel();
  return true;
}

asio::awaitable<void> instance::write_loop(std::shared_ptr<link> to) {
  while (!to->closed) {
    if (to->unsent.empty()) {
      to->more.expires_at(steady_clock::time_point::max());
      co_await to->more.async_wait(as_result);
      continue;
    }
    std::swap(to->unsent, to->being_sent);
    auto buffer = asio::buffer(to->being_sent);
    auto wrote = co_await asio::async_write(to->socket, buffer, as_result);
    auto& [failed, size] = wrote;
    (void)size;
    if (failed) {
      to->close();
      co_return;
    }
    to->being_sent.clear();
    // A raster gone by must not keep its megabytes.
    if (to->being_sent.capacity() > 256 * 1024) std::string().swap(to->being_sent);
  }
}

asio::awaitable<bool> instance::enter_lane(urgency how, steady_clock::time_point until) {
  if (in_lane_ < lane_width) {
    ++in_lane_;
    co_return true;
  }
  auto& queue = how == urgency::cashier ? cashier_ : background_;
  if (cashier_.size() + background_.size() >= lane_waiting_max) co_return false;
  auto mine = std::make_shared<lane_waiter>(lane_waiter{asio::steady_timer(executor_, until)});
  queue.push_back(mine);
  co_await mine->timer.async_wait(as_result);
  if (mine->let_in) co_return true;
  std::erase(cashier_, mine);
  std::erase(background_, mine);
  co_return false;
}

void instance::leave_lane() {
  auto& queue = !cashier_.empty() ? cashier_ : background_;
  if (queue.empty()) {
    --in_lane_;
    return;
  }
  auto next = queue.front();
  queue.pop_front();
  next->let_in = true;
  next->timer.cancel();
}

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
              how_.name + " is " + std::string(name(life_.state())) + (life_.reason().empty() ? "" : ": " + life_.reason()));
    co_return reply;
  }
  if (!co_await enter_lane(request.how, until)) {
    bool late = steady_clock::now() >= until;
    not_given(late ? errc::device_timeout : errc::device_busy, how_.name + " has too much to do");
    co_return reply;
  }
  auto mine = std::make_shared<pending>(pending{asio::steady_timer(executor_, until), {}, false, request.name});
  auto id = next_id_++;
  auto left = std::chrono::duration_cast<milliseconds>(until - steady_clock::now()).count();
  wire::plugin_message_view message{wire::plugin_message_kind::request, id, 0,
                                    static_cast<std::uint32_t>(std::max<std::int64_t>(1, left)), request.name,
                                    request.body, request.blob};
  if (left <= 0 || !send(message)) {
    leave_lane();
    not_given(left <= 0 ? errc::device_timeout : errc::device_gone, how_.name + " does not take requests now");
    co_return reply;
  }
  pending_[id] = mine;
  co_await mine->timer.async_wait(as_result);
  leave_lane();
  if (mine->answer) {
    auto& answer = *mine->answer;
    reply.status = answer.status;
    reply.body = std::move(answer.body);
    reply.blob = std::move(answer.blob);
    reply.what = plugin_reply::phase::answered;
    if (reply.status != TILLD_OK) reply.why = error_of(reply.status, reply.body);
    co_return reply;
  }
  reply.what = plugin_reply::phase::lost;
  if (mine->lost) {
    reply.why = {errc::plugin_crashed, how_.name + " ended while it was asked" + (forced_reason_.empty() ? "" : ": " + forced_reason_)};
    co_return reply;
  }
  pending_.erase(id);
  given_up_.insert(id);
  if (given_up_.size() > given_up_max) given_up_.erase(given_up_.begin());
  auto cancel = R"({"id":)" + std::to_string(id) + "}";
  wire::plugin_message_view event{wire::plugin_message_kind::event, 0, 0, 0, names::cancel, cancel, {}};
  send(event);
  reply.why = {errc::device_timeout, how_.name + " did not answer " + request.name + " in time"};
  if (!checking_hang_ && request.name != names::ping && life_.state() == plugin_state::ready) {
    checking_hang_ = true;
    asio::co_spawn(executor_, watch_for_hang(), asio::detached);
  }
  co_return reply;
}

// A request went unanswered: is the plugin only slow with this one, or does its thread hang?
asio::awaitable<void> instance::watch_for_hang() {
  auto self = shared_from_this();
  auto mine = std::make_shared<pending>(
      pending{asio::steady_timer(executor_, steady_clock::now() + hang_wait), {}, false, std::string(names::ping)});
  auto asked_link = link_;
  auto id = next_id_++;
  wire::plugin_message_view message{wire::plugin_message_kind::request, id, 0, 0, names::ping, "{}", {}};
  if (send(message)) {
    // Not through the lane: the lane may be full of what hangs.
    pending_[id] = mine;
    co_await mine->timer.async_wait(as_result);
    if (!mine->answer && !mine->lost && asked_link == link_) {
      pending_.erase(id);
      end_run("hung: its thread did not come back from a request");
    }
  }
  checking_hang_ = false;
}

void instance::reply(const wire::plugin_message& request, std::int32_t status, std::string_view body) {
  wire::plugin_message_view message{wire::plugin_message_kind::reply, request.id, status, 0, request.name, body, {}};
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

boost::json::object instance::describe() const {
  boost::json::array provided, used;
  for (auto& p : provides_) provided.emplace_back(p);
  for (auto& u : uses_) used.emplace_back(u);
  boost::json::object o{{"name", how_.name},
                        {"state", daemon::name(life_.state())},
                        {"plugin", id_},
                        {"version", version_},
                        {"summary", summary_},
                        {"provides", std::move(provided)},
                        {"uses", std::move(used)},
                        {"isolation", how_.how == isolation::process ? "process" : "none"},
                        {"paths_restricted", paths_restricted_},
                        {"landlock_abi", landlock_abi_},
                        {"restarts", life_.restarts()},
                        {"waiting_requests", pending_.size() + cashier_.size() + background_.size()},
                        {"faults", faults_}};
  if (!life_.reason().empty()) o["last_ending"] = life_.reason();
  if (!last_fault_.empty()) o["last_fault"] = last_fault_;
  if (life_.state() == plugin_state::waiting) o["next_try_ms"] = life_.wait_ms();
  if (link_ && link_->host->pid() > 0) o["pid"] = link_->host->pid();
  return o;
}

}  // namespace tilld::daemon
