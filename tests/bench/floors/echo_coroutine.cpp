// What anybody would write first with the same libraries: a coroutine a connection, one line read, parsed,
// serialised and written at a time.
#include <cstdlib>
#include <string>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/json.hpp>

namespace {

namespace asio = boost::asio;
using asio::local::stream_protocol;

constexpr auto as_result = asio::as_tuple(asio::use_awaitable);

asio::awaitable<void> serve(stream_protocol::socket socket) {
  std::string inbox;
  for (;;) {
    auto buffer = asio::dynamic_buffer(inbox);
    auto got = co_await asio::async_read_until(socket, buffer, '\n', as_result);
    auto& [failed, size] = got;
    if (failed) co_return;
    boost::system::error_code wrong;
    auto value = boost::json::parse(boost::json::string_view(inbox.data(), size - 1), wrong);
    if (wrong) co_return;
    inbox.erase(0, size);
    auto line = boost::json::serialize(value) + "\n";
    auto out = asio::buffer(line);
    auto wrote = co_await asio::async_write(socket, out, as_result);
    if (std::get<0>(wrote)) co_return;
  }
}

asio::awaitable<void> accept_all(stream_protocol::acceptor& door) {
  for (;;) {
    auto accepted = co_await door.async_accept(as_result);
    auto& [failed, socket] = accepted;
    if (failed) continue;
    asio::co_spawn(door.get_executor(), serve(std::move(socket)), asio::detached);
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) return EXIT_FAILURE;
  asio::io_context io(1);
  stream_protocol::acceptor door(io, stream_protocol::endpoint(argv[1]));
  asio::co_spawn(io, accept_all(door), asio::detached);
  io.run();
}
