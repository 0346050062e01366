// A connection to central on which a test says what it likes, octet by octet.
#pragma once

#include <optional>

#include "base/file.hpp"
#include "tests/central/test_till.hpp"
#include "wire/sync_frame.hpp"

namespace tilld::tests {

class raw_line {
 public:
  explicit raw_line(const central_program& central) : raw_line(central.sync_port()) {}
  explicit raw_line(std::uint16_t port);

  // False when the peer closed meanwhile.
  bool send(base::byte_view octets);
  bool send(wire::sync::frame_type type, std::uint64_t request, base::byte_view payload);
  // Nothing when the peer closed or the patience is over.
  std::optional<wire::sync::frame> receive();
  // Whether anything at all lies there to be read, at this instant.
  bool something_arrived() const;
  // Reads on until the peer closed the connection.
  bool closed_by_peer();
  // Signs on as this till does, by hand.
  bool sign_on(const test_till& till, base::chain_head head = {});
  // As much as the kernel takes without anybody reading; the number of octets.
  std::size_t send_until_stuck(base::byte_view frame, std::size_t octets_max);

 private:
  base::unique_fd fd_;
  wire::sync::frame_reader reader_{wire::sync::frame_reader::for_peers};
};

}  // namespace tilld::tests
