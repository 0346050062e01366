#include "wire/loopback.hpp"

#include <arpa/inet.h>

#include <charconv>

namespace tilld::wire {
namespace {

using base::errc;
using base::error;

error not_loopback(std::string_view text) {
  return {errc::listen_refused, "\"" + std::string(text) +
                                    "\" is not a loopback address. Until TLS is there, only this machine may "
                                    "be reached: write 127.0.0.1:PORT or [::1]:PORT"};
}

error wrong_port(std::string_view text) {
  return {errc::config_wrong_value,
          "\"" + std::string(text) + "\" needs a port from 1 to 65535 behind the address"};
}

}  // namespace

std::string loopback_address::text() const {
  return (host.find(':') == std::string::npos ? host : "[" + host + "]") + ":" + std::to_string(port);
}

base::result<loopback_address> parse_loopback(std::string_view text) {
  // The host is judged first: "0.0.0.0" without a port must hear about the host, not about the port.
  auto bracket = text.rfind(']');
  auto colon = text.rfind(':');
  if (colon != std::string_view::npos && bracket != std::string_view::npos && colon < bracket)
    colon = std::string_view::npos;
  std::string host(text.substr(0, colon));
  loopback_address a;
  if (host == "localhost") {
    a.host = "127.0.0.1";
  } else if (host == "[::1]") {
    a.host = "::1";
  } else {
    // The exact spelling is asked for: "127.1" and "0x7f.1" mean this machine too, but whoever reads the file
    // should not have to know that.
    in_addr parsed{};
    // What stands behind a zero would not be looked at.
    if (host.find('\0') != std::string::npos || ::inet_pton(AF_INET, host.c_str(), &parsed) != 1 ||
        (ntohl(parsed.s_addr) >> 24) != 127)
      return not_loopback(text);
    char spelled[INET_ADDRSTRLEN];
    ::inet_ntop(AF_INET, &parsed, spelled, sizeof spelled);
    a.host = spelled;
  }
  if (colon == std::string_view::npos) return wrong_port(text);
  auto digits = text.substr(colon + 1);
  unsigned port = 0;
  auto [end, problem] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (problem != std::errc() || end != digits.data() + digits.size() || port > 65535) return wrong_port(text);
  a.port = static_cast<std::uint16_t>(port);
  return a;
}

base::result<loopback_address> parse_destination_url(std::string_view url) {
  static constexpr std::string_view scheme = "tcp://";
  if (url.substr(0, scheme.size()) != scheme)
    return error{errc::config_wrong_value,
                 "\"" + std::string(url) + "\" must begin with " + std::string(scheme)};
  auto address = parse_loopback(url.substr(scheme.size()));
  if (address && address->port == 0) return wrong_port(url);
  return address;
}

}  // namespace tilld::wire
