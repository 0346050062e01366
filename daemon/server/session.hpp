// One connection of a till over a stream of octets: it reads messages, gives them to a conversation, and
// writes what that says.
//
// Bounds, which hello says: a message of 1 MiB, 32 requests in flight (further ones wait unread), and a share
// of the memory of all connections. A client that does not read loses events first (events.dropped says how
// many), is then not read any more, and is closed when it holds too much. [I/O thread]
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>

#include "daemon/server/connection.hpp"
#include "daemon/server/conversation.hpp"
#include "wire/lsp_frame.hpp"

namespace tilld::daemon {

class session final : public connection, public outlet, public std::enable_shared_from_this<session> {
 public:
  using socket = boost::asio::generic::stream_protocol::socket;

  // Takes over a connection that speaks HTTP, with what was read of it.
  using http_taker = std::function<void(socket, std::shared_ptr<caller>, std::string octets)>;

  // `who` has a principal and a role when the kernel vouches for them; an empty principal must sign on with a
  // token in its first line, within five seconds, or is closed. Without `to_http` everything is lines.
  session(socket s, std::shared_ptr<caller> who, till_parts& till, connection_memory& memory,
          http_taker to_http = nullptr);

  boost::asio::awaitable<void> run() override;
  void close() override;
  const std::string& principal() const override { return who_->principal; }
  bool closed() const override { return closed_; }
  bool other_side_ended() const override;
  bool idle() const override { return talk_->in_flight().empty() && out_.empty(); }

 private:
  std::string& begin_message() override { return lsp_ ? message_ : out_; }
  void end_message() override;
  void flush() override;
  std::size_t unsent() const override { return out_.size(); }
  void call_ended() override { room_.cancel(); }
  std::shared_ptr<void> keep() override { return shared_from_this(); }

  boost::asio::awaitable<void> read_loop();
  boost::asio::awaitable<void> write_loop();
  // False when the connection was handed over.
  bool recognise(std::string_view first_octets);
  void feed(std::string_view octets) { lsp_ ? lsp_->feed(octets) : lines_.feed(octets); }
  base::result<std::optional<std::string_view>> next_message() { return lsp_ ? lsp_->next() : lines_.next(); }
  void close_when_gone();
  void count_memory();

  socket socket_;
  std::shared_ptr<caller> who_;
  connection_memory& memory_;
  http_taker to_http_;
  wire::line_splitter lines_;
  std::optional<wire::lsp_splitter> lsp_;
  std::string out_, message_;
  boost::asio::steady_timer more_, room_, sign_on_;
  std::shared_ptr<conversation> talk_;
  bool closed_ = false, writing_ = false, handed_over_ = false;
};

}  // namespace tilld::daemon
