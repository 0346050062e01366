#include "plugins/escpos-printer/tests/plugin_bench.hpp"

#include <gtest/gtest.h>
#include <poll.h>

#include <chrono>

namespace json = boost::json;

namespace tilld::escpos::test {
namespace {

std::string text_of(const tilld_bytes& bytes) { return {static_cast<const char*>(bytes.data), bytes.size}; }

std::uint64_t steady_ms() {
  auto now = std::chrono::steady_clock::now().time_since_epoch();
  return std::uint64_t(std::chrono::duration_cast<std::chrono::milliseconds>(now).count());
}

constexpr std::uint64_t patience_ms = 10'000;

}  // namespace

plugin_bench& plugin_bench::of(const tilld_host* host) {
  return *const_cast<plugin_bench*>(static_cast<const plugin_bench*>(host));
}

plugin_bench::plugin_bench() : tilld_host{}, plugin_(tilld_plugin_v1()) {
  struct_size = sizeof(tilld_host);
  send = [](const tilld_host* host, const tilld_message* m) { return of(host).take(*m); };
  log = [](const tilld_host* host, std::int32_t, const char* text) { of(host).logged.emplace_back(text); };
  watch = [](const tilld_host* host, int fd, std::int16_t what) -> tilld_status {
    if (what == 0)
      of(host).watched_.erase(fd);
    else
      of(host).watched_[fd] = what;
    return TILLD_OK;
  };
  timer = [](const tilld_host* host, std::uint32_t id, std::uint32_t delay_ms) -> tilld_status {
    auto& self = of(host);
    if (delay_ms == 0)
      self.timers_.erase(id);
    else
      self.timers_[id] = self.clock_ms() + delay_ms;
    return TILLD_OK;
  };
  now = [](const tilld_host* host) { return of(host).clock_ms(); };
}

plugin_bench::~plugin_bench() { stop(); }

tilld_status plugin_bench::start(const json::object& config) {
  EXPECT_EQ(instance_, nullptr);
  auto text = json::serialize(config);
  return plugin_->start(this, {text.data(), text.size()}, &instance_);
}

void plugin_bench::stop() {
  if (instance_) plugin_->stop(instance_);
  instance_ = nullptr;
  watched_.clear();
  timers_.clear();
  to_plugin_.clear();
}

std::uint64_t plugin_bench::request(const char* name, const json::object& body, const std::string& blob,
                                    std::uint32_t deadline_ms) {
  auto id = ++last_id_;
  deliver({TILLD_REQUEST, id, TILLD_OK, std::string("tilld.printer/1.") + name, json::serialize(body)}, blob,
          deadline_ms);
  return id;
}

answered plugin_bench::answer_to(std::uint64_t id) {
  EXPECT_TRUE(run_until([&] { return answers_.contains(id); })) << "no answer";
  auto found = answers_.find(id);
  return found == answers_.end() ? answered{TILLD_E_TIMEOUT, {}, {}} : found->second;
}

answered plugin_bench::call(const char* name, const json::object& body, const std::string& blob,
                            std::uint32_t deadline_ms) {
  return answer_to(request(name, body, blob, deadline_ms));
}

bool plugin_bench::run_until(const std::function<bool()>& condition) {
  auto end = steady_ms() + patience_ms;
  while (!condition()) {
    if (steady_ms() > end) return false;
    turn(5);
  }
  return true;
}

void plugin_bench::run_turns(int count) {
  for (int i = 0; i < count; ++i) turn(1);
}

void plugin_bench::advance(std::uint32_t ms) {
  turned_ms_ += ms;
  call_due_timers();
}

void plugin_bench::turn(int wait_ms) {
  auto waiting = std::exchange(to_plugin_, {});
  for (auto& m : waiting)
    if (instance_) deliver(m);

  std::vector<pollfd> polled;
  for (auto& [fd, what] : watched_) polled.push_back({fd, what, 0});
  auto own = polled.size();
  std::vector<bystander*> owners;
  for (auto* it : bystanders)
    for (int fd : it->descriptors()) {
      polled.push_back({fd, POLLIN, 0});
      owners.push_back(it);
    }
  if (!to_plugin_.empty()) wait_ms = 0;
  ::poll(polled.data(), polled.size(), wait_ms);
  for (std::size_t i = 0; i < polled.size(); ++i) {
    if (polled[i].revents == 0) continue;
    if (i >= own)
      owners[i - own]->on_readable(polled[i].fd);
    else if (instance_ && watched_.contains(polled[i].fd))
      plugin_->on_fd(instance_, polled[i].fd, polled[i].revents);
  }
  for (auto* it : bystanders) it->on_turn();
  call_due_timers();
}

void plugin_bench::call_due_timers() {
  for (;;) {
    auto due = timers_.end();
    for (auto it = timers_.begin(); it != timers_.end(); ++it)
      if (it->second <= clock_ms() && (due == timers_.end() || it->second < due->second)) due = it;
    if (due == timers_.end() || !instance_) return;
    auto id = due->first;
    timers_.erase(due);
    plugin_->on_timer(instance_, id);
  }
}

tilld_status plugin_bench::take(const tilld_message& m) {
  auto body = text_of(m.body);
  auto object = body.empty() ? json::object() : json::parse(body).as_object();
  if (m.kind == TILLD_EVENT) events.push_back(object);
  if (m.kind == TILLD_REPLY) {
    EXPECT_FALSE(answers_.contains(m.id)) << "answered twice: " << m.name;
    answers_[m.id] = {m.status, object, text_of(m.blob)};
  }
  if (m.kind == TILLD_REQUEST) answer_state(m.id, m.name, object);
  return TILLD_OK;
}

void plugin_bench::answer_state(std::uint64_t id, const std::string& name, const json::object& body) {
  auto word = name.substr(name.rfind('.') + 1);
  auto key = body.contains("key") ? std::string(body.at("key").as_string()) : "";
  if (state_fails) {
    to_plugin_.push_back({TILLD_REPLY, id, TILLD_E_IO, name, R"({"detail":"disk full"})"});
    return;
  }
  json::object reply;
  if (word == "put") state[key] = body.at("value");
  if (word == "remove") state.erase(key);
  if (word == "get") {
    reply["present"] = state.contains(key);
    if (state.contains(key)) reply["value"] = state[key];
  }
  if (word == "list") {
    json::array keys;
    for (auto& [known, value] : state)
      if (known.starts_with(std::string(body.at("prefix").as_string()))) keys.push_back(json::string(known));
    reply = {{"keys", keys}, {"more", false}};
  }
  if (withhold_state && withhold_state(word, key)) return;
  to_plugin_.push_back({TILLD_REPLY, id, TILLD_OK, name, json::serialize(reply)});
}

void plugin_bench::deliver(const message& m, const std::string& blob, std::uint32_t deadline_ms) {
  tilld_message out{};
  out.struct_size = sizeof out;
  out.kind = m.kind;
  out.id = m.id;
  out.status = m.status;
  out.deadline_ms = deadline_ms;
  out.name = m.name.c_str();
  out.body = {m.body.data(), m.body.size()};
  out.blob = {blob.data(), blob.size()};
  plugin_->on_message(instance_, &out);
}

std::uint64_t plugin_bench::clock_ms() const { return steady_ms() + turned_ms_; }

}  // namespace tilld::escpos::test
