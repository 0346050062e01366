// The running till-central: the listener for tills, the intake, the calls and what people may ask. One
// io_context, one thread.
#pragma once

#include <memory>
#include <set>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/json/object.hpp>

#include "central/calls.hpp"
#include "central/config.hpp"
#include "central/intake.hpp"
#include "central/till_session.hpp"
#include "central/witness_link.hpp"

namespace tilld::central {

class server {
 public:
  struct options {
    store::options storage;
    session_limits limits;
    std::size_t sessions_max = 1024;
    std::size_t strangers_max = 64;  // connections that have not proved a till yet
    std::size_t budget_octets_max = 64 << 20;
    apply_settings apply;  // role and software are filled in from the configuration
  };

  // Opens the database (made when missing) and the signing key beside it. `clock` must outlive the server.
  static base::result<std::unique_ptr<server>> open(boost::asio::io_context& io, const config& c,
                                                    const base::clock& clock, options how);
  ~server();

  // listen_refused when the address cannot be had.
  base::result<> listen();
  std::uint16_t sync_port() const;
  // Takes no new till and closes all connections; the io_context runs empty.
  void stop();

  call_table& calls() { return calls_; }
  class intake& intake() {
    return *intake_;
  }
  const config& configuration() const { return config_; }
  const base::signing_key& key() const { return key_; }

  // Central's signed word on where a till stands here, at this moment.
  wire::sync::acknowledgement statement_on(const std::string& till) const;

  // What /v1/status says; from memory, and the newest events from the database.
  base::result<boost::json::object> status();
  boost::json::object till_status(const std::string& till, const listing* listed) const;
  // One line for systemctl status.
  std::string status_line() const;

 private:
  server(boost::asio::io_context& io, config c, base::signing_key key, std::unique_ptr<store> s,
         const base::clock& clock, options how);
  void accept_next();
  void make_room_among_strangers();
  void tick();
  void add_calls();

  boost::asio::io_context& io_;
  config config_;
  options options_;
  const base::clock& clock_;
  base::signing_key key_;
  std::unique_ptr<store> store_;
  std::unique_ptr<class intake> intake_;
  call_table calls_;
  session_budget budget_;
  boost::asio::ip::tcp::acceptor acceptor_;
  boost::asio::steady_timer ticker_;
  std::vector<std::unique_ptr<event_journal>>
      event_journals_;  // one a witness, since each lists this server by a name
  std::vector<std::unique_ptr<witness_link>> witnesses_;
  std::set<std::shared_ptr<till_session>> sessions_;
  std::int64_t started_unix_ms_ = 0;
  bool accept_later_ = false;
  bool stopping_ = false;
};

}  // namespace tilld::central
