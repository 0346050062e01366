#include "daemon/plugin_host/instance.hpp"

#include <pthread.h>
#include <signal.h>

#include <algorithm>
#include <cstring>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/json.hpp>

#include "daemon/plugin_host/text.hpp"
#include "wire/plugin_instance.hpp"

namespace tilld::daemon::plugin_host {

namespace {

namespace json = boost::json;
namespace names = wire::plugin_instance;
using wire::plugin_message;
using wire::plugin_message_kind;
using wire::plugin_message_view;

constexpr std::chrono::milliseconds send_patience{1000};
constexpr int questions_max = 256;
// A call that lasts longer is one that may hang; most are back in microseconds.
constexpr std::chrono::milliseconds call_takes_long{5};
constexpr std::size_t watched_max = 64;
constexpr std::size_t timers_max = 64;

std::string detail_body(std::string_view detail, std::string_view kind = {}) {
  json::object body{{"detail", json::string(readable(detail))}};
  if (!kind.empty()) body["kind"] = json::string(kind);
  return json::serialize(body);
}

exit_code exit_code_for_start(tilld_status status) {
  if (status == TILLD_E_CONFIG) return exit_code::misconfigured;
  return status == TILLD_E_NO_DEVICE ? exit_code::device_gone : exit_code::start_failed;
}

json::array list_of(const char* const* texts) {
  json::array list;
  for (; texts && *texts; ++texts) list.push_back(json::string(*texts));
  return list;
}

// Signals are the business of the process that lent this thread. Those that a fault raises on the thread
// itself stay.
void leave_signals_to_others() {
  sigset_t all;
  sigfillset(&all);
  for (int fault : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS}) sigdelset(&all, fault);
  pthread_sigmask(SIG_SETMASK, &all, nullptr);
}

}  // namespace

instance::instance(int socket, plugin_file file, const runner_settings& how)
    : file_(std::move(file)),
      allowed_paths_(how.allowed_paths),
      observer_(how.observer),
      face_{},
      ear_(socket, how.read_size_max, *this),
      socket_(socket) {
  face_.struct_size = sizeof(tilld_host);
  face_.abi_minor = TILLD_ABI_MINOR;
  face_.self = this;
  face_.send = [](const tilld_host* host, const tilld_message* message) { return of(host).send(message); };
  face_.log = [](const tilld_host* host, std::int32_t level, const char* text) {
    if (text) of(host).log(level, text);
  };
  face_.watch = [](const tilld_host* host, int fd, std::int16_t events) {
    return of(host).watch(fd, events);
  };
  face_.timer = [](const tilld_host* host, std::uint32_t id, std::uint32_t delay_ms) {
    return of(host).timer(id, delay_ms);
  };
  face_.now = [](const tilld_host* host) { return of(host).now_ms(); };
}

void instance::run() {
  leave_signals_to_others();
  pthread_setname_np(pthread_self(), "plugin");
  thread_ = std::this_thread::get_id();
  const auto code = live();
  end(code);
  {
    const std::lock_guard hold(guard_);
    finished_ = code;
  }
  out_.close();
  to_io_.ring();
}

exit_code instance::live() {
  const auto sandbox = enter_sandbox(allowed_paths_, file_->descriptor());
  if (!sandbox) {
    tell_failed(TILLD_E_INTERNAL, detail_body(sandbox.error().detail));
    return exit_code::sandbox_failed;
  }
  const auto loaded = std::move(*file_).load();
  if (loaded) plugin_ = *loaded;
  const auto told = loaded ? say_hello(*sandbox) : base::result<>(loaded.error());
  if (!told) {
    tell_failed(TILLD_E_UNSUPPORTED,
                detail_body(told.error().detail, base::describe(told.error().code).kind));
    return exit_code_for(told.error());
  }
  while (!ending()) serve_once();
  stop_plugin();
  const std::lock_guard hold(guard_);
  return *why_ended_;
}

base::result<> instance::say_hello(const sandbox_report& sandbox) {
  json::error_code failed;
  const auto schema = json::parse(plugin_->config_schema, failed);
  if (failed || !schema.is_object())
    return base::error{base::errc::plugin_refused, "its config_schema is not a JSON object"};
  const json::object body{{"abi", plugin_->abi},
                          {"abi_minor", TILLD_ABI_MINOR},
                          {"id", plugin_->id},
                          {"version", plugin_->version},
                          {"summary", plugin_->summary},
                          {"provides", list_of(plugin_->provides)},
                          {"uses", list_of(plugin_->uses)},
                          {"config_schema", schema},
                          {"sandbox", json::object{{"landlock_abi", sandbox.landlock_abi},
                                                   {"paths_restricted", sandbox.paths_restricted},
                                                   {"note", sandbox.note}}}};
  const auto text = json::serialize(body);
  out_.add_now({.kind = plugin_message_kind::event, .name = names::hello, .body = text});
  speak();
  return {};
}

