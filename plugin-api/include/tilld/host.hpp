// What a plugin can ask of its host: say something to the world, be called back, ask the daemon.
//
// A host is a handle and cheap to copy. It stays valid until the driver's destructor has returned.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include <tilld/json_writer.hpp>

namespace tilld {

// What the daemon answered to ask(). Either a value or the reason why there is none.
template <class Reply>
class answer {
 public:
  explicit answer(Reply value) : value_(std::move(value)) {}
  answer(tilld_status status, std::string detail, std::string kind)
      : status_(status), detail_(std::move(detail)), kind_(std::move(kind)) {}

  explicit operator bool() const { return status_ == TILLD_OK; }
  const Reply& operator*() const { return value_; }
  const Reply* operator->() const { return &value_; }

  tilld_status status() const { return status_; }
  const std::string& detail() const { return detail_; }
  const std::string& kind() const { return kind_; }

 private:
  tilld_status status_ = TILLD_OK;
  std::string detail_, kind_;
  Reply value_{};
};

namespace detail {

inline std::string_view view(const tilld_bytes& bytes) {
  return {static_cast<const char*>(bytes.data), bytes.size};
}

inline tilld_status send(const tilld_host* host, std::uint32_t kind, std::uint64_t id, tilld_status status,
                         std::uint32_t deadline_ms, const char* name, std::string_view body,
                         std::string_view blob) {
  tilld_message message{};
  message.struct_size = sizeof message;
  message.kind = kind;
  message.id = id;
  message.status = status;
  message.deadline_ms = deadline_ms;
  message.name = name;
  message.body = {body.data(), body.size()};
  message.blob = {blob.data(), blob.size()};
  return host->send(host, &message);
}

// A reply that is over a limit is replaced by one that says so: somebody waits for it.
inline void send_reply(const tilld_host* host, std::uint64_t id, const char* name, std::string_view body,
                       std::string_view blob) {
  if (send(host, TILLD_REPLY, id, TILLD_OK, 0, name, body, blob) == TILLD_E_INVALID)
    throw failure(TILLD_E_INTERNAL, "the reply is larger than a message may be");
}

template <class T>
std::string_view blob_of(const T& message) {
  if constexpr (carries_blob<T>)
    return message.blob.bytes;
  else
    return {};
}

template <class T>
T read_message(const tilld_message& message) {
  auto value = from_json<T>(parse_body(view(message.body)));
  if constexpr (carries_blob<T>) value.blob.bytes = view(message.blob);
  return value;
}

inline std::string failure_body(std::string_view detail, std::string_view kind) {
  boost::json::object body{{"detail", boost::json::string(detail)}};
  if (!kind.empty()) body["kind"] = boost::json::string(kind);
  return boost::json::serialize(body);
}

// The part of an instance that host handles point to.
struct instance_core {
  const tilld_host* abi;
  std::uint64_t last_ask = 0;
  std::unordered_map<std::uint64_t, std::function<void(const tilld_message&)>> asked{};
};

template <class Reply>
answer<Reply> read_answer(const tilld_message& message) {
  try {
    if (message.status == TILLD_OK) return answer<Reply>(read_message<Reply>(message));
    auto body = parse_body(view(message.body)).as_object();
    auto text = [&body](std::string_view member) {
      const auto* value = body.if_contains(member);
      return value && value->is_string() ? std::string(value->get_string()) : std::string();
    };
    return answer<Reply>(message.status, text("detail"), text("kind"));
  } catch (const failure& e) {
    return answer<Reply>(e.status(), e.what(), e.kind());
  } catch (const std::exception&) {
    return answer<Reply>(TILLD_E_INTERNAL, "unreadable answer", {});
  }
}

}  // namespace detail

enum class log_level { error = 3, warning = 4, notice = 5, info = 6, debug = 7 };

class host {
 public:
  explicit host(detail::instance_core& core) : core_(&core) {}

  // Sends an event. False when the queue stayed full for a second; the event is lost then, and a driver that
  // can should read its device more slowly. [any-thread]
  template <class Event>
  bool emit(const Event& event) const {
    return detail::send(core_->abi, TILLD_EVENT, 0, TILLD_OK, 0, Event::name, to_body(event),
                        detail::blob_of(event)) == TILLD_OK;
  }

  // Asks the daemon for something that is named in `uses`. The continuation is called once, later, on the
  // plugin thread, with the answer; not at all when the instance is stopped first. Throws
  // failure(TILLD_E_BUSY) when too much is under way. [plugin-thread]
  template <class Request, class Continuation>
  void ask(const Request& request, Continuation continuation,
           std::uint32_t deadline_ms = Request::deadline_ms_default) const {
    const auto id = ++core_->last_ask;
    const auto status = detail::send(core_->abi, TILLD_REQUEST, id, TILLD_OK, deadline_ms, Request::name,
                                     to_body(request), detail::blob_of(request));
    if (status != TILLD_OK) throw failure(status, std::string("cannot ask ") + Request::name);
    core_->asked[id] = [continuation = std::move(continuation)](const tilld_message& message) mutable {
      continuation(detail::read_answer<typename Request::reply>(message));
    };
  }

  // Never a card number, PIN, token or name. [any-thread]
  void log(log_level level, const std::string& text) const {
    core_->abi->log(core_->abi, static_cast<std::int32_t>(level), text.c_str());
  }

  // on_fd is called whenever fd is ready for one of these poll(2) events, and on hang-up and error, until
  // unwatch. Unwatch before you close. [plugin-thread]
  void watch(int fd, std::int16_t events) const { check(core_->abi->watch(core_->abi, fd, events), "watch"); }
  void unwatch(int fd) const { check(core_->abi->watch(core_->abi, fd, 0), "unwatch"); }

  // on_timer is called once; setting a timer that runs moves it. [plugin-thread]
  void set_timer(std::uint32_t timer_id, std::chrono::milliseconds delay) const {
    const auto ms = static_cast<std::uint32_t>(std::max<std::chrono::milliseconds::rep>(delay.count(), 1));
    check(core_->abi->timer(core_->abi, timer_id, ms), "timer");
  }
  void stop_timer(std::uint32_t timer_id) const {
    check(core_->abi->timer(core_->abi, timer_id, 0), "timer");
  }

  // Only grows. [any-thread]
  std::chrono::milliseconds now() const { return std::chrono::milliseconds(core_->abi->now(core_->abi)); }

  // The instance cannot go on: it is stopped soon and started again later. For threads of the driver; code
  // that the SDK called throws a failure instead. [any-thread]
  void give_up(const failure& why) const {
    detail::send(core_->abi, TILLD_EVENT, 0, why.status(), 0, "tilld.instance/1.failed",
                 detail::failure_body(why.what(), why.kind()), {});
  }

 private:
  static void check(tilld_status status, const char* what) {
    if (status != TILLD_OK) throw failure(status, std::string("the host refused ") + what);
  }

  detail::instance_core* core_;
};

}  // namespace tilld
