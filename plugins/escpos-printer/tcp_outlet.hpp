// Prints on a network printer: the shell around printer_session that owns the socket and the timers.
#pragma once

#include <chrono>
#include <memory>

#include <tilld/host.hpp>

#include "plugins/escpos-printer/outlet.hpp"
#include "plugins/escpos-printer/printer_session.hpp"
#include "plugins/escpos-printer/tcp_link.hpp"

namespace tilld::escpos {

struct tcp_settings {
  tcp_address address;
  std::string address_text;
  std::chrono::milliseconds connect_timeout{3000};
  std::optional<confirm_level> level;            // found out when it is left out
  std::optional<bool> drawer_is_open_when_high;  // drawers differ; unknown when left out
  std::size_t band_bytes_max = 0;                // of one raster command
};

class tcp_outlet final : public outlet {
 public:
  // Starts to connect. The listener must outlive this.
  tcp_outlet(tilld::host host, tcp_settings settings, outlet_listener& listener);
  ~tcp_outlet() override;

  void prepare() override;
  void put_out(const printout& job) override;
  bool abandon(std::uint64_t tag) override;
  std::optional<bool> was_printed(const std::string&) const override { return std::nullopt; }
  bool keeps_previews() const override { return false; }
  printer::condition condition() const override;
  void on_fd(int fd, std::int16_t events) override;
  void on_timer(std::uint32_t timer_id) override;

 private:
  struct under_way {
    std::uint64_t tag;
    std::uint64_t first_byte;  // in the count of the link
    std::uint64_t end;
  };

  void connect();
  void connected();
  void lose_link(const std::string& why);
  void pump();
  void watch();
  void stop_watching();
  void set_session_timer();
  void take_news();
  void check_ready();
  void check_drained();
  std::optional<failure> why_not_ready() const;

  tilld::host host_;
  tcp_settings settings_;
  outlet_listener& listener_;
  tcp_link link_;
  printer_session session_;
  std::optional<under_way> current_;
  bool wanted_ = false;  // somebody waits for on_ready
  bool ended_inside_a_job_ = false;
  int watched_ = -1;
  short watched_events_ = 0;
  std::chrono::milliseconds reconnect_delay_;
  std::string last_trouble_ = "not connected yet";
};

}  // namespace tilld::escpos
