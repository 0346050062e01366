// Everything that a running till is made of, put together in the order in which it depends on each other:
// keys, journal, plugins, destinations, calls, doors. One io_context on one thread owns all of it.
#pragma once

#include <memory>
#include <optional>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/thread_pool.hpp>

#include "base/clock.hpp"
#include "daemon/calls/parts.hpp"
#include "daemon/calls/queue_news.hpp"
#include "daemon/server/listener.hpp"
#include "daemon/store/checkpoints.hpp"
#include "daemon/store/retention.hpp"

namespace tilld::daemon {

class forward_journal;

struct daemon_options {
  std::string plugin_host;  // program that runs a plugin in a process of its own
  bool allow_test_environment = false;
  bool debug_plugins = false;               // as in host_settings
  bool check_schemas = false;               // likewise
  std::optional<std::uint64_t> chaos_seed;  // things go wrong on purpose
};

class till_daemon {
 public:
  // Opens the journal, makes keys at first start, starts plugins and forwarding, and listens last: whoever
  // can connect finds a till that can sell.
  static base::result<std::unique_ptr<till_daemon>> open(boost::asio::io_context& io, config settings,
                                                         daemon_options options);
  ~till_daemon();

  // Doors first, then plugins, then the journal's last flush.
  boost::asio::awaitable<void> stop();
  // Nothing is in hand that refers to this. False after a stop() whose time ran out.
  bool at_rest() const;

  const till_parts& parts() const { return *parts_; }
  std::uint16_t tcp_port() const { return server_->tcp_port(); }
  std::uint16_t http_port() const { return server_->http_port(); }
  // One line for the service manager: "3 plugins ready, 17 records wait".
  std::string status_line() const;

 private:
  till_daemon(boost::asio::io_context& io, config settings, daemon_options options);
  base::result<> open_keys();
  base::result<> open_journal();
  base::result<> wait_for(work_kind kind, store::work work);
  base::result<> begin_as_replacement();
  base::result<> count_this_start();
  boost::asio::awaitable<void> operations_end(std::chrono::milliseconds at_most);
  base::result<> start_forwarding();

  boost::asio::io_context& io_;
  config settings_;
  daemon_options options_;
  base::system_clock clock_, store_clock_;  // two, since each belongs to one thread
  base::time_stamp started_;
  std::unique_ptr<base::signing_key> key_;
  base::byte_string mac_key_;
  std::unique_ptr<storage_care> care_;  // goes after the journal, whose connection its copy reads from
  std::unique_ptr<store> journal_;
  std::unique_ptr<checkpoints> checkpoints_;
  std::unique_ptr<retention> retention_;
  std::unique_ptr<forward_journal> forward_journal_;
  std::unique_ptr<device_keys> device_keys_;
  std::unique_ptr<chaos> on_purpose_;  // null in a shop
  event_hub events_{clock_};
  router methods_;
  token_book tokens_;
  std::unique_ptr<plugin_set> plugins_;
  std::unique_ptr<claim_desk> claims_;
  std::unique_ptr<keyed_calls> keyed_;
  std::vector<std::unique_ptr<forwarder>> destinations_;
  std::uint64_t start_counter_ = 0;
  std::array<std::uint8_t, 16> instance_id_{};
  boost::asio::thread_pool aside_{1};
  std::unique_ptr<till_parts> parts_;
  std::unique_ptr<queue_news> queue_news_;
  std::unique_ptr<server> server_;
};

}  // namespace tilld::daemon
