// Closing after a refusal. A socket that is closed while octets wait unread is reset, and the other side
// loses what it was just told; so the daemon says that it is done, and reads on for a moment. [I/O thread]
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/generic/stream_protocol.hpp>

namespace tilld::daemon {

// Until the other side hangs up, at most a second and 8 MiB. The caller closes the socket.
boost::asio::awaitable<void> let_last_words_arrive(boost::asio::generic::stream_protocol::socket& s);

}  // namespace tilld::daemon
