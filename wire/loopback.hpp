// Addresses that stay on this machine. Until TLS stands under the sync protocol, records, tokens and keys
// must not leave the machine in the clear, so listeners and destinations accept loopback addresses only.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace tilld::wire {

struct loopback_address {
  std::string host;  // "127.0.0.1" or "::1", a number that needs no resolver
  std::uint16_t port = 0;

  std::string text() const;  // "127.0.0.1:7710", "[::1]:7710"
};

// "HOST:PORT" where HOST is an address of 127.0.0.0/8 in four decimal numbers, [::1] or localhost (which
// means 127.0.0.1; no resolver is asked). listen_refused for everything else: other machines, the wildcard in
// any of its spellings (0.0.0.0, 0, *, [::], nothing at all, [::ffff:0.0.0.0], ...), names.
// config_wrong_value for a missing or impossible port. Port 0 lets the kernel choose; only listeners take it.
base::result<loopback_address> parse_loopback(std::string_view text);

// The same with the scheme that destinations are written with: "tcp://127.0.0.1:7710". Port 0 is refused.
base::result<loopback_address> parse_destination_url(std::string_view url);

}  // namespace tilld::wire
