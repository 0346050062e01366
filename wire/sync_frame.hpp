// Frames of the sync protocol, the road from a till to a central server: how octets become frames and back,
// without I/O. docs/sync-protocol.md has the layout with worked octets; wire/sync.hpp has what the payloads
// say.
//
// A frame is a header of 16 octets and a payload, integers big-endian:
//   u32 size of the payload as sent | u8 protocol version | u8 type | u16 flags | u64 request id
// Flag bit 0: the payload is one zstd frame. All other bits are zero. A reply carries the id of its request;
// ids of requests that central starts have the top bit set, so that the two sides never pick the same one.
#pragma once

#include <optional>

#include "base/bytes.hpp"
#include "base/error.hpp"

namespace tilld::wire::sync {

inline constexpr std::uint8_t protocol_version = 1;
inline constexpr std::size_t frame_header_size = 16;
inline constexpr std::size_t payload_wire_size_max = 4 << 20;
inline constexpr std::size_t payload_plain_size_max = 8 << 20;
inline constexpr std::uint64_t central_request_bit = std::uint64_t{1} << 63;

enum class frame_type : std::uint8_t {
  hello = 1,      // till: who I am, where my journal stands
  challenge = 2,  // central: who I am, prove it
  proof = 3,      // till: proven
  welcome = 4,    // central: come in, this is where I stand with you
  refusal = 5,    // either: no, and why; the answer to any request that failed
  append = 6,     // till: records
  appended = 7,   // central: they are durable here, signed
  call = 8,       // till: a method and its parameters in JSON
  reply = 9,      // central: the result in JSON
  ping = 10,      // either
  pong = 11,      // either, with the id of the ping
  question = 12,  // till: instead of a proof, signed: a method that only looks
};

// A type that this version does not know is delivered too: the receiver refuses the request by its id and the
// connection lives on, so that a later version can add types.
struct frame {
  frame_type type{};
  std::uint64_t request = 0;
  base::byte_string payload;  // decompressed
};

// The frame as octets, ready to send. Large payloads are compressed when that makes them smaller. The caller
// guarantees at most payload_plain_size_max octets; message_too_large when they do not fit on the wire even
// so.
base::result<base::byte_string> encode_frame(frame_type type, std::uint64_t request, base::byte_view payload);

// Eats octets in any split and yields frames. Memory follows what arrived and never what a header announces.
// After an error the stream has no meaning any more: every later call returns the same error and the
// connection is to be closed. [one thread at a time]
class frame_reader {
 public:
  struct limits {
    std::size_t wire;
    std::size_t plain;
  };
  // What a stranger may send: a handshake fits in 4 KiB.
  static constexpr limits for_strangers{4096, 4096};
  static constexpr limits for_peers{payload_wire_size_max, payload_plain_size_max};

  explicit frame_reader(limits l) : limits_(l) {}
  void set_limits(limits l) { limits_ = l; }

  void feed(base::byte_view octets);

  // The next whole frame; nothing when more octets are needed. Errors: message_too_large beyond a limit, also
  // while decompressing; protocol_unsupported for another version; parse_error for unknown flags or a payload
  // that is not what its flag says.
  base::result<std::optional<frame>> next();

  // Octets held for frames that were not yielded yet.
  std::size_t held() const { return buffer_.size() - taken_; }

 private:
  base::error remember(base::error e);

  limits limits_;
  base::byte_string buffer_;
  std::size_t taken_ = 0;  // octets at the front of buffer_ that were yielded
  std::optional<base::error> broken_;
};

}  // namespace tilld::wire::sync
