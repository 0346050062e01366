#include "plugin-api/check/conversation.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <tilld/plugin.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "daemon/plugin_host/exit_code.hpp"
#include "plugin-api/check/finding.hpp"
#include "wire/plugin_instance.hpp"

namespace tilld::plugin_check {

namespace json = boost::json;
namespace names = wire::plugin_instance;
using wire::plugin_message;
using wire::plugin_message_kind;

namespace {

constexpr std::size_t shown_max = 300;
// What a slow host takes to answer a question of the plugin.
constexpr milliseconds late_answer{400};

json::object object_in(const plugin_message& message) {
  json::error_code failed;
  auto value = json::parse(message.body.empty() ? "{}" : message.body, failed);
  return failed || !value.is_object() ? json::object() : value.get_object();
}

std::string text_in(const json::object& body, const char* member) {
  const auto* value = body.if_contains(member);
  return value && value->is_string() ? std::string(value->get_string()) : std::string();
}

std::string shown(std::string_view text) {
  std::string out;
  for (char c : text.substr(0, shown_max)) out += c >= ' ' && c != 0x7f ? c : '?';
  if (text.size() > shown_max) out += " ... (" + std::to_string(text.size()) + " octets)";
  return out;
}

}  // namespace

std::string status_name(std::int32_t status) {
  constexpr const char* all[] = {
      "TILLD_OK",     "TILLD_E_INTERNAL", "TILLD_E_INVALID",   "TILLD_E_UNSUPPORTED", "TILLD_E_CONFIG",
      "TILLD_E_BUSY", "TILLD_E_TIMEOUT",  "TILLD_E_CANCELLED", "TILLD_E_IO",          "TILLD_E_NO_DEVICE"};
  return status >= 0 && status < 10 ? all[status] : "status " + std::to_string(status);
}

std::string readable_reply(const plugin_message& reply) {
  return status_name(reply.status) + " " + shown(reply.body) +
         (reply.blob.empty() ? "" : " and a blob of " + std::to_string(reply.blob.size()) + " octets");
}

std::string readable_request(std::string_view name, std::string_view body, std::size_t blob_size) {
  return std::string(name) + " " + shown(body) +
         (blob_size == 0 ? "" : " and a blob of " + std::to_string(blob_size) + " octets");
}

conversation::conversation(const subject& what) : conversation(what, manner()) {}

conversation::conversation(const subject& what, manner how)
    : what_(what), how_(how), devices_(how.devices), services_(how.with ? how.with : &own_services_) {
  if (!devices_) {
    own_devices_ = std::make_unique<test_devices>(what_.config);
    devices_ = own_devices_.get();
  }
  if (!devices_->terminal_path().empty()) what_.allowed_paths.push_back({devices_->terminal_path(), true});
  what_.config = devices_->put_into(what_.config);
  process_ = std::make_unique<plugin_process>(what_, how_.lives);
  if (what_.slow) {
    // Little room between the two, so that what is not read is felt.
    const int small = 4096;
    ::setsockopt(process_->socket(), SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
  }
}

bool conversation::hello() {
  // The hello of a further life may have come with the answer to the stop before.
  const auto wanted = ++hellos_wanted_;
  pump(clock::now() + patient(10'000), [&] { return hellos_ >= wanted || over_; });
  if (hellos_ < wanted && !over_)
    fail("the file was loaded", "nothing for ten seconds", "Do nothing in constructors of static objects.");
  return hellos_ >= wanted;
}

std::int32_t conversation::start_with(const json::object& config) {
  const json::object body{{"instance", "check"}, {"config", config}};
  const auto id = ask(names::start, json::serialize(body));
  pump(clock::now() + patient(15'000), [&] { return replies_to(id) > 0 || over_; });
  if (replies_to(id) == 0) {
    if (over_) ended_unasked();
    fail("start() with " + shown(json::serialize(config)), "nothing for fifteen seconds",
         "Do not wait for the device in start(); say TILLD_E_NO_DEVICE where it is not there.");
  }
  const auto& reply = asked_.at(id).replies.front();
  if (reply.status != TILLD_OK)
    why_not_ = status_name(reply.status) + ", " + text_in(object_in(reply), "detail");
  return reply.status;
}

void conversation::start() {
  if (!hello()) skip("the plugin is not loaded: " + why_not_);
  if (start_with(what_.config) != TILLD_OK)
    skip("the plugin does not start: " + why_not_ +
         (what_.config.empty() ? "; give its configuration with --config" : ""));
}

std::uint64_t conversation::ask(std::string_view name, std::string body, std::string blob,
                                std::uint32_t deadline_ms) {
  const auto id = ++last_id_;
  auto& mine = asked_[id];
  mine.name = name;
  mine.body = body.substr(0, 2000);
  mine.blob_size = blob.size();
  mine.deadline_ms = deadline_ms;
  send({.kind = plugin_message_kind::request,
        .id = id,
        .deadline_ms = deadline_ms,
        .name = std::string(name),
        .body = std::move(body),
        .blob = std::move(blob)});
  return id;
}

void conversation::cancel(std::uint64_t id) {
  send({.name = std::string(names::cancel), .body = json::serialize(json::object{{"id", id}})});
}

bool conversation::answered(std::uint64_t id, milliseconds patience) {
  return pump(clock::now() + patience, [&] { return replies_to(id) > 0; });
}

const plugin_message& conversation::reply_to(std::uint64_t id) {
  const auto& mine = asked_.at(id);
  if (!answered(id, milliseconds(mine.deadline_ms) + patient(3000))) {
    if (over_) ended_unasked();
    fail(sent_as(id), "no answer within its deadline of " + std::to_string(mine.deadline_ms) + " ms",
         "Every request is answered exactly once: with TILLD_E_TIMEOUT where the device does not answer.");
  }
  return mine.replies.front();
}

const plugin_message& conversation::call(std::string_view name, std::string body, std::string blob,
                                         std::uint32_t deadline_ms) {
  return reply_to(ask(name, std::move(body), std::move(blob), deadline_ms));
}

std::size_t conversation::replies_to(std::uint64_t id) const {
  const auto found = asked_.find(id);
  return found == asked_.end() ? 0 : found->second.replies.size();
}

std::string conversation::sent_as(std::uint64_t id) const {
  const auto& mine = asked_.at(id);
  return readable_request(mine.name, mine.body, mine.blob_size);
}

void conversation::nothing_is_answered_twice() const {
  constexpr const char* mend = "Every request is answered exactly once, and nothing else is.";
  if (!unasked_.empty())
    fail("no request with id " + std::to_string(unasked_.front().id),
         "a reply to it: " + readable_reply(unasked_.front()), mend);
  for (const auto& [id, mine] : asked_)
    if (mine.replies.size() > 1)
      fail(
          sent_as(id),
          std::to_string(mine.replies.size()) + " answers, the second was " + readable_reply(mine.replies[1]),
          mend);
}

bool conversation::listen(milliseconds time, const std::function<bool()>& until) {
  return pump(clock::now() + time, [&] { return over_ || (until && until()); }) && until && until();
}

void conversation::ping(milliseconds patience) {
  const auto id = ask(names::ping, "{}", {}, 0);
  pump(clock::now() + patient(static_cast<int>(patience.count())),
       [&] { return replies_to(id) > 0 || over_; });
  if (over_ && replies_to(id) == 0) ended_unasked();
  if (replies_to(id) == 0)
    fail("the next turn of its thread", "none: the plugin's thread is still in a call that does not return",
         "Return from every call until the deadline of the request in hand, or answer later.");
}

milliseconds conversation::stop() {
  const auto begun = clock::now();
  may_end_ = true;
  const auto id = ask(names::stop, "{}", {}, 0);
  pump(clock::now() + patient(8000), [this] { return over_; });
  const auto took = std::chrono::duration_cast<milliseconds>(clock::now() - begun);
  const auto how = process_->wait(milliseconds(5000));
  const auto hung = static_cast<int>(daemon::plugin_host::exit_code::hung);
  constexpr const char* mend =
      "stop() lets go of everything and returns within two seconds, whatever is pending.";
  if (!how || how->code == hung) fail("stop", "stop() did not return for two seconds", mend);
  if (how->code != 0 && !gave_up_device_) fail("stop", how->text(), mend);
  (void)id;
  return took;
}

bool conversation::stop_this_life() {
  const auto id = ask(names::stop, "{}", {}, 0);
  may_end_ = true;
  pump(clock::now() + patient(8000), [&] { return replies_to(id) > 0 || over_; });
  may_end_ = false;
  return replies_to(id) > 0;
}

void conversation::send(const plugin_message& message) {
  if (!wire::append_frame(unsent_, message)) throw std::runtime_error("a message that cannot be sent");
}

// Serves everything until the condition holds or the time is over.
bool conversation::pump(clock::time_point until, const std::function<bool()>& done) {
  while (!done()) {
    if (over_) {
      if (!may_end_ && !gave_up_device_ && hellos_ > 0) ended_unasked();
      return done();
    }
    const auto left = std::chrono::ceil<milliseconds>(until - clock::now());
    if (left.count() <= 0) return false;
    turn(left);
  }
  return true;
}

void conversation::turn(milliseconds patience) {
  give_late_answers();
  if (!late_.empty())
    patience = std::min(
        patience,
        std::max(milliseconds(1), std::chrono::ceil<milliseconds>(late_.front().due - clock::now())));
  if (devices_->any()) {
    devices_->serve();
    patience = std::min(patience, milliseconds(5));
  }
  pollfd one{process_->socket(), static_cast<short>(POLLIN | (sent_ < unsent_.size() ? POLLOUT : 0)), 0};
  if (::poll(&one, 1, static_cast<int>(patience.count())) <= 0) return;
  if (one.revents & POLLOUT) {
    const auto left = unsent_.size() - sent_;
    const auto size = ::send(process_->socket(), unsent_.data() + sent_,
                             what_.slow ? std::min<std::size_t>(left, 1) : left, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (size > 0) sent_ += static_cast<std::size_t>(size);
    if (sent_ == unsent_.size()) {
      unsent_.clear();
      sent_ = 0;
    }
  }
  if (!(one.revents & (POLLIN | POLLHUP | POLLERR))) return;
  char chunk[65536];
  const auto size = ::recv(process_->socket(), chunk, what_.slow ? 1 : sizeof chunk, MSG_DONTWAIT);
  if (size < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (size <= 0) return hung_up();
  reader_.feed({chunk, static_cast<std::size_t>(size)});
  for (;;) {
    auto message = reader_.next();
    if (!message) return hung_up();
    if (!*message) return;
    take(std::move(**message));
  }
}

void conversation::take(plugin_message message) {
  if (message.kind == plugin_message_kind::request) {
    if (!how_.answer_questions) return;
    auto reply = services_->answer(message, what_.uses);
    if (!what_.slow) return send(reply);
    late_.push_back({clock::now() + late_answer, std::move(reply)});
    return;
  }
  if (message.kind == plugin_message_kind::event) {
    if (message.name == names::hello) {
      hello_ = object_in(message);
      ++hellos_;
    } else if (message.name == names::failed) {
      gave_up_device_ = gave_up_device_ || message.status == TILLD_E_NO_DEVICE;
      why_not_ = text_in(object_in(message), "detail");
    } else if (message.name == names::log) {
      last_log_ = text_in(object_in(message), "text");
    } else {
      events_.push_back(std::move(message));
    }
    return;
  }
  if (message.name != names::start && message.status == TILLD_E_NO_DEVICE) gave_up_device_ = true;
  const auto found = asked_.find(message.id);
  if (found == asked_.end()) {
    unasked_.push_back(std::move(message));
    return;
  }
  order_.push_back(message);
  found->second.replies.push_back(std::move(message));
}

void conversation::hung_up() {
  over_ = true;
  if (const auto how = process_->wait(milliseconds(3000))) {
    gave_up_device_ =
        gave_up_device_ || how->code == static_cast<int>(daemon::plugin_host::exit_code::device_gone);
    if (why_not_.empty()) why_not_ = how->text();
  }
}

void conversation::give_late_answers() {
  while (!late_.empty() && late_.front().due <= clock::now()) {
    send(late_.front().reply);
    late_.pop_front();
  }
}

void conversation::ended_unasked() {
  if (gave_up_device_) skip("the plugin says that its device is not there: " + why_not_);
  const auto how = process_->wait(milliseconds(3000));
  std::string last = "start";
  for (const auto& [id, mine] : asked_)
    if (mine.replies.empty() && !mine.name.starts_with(names::prefix)) last = sent_as(id);
  if (last == "start" && !asked_.empty()) last = sent_as(asked_.rbegin()->first);
  auto came = how ? how->text() : std::string("the connection ended");
  if (!last_log_.empty()) came += "; the last line that it logged: " + shown(last_log_);
  fail(last, came, "Nothing that comes over the socket may end the process. A debugger shows where it died.");
}

}  // namespace tilld::plugin_check
