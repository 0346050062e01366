// Ties a request to the member function that answers it. A driver lists them:
//
//   using methods = std::tuple<tilld::method<&driver::print>, tilld::method<&driver::status>>;
//
// A member function takes the request and returns the reply; or takes the request and a tilld::call, which
// knows id and deadline; or takes the request and a tilld::pending and answers later.
#pragma once

#include <type_traits>

#include <tilld/pending.hpp>

namespace tilld {

// The circumstances of a request, for who needs them.
struct call {
  std::uint64_t id;           // what cancel(id) names
  std::uint32_t deadline_ms;  // how long the caller waits; 0 is no limit
};

namespace detail {

template <class F>
struct signature;
template <class D, class R, class Q>
struct signature<R (D::*)(const Q&)> {
  using request = Q;
  using result = R;
};
template <class D, class R, class Q>
struct signature<R (D::*)(const Q&, const call&)> : signature<R (D::*)(const Q&)> {};
template <class D, class Q>
struct signature<void (D::*)(const Q&, pending<Q>)> {
  using request = Q;
  using result = void;
};
template <class D, class R, class... P>
struct signature<R (D::*)(P...) const> : signature<R (D::*)(P...)> {};

}  // namespace detail

template <auto Function>
struct method {
  using request = typename detail::signature<decltype(Function)>::request;
  using result = typename detail::signature<decltype(Function)>::result;
  static_assert(std::is_void_v<result> || std::is_same_v<result, typename request::reply>,
                "the member function returns another type than the request's reply");

  // May throw whatever the driver throws; an answer is owed then.
  template <class Driver>
  static void answer(Driver& driver, const tilld_host* host, const tilld_message& message) {
    const auto asked = detail::read_message<request>(message);
    if constexpr (std::is_void_v<result>) {
      (driver.*Function)(asked, pending<request>(host, message));
    } else {
      const auto reply = [&] {
        if constexpr (std::is_invocable_v<decltype(Function), Driver&, const request&>)
          return (driver.*Function)(asked);
        else
          return (driver.*Function)(asked, call{message.id, message.deadline_ms});
      }();
      detail::send_reply(host, message.id, request::name, to_body(reply), detail::blob_of(reply));
    }
  }
};

}  // namespace tilld
