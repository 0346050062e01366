// A client of HTTP and WebSocket that sends exactly what a test wants to send, right or wrong, and waits with
// a deadline.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "tests/support/line_client.hpp"

namespace tilld::tests {

struct http_response {
  int status = 0;
  std::map<std::string, std::string> fields;  // names in lower case
  std::string body;

  boost::json::object json() const;
};

struct web_frame {
  int opcode = 0;  // 1 text, 8 close, 9 ping, 10 pong
  std::string data;

  // Of a close frame; 0 without.
  int close_code() const;
};

class http_client {
 public:
  using milliseconds = std::chrono::milliseconds;

  bool connect_tcp(std::uint16_t port) { return line_.connect_tcp(port); }
  bool connect_unix(const std::string& path) { return line_.connect_unix(path); }
  int descriptor() const { return line_.descriptor(); }
  bool connected() const { return line_.connected(); }
  void close() { line_.close(); }
  bool send(std::string_view octets) { return line_.send_raw(octets); }

  // Nothing at the deadline, or when the other side hung up before it was whole.
  std::optional<http_response> response(milliseconds at_most = milliseconds(5000));
  // Upgrades to a WebSocket; the answer to it.
  std::optional<http_response> upgrade(const std::string& fields);
  bool send_text(std::string_view text) { return send(frame(1, text)); }
  std::optional<web_frame> next_frame(milliseconds at_most = milliseconds(5000));
  // The other side hung up, with or without a reset; what it said before is read away.
  bool hung_up(milliseconds at_most = milliseconds(5000));

  // A frame as a client sends it, masked.
  static std::string frame(int opcode, std::string_view data, bool last = true);

 private:
  bool need(std::size_t octets, std::chrono::steady_clock::time_point until);
  bool read_more(std::chrono::steady_clock::time_point until);

  line_client line_;
  std::string inbox_;
};

// "POST /rpc HTTP/1.1" with Host, type, length and, unless it is empty, the token; `fields` are whole lines.
std::string post(std::uint16_t port, const std::string& token, const std::string& body,
                 const std::string& fields = "");

}  // namespace tilld::tests
