// How this tree waits: `co_await timer.async_wait(as_result)` gives the error code as the first of the values
// and throws nothing, because an error of a socket is news and no bug. Take the values apart behind the
// statement, as the list of traps in CONTRIBUTING.md says.
#pragma once

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace tilld::base {

inline constexpr auto as_result = boost::asio::as_tuple(boost::asio::use_awaitable);

}  // namespace tilld::base
