// One till's connection to central: reads frames, proves the till, hands what it sends to the intake and
// writes the answers. What a stranger or a slow peer can make this process hold is bounded, and each wait has
// its end.
#pragma once

#include <chrono>
#include <deque>
#include <functional>
#include <memory>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

#include "central/calls.hpp"
#include "central/intake.hpp"

namespace tilld::central {

// What all sessions hold together: unfinished frames, batches that wait for the intake, answers that wait to
// be read.
struct session_budget {
  std::size_t octets_max = 64 << 20;
  std::size_t octets = 0;
};

struct session_limits {
  std::chrono::milliseconds greeting_max{10'000};  // from accept to proof
  std::chrono::milliseconds silence_max{60'000};   // a till pings every 15 s
  std::chrono::milliseconds write_max{20'000};     // without the peer reading anything
  std::chrono::milliseconds goodbye_max{2'000};    // for the peer to read the last words and go
  std::size_t requests_in_flight_max = 8;
};

class till_session final : public till_line, public std::enable_shared_from_this<till_session> {
 public:
  // `ended` is called once, when nothing of the session runs any more except its own end.
  till_session(boost::asio::ip::tcp::socket socket, intake& to, const call_table& calls,
               const base::signing_key& key, session_budget& budget, session_limits limits,
               std::function<void(till_session&)> ended);
  ~till_session() override;

  void start();
  void close_now();
  // Closes when one of the waits is over its limit.
  void check_deadlines(std::chrono::steady_clock::time_point now);
  bool stranger() const { return till_.empty(); }
  std::chrono::steady_clock::time_point opened_at() const { return opened_at_; }

  void send(wire::sync::frame_type type, std::uint64_t request, base::byte_view payload) override;
  void admitted(const std::string& till) override;
  void close() override;

 private:
  boost::asio::awaitable<void> read_all();
  boost::asio::awaitable<void> write_all();
  void take(wire::sync::frame& f);
  void take_hello(const wire::sync::frame& f);
  void take_proof(const wire::sync::frame& f);
  void take_append(wire::sync::frame& f);
  void take_call(const wire::sync::frame& f);
  void take_question(const wire::sync::frame& f);
  void run_call(std::uint64_t request, const std::string& method, const std::string& params);
  void refuse(std::uint64_t request, const base::error& why, bool then_close);
  void say_goodbye();
  void hold(std::size_t octets);
  void let_go(std::size_t octets);

  struct outgoing {
    wire::sync::frame_type type;
    base::byte_string octets;
  };
  enum class phase { expects_hello, expects_proof, waits_for_welcome, open, asks };

  boost::asio::ip::tcp::socket socket_;
  intake& intake_;
  const call_table& calls_;
  const base::signing_key& key_;
  session_budget& budget_;
  session_limits limits_;
  std::function<void(till_session&)> ended_;
  boost::asio::steady_timer room_;  // wakes the reader when an answer went out

  connection_id id_ = 0;
  phase phase_ = phase::expects_hello;
  std::string till_;
  wire::sync::frame_reader reader_;
  wire::sync::hello hello_;
  wire::sync::nonce nonce_{};
  std::uint64_t greeting_request_ = 0;

  std::deque<outgoing> unsent_;
  std::map<std::uint64_t, std::size_t> unanswered_;  // requests and what they hold
  std::size_t held_ = 0;
  bool writing_ = false;
  bool closing_ = false;
  bool sent_away_ = false;
  bool ended_called_ = false;
  std::chrono::steady_clock::time_point closing_at_;
  std::chrono::steady_clock::time_point opened_at_;
  std::chrono::steady_clock::time_point heard_at_;
  std::chrono::steady_clock::time_point write_since_;
};

}  // namespace tilld::central
