// A request that is answered later: from on_fd, from on_timer, from a thread of the driver.
//
//   void print(const tilld::printer::print& request, tilld::pending<tilld::printer::print> pending) {
//     jobs_.push_back({request, std::move(pending)});   // later: jobs_.front().pending.answer({...});
//   }
#pragma once

#include <exception>
#include <utility>

#include <tilld/host.hpp>

namespace tilld {

// Answers exactly once: a second answer is ignored, and a token that is destroyed without an answer says that
// the driver forgot. A member function that throws is answered with what it threw; it must not have put the
// token away before. The token must not outlive the driver. [any-thread]
template <class Request>
class pending {
 public:
  pending(const tilld_host* host, const tilld_message& message)
      : host_(host), id_(message.id), deadline_ms_(message.deadline_ms) {}
  pending(pending&& other) noexcept
      : host_(std::exchange(other.host_, nullptr)), id_(other.id_), deadline_ms_(other.deadline_ms_) {}
  pending& operator=(pending&& other) noexcept {
    std::swap(host_, other.host_);
    std::swap(id_, other.id_);
    std::swap(deadline_ms_, other.deadline_ms_);
    return *this;
  }
  ~pending() {
    // While an exception is on its way out of the member function, that is the answer.
    if (host_ && std::uncaught_exceptions() == exceptions_)
      fail(failure(TILLD_E_INTERNAL, "the driver dropped the request"));
  }

  // What cancel(id) of the driver names.
  std::uint64_t id() const { return id_; }
  std::uint32_t deadline_ms() const { return deadline_ms_; }
  bool answered() const { return host_ == nullptr; }

  void answer(const typename Request::reply& reply) noexcept {
    if (!host_) return;
    try {
      detail::send_reply(host_, id_, Request::name, to_body(reply), detail::blob_of(reply));
      host_ = nullptr;
    } catch (const failure& why) {
      fail(why);
    } catch (const std::exception&) {
      fail(failure(TILLD_E_INTERNAL, "the reply could not be written"));
    }
  }

  void fail(const failure& why) noexcept {
    if (!host_) return;
    detail::send(std::exchange(host_, nullptr), TILLD_REPLY, id_, why.status(), 0, Request::name,
                 detail::failure_body(why.what(), why.kind()), {});
  }

 private:
  const tilld_host* host_;
  std::uint64_t id_;
  std::uint32_t deadline_ms_;
  int exceptions_ = std::uncaught_exceptions();
};

}  // namespace tilld