// One turn: at most one message, then descriptors, then timers, so that none of the three starves the others.
void instance::serve_once() {
  // A daemon that does not read is not read either; how much is too much is for the I/O thread to say.
  const bool listen = out_.bytes() == 0;
  if (plugin_listens_.exchange(listen) != listen) to_io_.ring();
  ready_.assign({{to_plugin_.descriptor(), POLLIN, 0}, {listen ? ear_.socket() : -1, POLLIN, 0}});
  for (const auto& [fd, events] : watched_) ready_.push_back({fd, events, 0});
  const int patience = in_.count() > 0 ? 0 : milliseconds_to_next_timer();
  if (::poll(ready_.data(), ready_.size(), patience) < 0) return;
  if (ready_[0].revents) to_plugin_.silence();
  if (ending()) return;
  if (ready_[1].revents) ear_.read();
  if (ending()) return;
  if (const auto next = in_.take()) take_message(*next);
  for (std::size_t i = 2; i < ready_.size() && !ending(); ++i) {
    const auto [fd, events, happened] = ready_[i];
    if (happened == 0 || !watched_.contains(fd)) continue;
    if (happened & POLLNVAL) {
      watched_.erase(fd);
      log(4, "descriptor " + std::to_string(fd) + " was closed while it was watched");
      continue;
    }
    if (plugin_->on_fd) in_plugin("on_fd", [&, fd = fd, h = happened] { plugin_->on_fd(instance_, fd, h); });
  }
  call_timers();
}

void instance::take_message(const inbox::waiting& next) {
  const auto& m = next.message;
  if (m.kind == plugin_message_kind::reply) {
    if (questions_ > 0) --questions_;
  } else if (m.kind == plugin_message_kind::request) {
    if (next.expired(clock::now()))
      return refuse(m, TILLD_E_CANCELLED, "waited past its deadline; the device was not asked");
    if (m.name == names::start) return start(m);
    if (m.name == names::ping) return reply(m, TILLD_OK, "{}");
    if (!started_) return refuse(m, TILLD_E_INVALID, "the instance is not started");
  }
  if (!started_ || m.name.starts_with(names::prefix)) {
    if (m.kind == plugin_message_kind::request) refuse(m, TILLD_E_UNSUPPORTED, "no such method: " + m.name);
    return;
  }
  tilld_message lent{};
  lent.struct_size = sizeof lent;
  lent.kind = static_cast<std::uint32_t>(m.kind);
  lent.id = m.id;
  lent.status = m.status;
  lent.deadline_ms = m.deadline_ms;
  lent.name = m.name.c_str();
  lent.body = {m.body.data(), m.body.size()};
  lent.blob = {m.blob.data(), m.blob.size()};
  in_plugin(m.name, [&] { plugin_->on_message(instance_, &lent); });
}

void instance::start(const plugin_message& request) {
  if (started_) return refuse(request, TILLD_E_INVALID, "the instance is started already");
  json::error_code failed;
  const auto body = json::parse(request.body, failed);
  const auto* object = failed ? nullptr : body.if_object();
  const auto* config = object ? object->if_contains("config") : nullptr;
  if (!config || !config->is_object()) return refuse(request, TILLD_E_INVALID, "config: must be an object");
  const auto text = json::serialize(*config);
  {
    const std::lock_guard hold(guard_);
    last_error_line_.clear();
  }
  tilld_status status = TILLD_E_INTERNAL;
  void* made = nullptr;
  in_plugin("start", [&] { status = plugin_->start(&face_, {text.data(), text.size()}, &made); });
  if (status == TILLD_OK) {
    {
      const std::lock_guard hold(instance_guard_);
      instance_ = made;
      started_ = true;
    }
    return reply(request, TILLD_OK, "{}");
  }
  watched_.clear();
  timers_.clear();
  std::string why;
  {
    const std::lock_guard hold(guard_);
    why = last_error_line_.empty() ? "the plugin did not say why" : last_error_line_;
  }
  refuse(request, status, why);
  end(exit_code_for_start(status));
}

void instance::stop_plugin() {
  void* stopped = nullptr;
  bool was_started = false;
  {
    const std::lock_guard hold(instance_guard_);
    stopped = std::exchange(instance_, nullptr);
    was_started = std::exchange(started_, false);
  }
  out_.close();
  if (was_started) in_plugin("stop", [&] { plugin_->stop(stopped); });
  std::optional<plugin_message> request;
  {
    const std::lock_guard hold(guard_);
    request = stop_request_;
  }
  if (request) reply(*request, TILLD_OK, "{}");
}

