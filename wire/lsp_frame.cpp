#include "wire/lsp_frame.hpp"

#include <algorithm>
#include <charconv>

#include "wire/json_rpc.hpp"

namespace tilld::wire {

using base::errc;
using base::error;
using base::result;

namespace {

constexpr std::size_t memory_kept = 16 * 1024;

bool same_word(std::string_view a, std::string_view lower) {
  return std::equal(a.begin(), a.end(), lower.begin(), lower.end(), [](char x, char y) {
    return (x >= 'A' && x <= 'Z' ? static_cast<char>(x + ('a' - 'A')) : x) == y;
  });
}

// The length that the header lines say; each is "Name: value", without the empty line behind them.
result<std::size_t> read_header(std::string_view lines) {
  auto wrong = [](const char* why) { return error{errc::parse_error, why}; };
  std::optional<std::size_t> length;
  while (!lines.empty()) {
    auto end = std::min(lines.find("\r\n"), lines.size());
    auto line = lines.substr(0, end);
    lines.remove_prefix(std::min(end + 2, lines.size()));
    auto colon = line.find(':');
    if (colon == std::string_view::npos || colon == 0) return wrong("a header line must be \"Name: value\"");
    if (!same_word(line.substr(0, colon), "content-length")) continue;
    if (length) return wrong("Content-Length stands twice");
    auto value = line.substr(colon + 1);
    while (!value.empty() && value.front() == ' ') value.remove_prefix(1);
    while (!value.empty() && value.back() == ' ') value.remove_suffix(1);
    std::size_t number = 0;
    auto [at, failed] = std::from_chars(value.data(), value.data() + value.size(), number);
    if (failed == std::errc::result_out_of_range) number = line_size_max + 1;
    if (value.empty() || at != value.data() + value.size() || failed == std::errc::invalid_argument)
      return wrong("Content-Length must be a number of octets");
    length = number;
  }
  if (!length) return wrong("a header without Content-Length");
  return *length;
}

}  // namespace

void lsp_splitter::feed(std::string_view octets) {
  if (begin_ > 0) {
    buffer_.erase(0, begin_);
    begin_ = 0;
  }
  rest();
  buffer_.append(octets);
}

void lsp_splitter::rest() {
  if (begin_ < buffer_.size() || buffer_.capacity() <= memory_kept) return;
  std::string().swap(buffer_);
  begin_ = 0;
}

result<std::optional<std::string_view>> lsp_splitter::next() {
  auto left = std::string_view(buffer_).substr(begin_);
  if (!length_) {
    auto end = left.substr(0, lsp_header_size_max).find("\r\n\r\n");
    if (end == std::string_view::npos) {
      if (left.size() >= lsp_header_size_max) return error{errc::parse_error, "a header without an end"};
      return std::optional<std::string_view>();
    }
    auto length = read_header(left.substr(0, end));
    if (!length) return length.error();
    if (*length > line_size_max) return error{errc::message_too_large, "a message is longer than 1 MiB"};
    length_ = *length;
    begin_ += end + 4;
    left.remove_prefix(end + 4);
  }
  if (left.size() < *length_) return std::optional<std::string_view>();
  auto message = left.substr(0, *length_);
  begin_ += *length_;
  length_.reset();
  return std::optional(message);
}

void append_lsp_message(std::string& out, std::string_view text) {
  out += "Content-Length: ";
  out += std::to_string(text.size());
  out += "\r\n\r\n";
  out += text;
}

}  // namespace tilld::wire
