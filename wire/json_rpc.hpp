// JSON-RPC 2.0 as tills speak it: one object a line, ended by LF, at most 1 MiB. No I/O: lines in, requests
// and answers out. docs/protocol.md is the page for till makers.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <boost/json/object.hpp>

#include "base/error.hpp"
#include "base/id.hpp"

namespace tilld::wire {

inline constexpr std::size_t line_size_max = 1 << 20;
inline constexpr int json_depth_max = 32;
// Members and elements of one request, all levels together. A line of a mebibyte could hold half a million,
// which would take ten milliseconds to read and twenty mebibytes to keep; a receipt of 5000 lines has about
// forty thousand.
inline constexpr std::size_t json_values_max = 65'536;
inline constexpr std::size_t request_id_size_max = 128;

// Cuts a stream of octets into lines. A CR before the LF is dropped, empty lines are passed over. After
// message_too_large the stream has no known beginning of a line any more and must be closed.
class line_splitter {
 public:
  // Octets to be split next. The views that next() gave before are invalid after this.
  void feed(std::string_view octets);
  // The next whole line without its end, or nothing when more octets are needed.
  base::result<std::optional<std::string_view>> next();
  // Octets held back for an unfinished line.
  std::size_t held() const { return buffer_.size() - begin_; }
  // Gives the memory of a long line back when nothing is held; the views that next() gave before are invalid
  // after this.
  void rest();
  // What it keeps in memory.
  std::size_t memory() const { return buffer_.capacity(); }

 private:
  std::string buffer_;
  std::size_t begin_ = 0;     // of the unfinished line
  std::size_t searched_ = 0;  // no LF stands before this
};

struct rpc_request {
  // The id as JSON text ("7", "\"a\""), to be repeated in the answer; empty for a notification, which gets
  // none.
  std::string id;
  std::string method;
  boost::json::object params;
};

// What could not be read as a request, with the id to answer to ("null" when it could not be seen).
struct rpc_refusal {
  std::string id = "null";
  base::error why;
};

// parse_error for what is not JSON in UTF-8 or is nested deeper than json_depth_max, message_too_large for
// more than json_values_max values, invalid_request for a batch, a wrong jsonrpc member, an id that is
// neither text nor integer, params that are not an object.
boost::system::result<rpc_request, rpc_refusal> parse_request(std::string_view line);

// An id as rpc_request has it; nothing for what cannot be one.
std::optional<std::string> request_id_text(const boost::json::value& id);

// The params of a line that parse_request() took, as received, octet for octet; "{}" when there are none.
// Views the line. Looked for only where somebody keeps them: most calls do not.
std::string_view raw_params(std::string_view line);

// The octets of the last top-level member of this name in a JSON object that is known to be well-formed;
// empty when there is none.
std::string_view raw_member(std::string_view object, std::string_view name);

// The name of a member that stands twice in the same object of this JSON, which is known to be well-formed;
// nothing when there is none. Two readers may believe different ones of the two, which must not happen where
// value moves.
std::optional<std::string> repeated_member(std::string_view json);
// The same where the text was parsed already: a parser keeps one of two members, so a look at their number is
// mostly enough.
std::optional<std::string> repeated_member(std::string_view json, const boost::json::object& parsed);

// What is answered: the octets of the member "result", or of the member "error".
struct answer {
  bool is_error = false;
  std::string text;
};

answer make_result(const boost::json::object& result);
answer make_error(const base::error& why, base::language l,
                  const std::optional<base::uuid>& operation = std::nullopt);

// Append a whole message, without what ends it on its way (LF on lines).
void append_answer(std::string& out, std::string_view id, const answer& a);
void append_notification(std::string& out, std::string_view method, std::string_view params);

[[noreturn]] void throw_exception_from_error(const rpc_refusal& e, const boost::source_location& where);

}  // namespace tilld::wire