int instance::milliseconds_to_next_timer() const {
  if (timers_.empty()) return -1;
  const auto earliest = std::min_element(timers_.begin(), timers_.end(), [](const auto& a, const auto& b) {
                          return a.second < b.second;
                        })->second;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(earliest - clock::now()).count();
  return static_cast<int>(std::clamp<long long>(left, 0, 1 << 30));
}

void instance::call_timers() {
  const auto now = clock::now();
  std::vector<std::uint32_t> due;
  for (const auto& [id, at] : timers_)
    if (at <= now) due.push_back(id);
  for (const auto id : due) {
    // An earlier callback may have stopped or moved it.
    const auto found = timers_.find(id);
    if (ending() || found == timers_.end() || found->second > now) continue;
    timers_.erase(found);
    if (plugin_->on_timer) in_plugin("on_timer", [&] { plugin_->on_timer(instance_, id); });
  }
}

template <class Work>
void instance::in_plugin(std::string_view name, Work work) {
  {
    const std::lock_guard hold(guard_);
    in_call_ = name;
    in_call_since_ = clock::now();
  }
  if (plugin_listens_ && !alarm_is_set_.exchange(true)) alarm_.set(call_takes_long);
  try {
    work();
  } catch (...) {
    tell_failed(TILLD_E_INTERNAL, detail_body("an exception left the plugin"));
    end(exit_code::plugin_failed);
  }
  const std::lock_guard hold(guard_);
  in_call_.clear();
}

void instance::speak() {
  if (!write_out() || out_.bytes() > 0) to_io_.ring();
}

bool instance::write_out() {
  const std::lock_guard hold(socket_guard_);
  return socket_ < 0 || out_.write_to(socket_);
}

void instance::cut_off() {
  ear_.cover();
  const std::lock_guard hold(socket_guard_);
  socket_ = -1;
}

// What follows is called by the plugin.

tilld_status instance::send(const tilld_message* m) {
  if (!m || m->struct_size < sizeof(tilld_message) || !m->name) return TILLD_E_INVALID;
  if ((m->body.size && !m->body.data) || (m->blob.size && !m->blob.data)) return TILLD_E_INVALID;
  if (m->kind < TILLD_REQUEST || m->kind > TILLD_EVENT) return TILLD_E_INVALID;
  const std::string_view name(m->name, ::strnlen(m->name, TILLD_NAME_SIZE_MAX + 1));
  const bool failed = m->kind == TILLD_EVENT && name == names::failed;
  if (name.starts_with(names::prefix) && !failed) return TILLD_E_INVALID;
  const bool question = m->kind == TILLD_REQUEST;
  if (question && questions_.fetch_add(1) >= questions_max) {
    --questions_;
    return TILLD_E_BUSY;
  }
  const plugin_message_view message{.kind = static_cast<plugin_message_kind>(m->kind),
                                    .id = m->id,
                                    .status = m->status,
                                    .deadline_ms = m->deadline_ms,
                                    .name = name,
                                    .body = {static_cast<const char*>(m->body.data), m->body.size},
                                    .blob = {static_cast<const char*>(m->blob.data), m->blob.size}};
  const auto added = out_.add(message, send_patience);
  speak();
  if (question && added != outbox::added::yes) --questions_;
  if (failed) end(m->status == TILLD_E_NO_DEVICE ? exit_code::device_gone : exit_code::plugin_failed);
  if (m->kind == TILLD_REPLY && m->status == TILLD_E_NO_DEVICE && !ending()) {
    tell_failed(TILLD_E_NO_DEVICE, message.body);
    end(exit_code::device_gone);
  }
  switch (added) {
    case outbox::added::yes: return TILLD_OK;
    case outbox::added::full: return TILLD_E_BUSY;
    case outbox::added::closed: return TILLD_E_CANCELLED;
    case outbox::added::invalid: return TILLD_E_INVALID;
  }
  return TILLD_E_INTERNAL;
}

void instance::log(int level, std::string_view text) {
  auto line = readable(text.substr(0, names::log_text_size_max));
  level = std::clamp(level, 3, 7);
  if (level == 3) {
    const std::lock_guard hold(guard_);
    last_error_line_ = line;
  }
  const auto lost = lines_lost_.exchange(0);
  json::object body{{"level", level}, {"text", json::string(line)}};
  if (lost > 0) body["lost"] = lost;
  const auto written = json::serialize(body);
  const plugin_message_view message{.kind = plugin_message_kind::event, .name = names::log, .body = written};
  if (out_.add(message, std::chrono::milliseconds(0)) != outbox::added::yes) lines_lost_ += lost + 1;
  speak();
}

