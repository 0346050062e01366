#include "daemon/server/http_body.hpp"

#include <algorithm>
#include <charconv>

namespace tilld::daemon {

using wire::http_fault;

namespace {

constexpr std::size_t framing_max = wire::http_head_size_max;

const http_fault too_large{413, "the body is too large"}, unreadable{400, "the body cannot be read"},
    too_much_framing{431, "what frames a chunk has more than 8 KiB or 64 fields"};

bool has_control_characters(std::string_view line) {
  return std::any_of(line.begin(), line.end(), [](char c) {
    auto u = static_cast<unsigned char>(c);
    return (u < 0x20 && u != '\t') || u == 0x7f;
  });
}

// "2f", "2F ; name=value". Nothing when it is no size, or one that no number holds.
std::optional<std::uint64_t> size_in(std::string_view line) {
  std::uint64_t size = 0;
  auto [at, failed] = std::from_chars(line.data(), line.data() + line.size(), size, 16);
  if (failed != std::errc() || has_control_characters(line)) return std::nullopt;
  line.remove_prefix(static_cast<std::size_t>(at - line.data()));
  auto extension = line.find_first_not_of(" \t");
  if (!line.empty() && (extension == line.npos || line[extension] != ';')) return std::nullopt;
  return size;
}

}  // namespace

http_body::http_body(const wire::http_head& head, std::size_t octets_max)
    : octets_max_(octets_max), chunked_(head.chunked), left_(head.content_length.value_or(0)) {
  next_ = chunked_ ? awaits::size_of_chunk : left_ > 0 ? awaits::octets : awaits::nothing;
}

boost::system::result<std::size_t, http_fault> http_body::feed(std::string_view octets) {
  std::size_t used = 0;
  while (!whole() && used < octets.size()) {
    auto rest = octets.substr(used);
    if (next_ == awaits::octets) {
      auto size = static_cast<std::size_t>(std::min<std::uint64_t>(rest.size(), left_));
      if (size > octets_max_ - body_.size()) return too_large;
      body_.append(rest.substr(0, size));
      used += size;
      left_ -= size;
      if (left_ == 0) next_ = chunked_ ? awaits::end_of_chunk : awaits::nothing;
      continue;
    }
    auto end = rest.find('\n');
    if (end == rest.npos && rest.size() < framing_max) break;
    if (std::min(end, rest.size()) >= framing_max) return too_much_framing;
    if (end == 0 || rest[end - 1] != '\r') return unreadable;
    if (auto fault = take_line(rest.substr(0, end - 1))) return *fault;
    used += end + 1;
  }
  // In place: a fault could be made of a number as well.
  return {boost::system::in_place_value, used};
}

std::optional<http_fault> http_body::take_line(std::string_view line) {
  if (next_ == awaits::end_of_chunk) {
    next_ = awaits::size_of_chunk;
    return line.empty() ? std::nullopt : std::optional(unreadable);
  }
  if (next_ == awaits::size_of_chunk) {
    auto size = size_in(line);
    if (!size) return unreadable;
    if (*size > octets_max_ - body_.size()) return too_large;
    left_ = *size;
    next_ = left_ > 0 ? awaits::octets : awaits::trailing_field;
    return std::nullopt;
  }
  if (line.empty()) {
    next_ = awaits::nothing;
    return std::nullopt;
  }
  trailing_octets_ += line.size() + 2;
  if (trailing_octets_ > framing_max || ++trailing_fields_ > wire::http_fields_max) return too_much_framing;
  if (has_control_characters(line) || line.find(':') == line.npos) return unreadable;
  return std::nullopt;
}

}  // namespace tilld::daemon
