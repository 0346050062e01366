#include "daemon/server/last_words.hpp"

#include <array>
#include <memory>

#include <boost/asio/buffer.hpp>
#include <boost/asio/steady_timer.hpp>

#include "base/as_result.hpp"

namespace tilld::daemon {

namespace asio = boost::asio;

asio::awaitable<void> let_last_words_arrive(asio::generic::stream_protocol::socket& s) {
  constexpr auto at_most = std::chrono::seconds(1);
  constexpr std::size_t octets_max = 8 << 20;
  boost::system::error_code failed;
  s.shutdown(asio::socket_base::shutdown_send, failed);
  if (failed) co_return;
  asio::steady_timer patience(s.get_executor(), at_most);
  // The timer's end may be called after this coroutine is over.
  auto still = std::make_shared<asio::generic::stream_protocol::socket*>(&s);
  patience.async_wait([still](boost::system::error_code stopped) {
    boost::system::error_code ignored;
    if (!stopped && *still) (*still)->cancel(ignored);
  });
  std::array<char, 4096> away;
  for (std::size_t octets = 0; octets < octets_max;) {
    auto into = asio::buffer(away);
    auto got = co_await s.async_read_some(into, base::as_result);
    auto& [ended, n] = got;
    if (ended) break;
    octets += n;
  }
  *still = nullptr;
}

}  // namespace tilld::daemon
