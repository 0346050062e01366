// How a message travels between the daemon and a plugin's process: one frame on a stream socket. No I/O here.
//
// A frame is a header of 32 octets, integers big-endian, then name, body and blob:
//
//   0   u32  size of the whole frame, header included
//   4   u8   kind: 1 request, 2 reply, 3 event
//   5   u8   flags, 0
//   6   u16  size of the name
//   8   u64  id of a request, repeated by its reply; 0 in an event. Each direction counts its own requests
//   16  i32  status of a reply (tilld_status), 0 otherwise
//   20  u32  deadline of a request in milliseconds from now, 0 is no limit
//   24  u32  size of the body
//   28  u32  0
//
// The blob is what is left. The name is printable ASCII without blanks; the body is a JSON object or empty,
// which nobody checks here. Whoever breaks a rule or a limit cannot be understood any further: the stream
// ends.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace tilld::wire {

inline constexpr std::size_t plugin_header_size = 32;
inline constexpr std::size_t plugin_name_size_max = 128;
inline constexpr std::size_t plugin_body_size_max = 1024 * 1024;
inline constexpr std::size_t plugin_blob_size_max = 4 * 1024 * 1024;
inline constexpr std::size_t plugin_frame_size_max =
    plugin_header_size + plugin_name_size_max + plugin_body_size_max + plugin_blob_size_max;

enum class plugin_message_kind : std::uint8_t { request = 1, reply = 2, event = 3 };

struct plugin_message {
  plugin_message_kind kind = plugin_message_kind::event;
  std::uint64_t id = 0;
  std::int32_t status = 0;
  std::uint32_t deadline_ms = 0;
  std::string name;
  std::string body;
  std::string blob;

  bool operator==(const plugin_message&) const = default;
};

// Appends the frame to a buffer that the caller reuses. Appends nothing when the message is over a limit
// (message_too_large) or its name is none (invalid_params).
base::result<> append_frame(std::string& to, const plugin_message& message);

// The same for parts that lie elsewhere, without copying them first.
struct plugin_message_view {
  plugin_message_kind kind = plugin_message_kind::event;
  std::uint64_t id = 0;
  std::int32_t status = 0;
  std::uint32_t deadline_ms = 0;
  std::string_view name;
  std::string_view body;
  std::string_view blob;
};
base::result<> append_frame(std::string& to, const plugin_message_view& message);

// Eats octets in any split and yields messages. Holds at most one unfinished frame, and no more memory than
// came in.
class plugin_frame_reader {
 public:
  // Octets after an error are dropped.
  void feed(std::string_view octets);

  // The next whole message; nothing when more octets are needed. After an error (parse_error or
  // message_too_large) every call returns that error.
  base::result<std::optional<plugin_message>> next();

 private:
  std::string unread_;
  std::size_t begin_ = 0;  // of the first frame in unread_ that was not yielded yet
  std::optional<base::error> failed_;
};

}  // namespace tilld::wire