tilld_status instance::watch(int fd, std::int16_t events) {
  if (!on_plugin_thread("watch") || fd < 0) return TILLD_E_INVALID;
  if (events == 0) return watched_.erase(fd), TILLD_OK;
  if (!plugin_->on_fd) return TILLD_E_UNSUPPORTED;
  if (!watched_.contains(fd) && watched_.size() >= watched_max) return TILLD_E_BUSY;
  watched_[fd] = events;
  return TILLD_OK;
}

tilld_status instance::timer(std::uint32_t id, std::uint32_t delay_ms) {
  if (!on_plugin_thread("timer")) return TILLD_E_INVALID;
  if (delay_ms == 0) return timers_.erase(id), TILLD_OK;
  if (!plugin_->on_timer) return TILLD_E_UNSUPPORTED;
  if (!timers_.contains(id) && timers_.size() >= timers_max) return TILLD_E_BUSY;
  timers_[id] = clock::now() + std::chrono::milliseconds(delay_ms);
  return TILLD_OK;
}

std::uint64_t instance::now_ms() const {
  const auto ms = static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::milliseconds>(clock::now() - begun_).count());
  return observer_ ? observer_->now(ms) : ms;
}

bool instance::on_plugin_thread(std::string_view function) const {
  if (std::this_thread::get_id() == thread_.load()) return true;
  if (observer_) observer_->refused_on_this_thread(function);
  return false;
}

// What follows is called by whichever thread reads.

void instance::take_over_if_busy() {
  alarm_.silence();
  // In this order: a call that begins now finds the clock not set and sets it.
  alarm_is_set_ = false;
  const std::lock_guard hold(guard_);
  if (!in_call_.empty()) plugin_listens_ = false;
}

void instance::deliver(plugin_message message) {
  if (in_.add(message)) {
    if (std::this_thread::get_id() != thread_.load()) to_plugin_.ring();
    return;
  }
  if (message.kind == plugin_message_kind::request)
    refuse(message, TILLD_E_BUSY, "too many requests wait for this plugin");
}

void instance::cancel(std::uint64_t request_id) {
  if (const auto request = in_.take_request(request_id))
    return refuse(*request, TILLD_E_CANCELLED, "cancelled before the device was asked");
  const std::lock_guard hold(instance_guard_);
  if (!started_ || !plugin_->cancel) return;
  try {
    plugin_->cancel(instance_, request_id);
  } catch (...) {
    tell_failed(TILLD_E_INTERNAL, detail_body("an exception left the plugin"));
    end(exit_code::plugin_failed);
  }
}

void instance::answer_busy_since(const plugin_message& request) {
  json::object body{{"in_call", nullptr}, {"since_ms", 0}};
  {
    const std::lock_guard hold(guard_);
    if (!in_call_.empty()) {
      body["in_call"] = in_call_;
      body["since_ms"] =
          std::chrono::duration_cast<std::chrono::milliseconds>(clock::now() - in_call_since_).count();
    }
  }
  body["waiting"] = in_.count();
  body["unsent_bytes"] = out_.bytes();
  reply(request, TILLD_OK, json::serialize(body));
}

void instance::stop(const plugin_message& request) {
  {
    const std::lock_guard hold(guard_);
    stop_request_ = request;
  }
  hang_up(exit_code::stopped);
}

void instance::hang_up(exit_code why) {
  end(why);
  out_.close();
}

bool instance::ending() const {
  const std::lock_guard hold(guard_);
  return why_ended_.has_value();
}

std::optional<exit_code> instance::finished() const {
  const std::lock_guard hold(guard_);
  return finished_;
}

void instance::reply(const plugin_message& request, tilld_status status, std::string_view body) {
  out_.add_now({.kind = plugin_message_kind::reply,
                .id = request.id,
                .status = status,
                .name = request.name,
                .body = body});
  speak();
}

void instance::refuse(const plugin_message& request, tilld_status status, std::string_view detail) {
  reply(request, status, detail_body(detail));
}

void instance::tell_failed(tilld_status status, std::string_view body) {
  out_.add_now({.kind = plugin_message_kind::event, .status = status, .name = names::failed, .body = body});
  speak();
}

void instance::end(exit_code why) {
  {
    const std::lock_guard hold(guard_);
    if (!why_ended_) why_ended_ = why;
  }
  to_plugin_.ring();
  to_io_.ring();
}

}  // namespace tilld::daemon::plugin_host
