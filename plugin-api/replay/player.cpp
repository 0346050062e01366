#include "plugin-api/replay/player.hpp"

#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>

namespace tilld::replay {

namespace json = boost::json;
using std::chrono::steady_clock;

namespace {

constexpr auto patience = std::chrono::seconds(5);
constexpr std::uint32_t deadline_ms = 5000;
// A descriptor that stays ready so often is one that the plugin does not read.
constexpr int rounds_max = 10'000;

std::string_view view(const tilld_bytes& bytes) {
  return bytes.size ? std::string_view(static_cast<const char*>(bytes.data), bytes.size) : std::string_view();
}

std::string kind_name(std::uint32_t kind) {
  return kind == TILLD_REPLY ? "reply" : kind == TILLD_EVENT ? "event" : "question";
}

bool same_json(const std::string& a, const std::string& b) {
  json::error_code wrong_a, wrong_b;
  auto left = json::parse(a.empty() ? "{}" : a, wrong_a), right = json::parse(b.empty() ? "{}" : b, wrong_b);
  return !wrong_a && !wrong_b && left == right;
}

bool ready(int fd, short events, int wait_ms) {
  pollfd one{fd, events, 0};
  return ::poll(&one, 1, wait_ms) > 0 && (one.revents & events);
}

}  // namespace

player& player::of(const tilld_host* host) { return *reinterpret_cast<const callbacks*>(host)->self; }

player::player(const tilld_plugin& plugin) : plugin_(plugin) {
  host_ = {{sizeof(tilld_host), TILLD_ABI_MINOR, &on_send, &on_log, &on_watch, &on_set_timer, &on_now}, this};
}

player::~player() {
  if (started_) plugin_.stop(instance_);
  if (device_ >= 0) ::close(device_);
  if (other_end_ >= 0) ::close(other_end_);
}

tilld_status player::on_send(const tilld_host* host, const tilld_message* m) {
  auto& self = of(host);
  if (!m->name || std::strlen(m->name) > TILLD_NAME_SIZE_MAX || m->body.size > TILLD_BODY_SIZE_MAX ||
      m->blob.size > TILLD_BLOB_SIZE_MAX)
    return TILLD_E_INVALID;
  std::lock_guard hold(self.guard_);
  self.said_.push_back(
      {m->kind, m->id, m->status, m->name, std::string(view(m->body)), std::string(view(m->blob))});
  return TILLD_OK;
}

void player::on_log(const tilld_host*, std::int32_t level, const char* text) {
  std::fprintf(stderr, "log %d: %s\n", level, text);
}

tilld_status player::on_watch(const tilld_host* host, int fd, std::int16_t events) {
  auto& watched = of(host).watched_;
  if (fd < 0) return TILLD_E_INVALID;
  if (events == 0)
    watched.erase(fd);
  else
    watched[fd] = events;
  return TILLD_OK;
}

tilld_status player::on_set_timer(const tilld_host* host, std::uint32_t id, std::uint32_t delay_ms) {
  auto& self = of(host);
  if (delay_ms == 0)
    self.timers_.erase(id);
  else
    self.timers_[id] = self.now_ms_ + delay_ms;
  return TILLD_OK;
}

std::uint64_t player::on_now(const tilld_host* host) { return of(host).now_ms_; }

std::string player::with_device(std::string text) const {
  for (auto at = text.find("$DEVICE"); at != text.npos; at = text.find("$DEVICE"))
    text.replace(at, 7, device_path_);
  return text;
}

void player::need_instance() const {
  if (!started_) throw mismatch("the plugin is not started yet");
}

void player::play(const step& s) {
  switch (s.what) {
    case verb::device: return make_device();
    case verb::start:
    case verb::refused: return start(s);
    case verb::says: return say(s.octets);
    case verb::hears: return hear(s.octets);
    case verb::ask: return ask(s);
    case verb::reply: {
      if (asked_.empty()) throw mismatch("nothing was asked that is not answered yet");
      return expect(s, TILLD_REPLY, asked_.front().second);
    }
    case verb::event: return expect(s, TILLD_EVENT, s.name);
    case verb::question: return expect(s, TILLD_REQUEST, s.name);
    case verb::cancel: {
      if (asked_.empty()) throw mismatch("nothing was asked that is not answered yet");
      if (plugin_.cancel) plugin_.cancel(instance_, asked_.front().first);
      return pump();
    }
    case verb::answer: return answer(s);
    case verb::wait: return move_clock(s.ms);
    case verb::nothing: return expect_silence();
    case verb::unplug: return unplug();
    case verb::gone: return expect(s, TILLD_EVENT, "tilld.instance/1.failed");
  }
}

void player::make_device() {
  if (device_ >= 0) throw mismatch("there is a device already");
  device_ = ::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (device_ < 0 || ::grantpt(device_) != 0 || ::unlockpt(device_) != 0)
    throw mismatch("this machine gives no pseudo-terminal");
  device_path_ = ::ptsname(device_);
  // Held open, so that what is said before the plugin has opened it is not lost.
  other_end_ = ::open(device_path_.c_str(), O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (other_end_ < 0) throw mismatch("cannot open " + device_path_);
}

void player::start(const step& s) {
  if (started_) throw mismatch("the plugin is started already");
  auto config = with_device(s.body);
  auto status = plugin_.start(&host_.abi, {config.data(), config.size()}, &instance_);
  started_ = status == TILLD_OK;
  if (status != s.status)
    throw mismatch("start() ended with status " + std::to_string(status) + " instead of " +
                   std::to_string(s.status));
}

void player::say(const std::string& octets) {
  if (device_ < 0) throw mismatch("there is no device; write `device` first");
  for (std::size_t sent = 0; sent < octets.size();) {
    auto n = ::write(device_, octets.data() + sent, octets.size() - sent);
    if (n <= 0) throw mismatch("the device cannot speak; it was unplugged, or nobody reads it");
    sent += static_cast<std::size_t>(n);
    // The kernel hands it over in its own time. A terminal that collects lines shows half of one to nobody.
    ready(other_end_, POLLIN, 200);
    pump();
  }
}

void player::hear(const std::string& octets) {
  if (device_ < 0) throw mismatch("there is no device; write `device` first");
  std::string heard;
  for (auto until = steady_clock::now() + patience; heard.size() < octets.size();) {
    pump();
    char chunk[4096];
    auto room = std::min(sizeof chunk, octets.size() - heard.size());
    if (ready(device_, POLLIN, 20)) {
      auto n = ::read(device_, chunk, room);
      if (n > 0) heard.append(chunk, static_cast<std::size_t>(n));
    }
    if (steady_clock::now() > until) break;
  }
  if (heard != octets)
    throw mismatch("the device heard \"" + escape(heard) + "\" instead of \"" + escape(octets) + "\"");
}

void player::ask(const step& s) {
  need_instance();
  asked_.emplace_back(++last_id_, s.name);
  auto body = with_device(s.body);
  tilld_message m{};
  m.struct_size = sizeof m;
  m.kind = TILLD_REQUEST;
  m.id = last_id_;
  m.deadline_ms = deadline_ms;
  m.name = s.name.c_str();
  m.body = {body.data(), body.size()};
  m.blob = {s.blob.data(), s.blob.size()};
  plugin_.on_message(instance_, &m);
}

void player::answer(const step& s) {
  need_instance();
  if (questions_.empty()) throw mismatch("the plugin asked nothing that is not answered yet");
  auto question = questions_.front();
  questions_.pop_front();
  tilld_message m{};
  m.struct_size = sizeof m;
  m.kind = TILLD_REPLY;
  m.id = question.id;
  m.status = s.status;
  m.name = question.name.c_str();
  m.body = {s.body.data(), s.body.size()};
  m.blob = {s.blob.data(), s.blob.size()};
  plugin_.on_message(instance_, &m);
}

void player::move_clock(std::uint32_t ms) {
  need_instance();
  pump();
  const auto target = now_ms_ + ms;
  for (;;) {
    auto earliest = timers_.end();
    for (auto it = timers_.begin(); it != timers_.end(); ++it)
      if (it->second <= target && (earliest == timers_.end() || it->second < earliest->second)) earliest = it;
    if (earliest == timers_.end()) break;
    now_ms_ = std::max(now_ms_, earliest->second);
    auto id = earliest->first;
    timers_.erase(earliest);
    if (plugin_.on_timer) plugin_.on_timer(instance_, id);
    pump();
  }
  now_ms_ = target;
}

void player::unplug() {
  if (device_ < 0) throw mismatch("there is no device to unplug");
  ::close(device_);
  device_ = -1;
  if (started_) pump();
}

void player::pump() {
  for (int round = 0; started_ && round < rounds_max; ++round) {
    {
      // An instance that gave up is called no more.
      std::lock_guard hold(guard_);
      for (auto& m : said_)
        if (m.name == "tilld.instance/1.failed") return;
    }
    std::vector<pollfd> all;
    for (auto& [fd, events] : watched_) all.push_back({fd, events, 0});
    if (::poll(all.data(), all.size(), 0) <= 0) return;
    for (auto& one : all)
      if (one.revents && watched_.count(one.fd) && plugin_.on_fd)
        plugin_.on_fd(instance_, one.fd, one.revents);
  }
  if (started_) throw mismatch("the plugin watches a descriptor that is ready, and does not read it");
}

player::message player::next(const std::string& expected) {
  for (auto until = steady_clock::now() + patience;;) {
    if (started_) pump();
    {
      std::lock_guard hold(guard_);
      if (!said_.empty()) {
        auto m = std::move(said_.front());
        said_.pop_front();
        return m;
      }
    }
    if (steady_clock::now() > until) throw mismatch("expected " + expected + ", and nothing came");
    std::vector<pollfd> all;
    for (auto& [fd, events] : watched_) all.push_back({fd, events, 0});
    ::poll(all.data(), all.size(), 10);  // short: a thread of the plugin may speak as well
  }
}

void player::expect(const step& s, std::uint32_t kind, const std::string& name) {
  need_instance();
  bool any = s.any_body || s.what == verb::gone;
  auto shown = [](std::uint32_t k, const std::string& n, tilld_status status, const std::string& body,
                  const std::string& blob) {
    return kind_name(k) + " " + n + (k == TILLD_REPLY || status ? " status " + std::to_string(status) : "") +
           (body.empty() ? "" : " " + body) + (blob.empty() ? "" : " \"" + escape(blob) + "\"");
  };
  auto expected = shown(kind, name, s.status, any ? "" : s.body, s.blob);
  auto m = next(expected);
  auto came = shown(m.kind, m.name, m.status, m.body, m.blob);
  bool fits = m.kind == kind && m.name == name && m.status == s.status &&
              (any || (same_json(m.body, s.body) && m.blob == s.blob));
  if (kind == TILLD_REPLY) {
    fits = fits && m.id == asked_.front().first;
    asked_.pop_front();
  }
  if (!fits) throw mismatch("expected " + expected + "\n  and got  " + came);
  if (kind == TILLD_REQUEST) questions_.push_back(std::move(m));
  if (s.what == verb::gone) {  // as the daemon does with an instance that cannot go on
    plugin_.stop(instance_);
    started_ = false;
  }
}

void player::expect_silence() {
  pump();
  std::lock_guard hold(guard_);
  if (!said_.empty())
    throw mismatch("nothing more was expected, and there came " + kind_name(said_.front().kind) + " " +
                   said_.front().name + " " + said_.front().body);
}

void player::finish() {
  if (!started_) return;
  expect_silence();
  plugin_.stop(instance_);
  started_ = false;
}

}  // namespace tilld::replay
