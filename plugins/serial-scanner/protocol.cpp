#include "plugins/serial-scanner/protocol.hpp"

#include <algorithm>
#include <utility>

namespace serial_scanner {
namespace {

constexpr std::size_t affix_size_max = 64, terminator_size_max = 8;

bool is_letter(char c) { return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

// "]E0" at the beginning of the text; empty where there is none.
std::string_view aim_identifier(std::string_view text) {
  bool there =
      text.size() >= 3 && text[0] == ']' && is_letter(text[1]) && (is_digit(text[2]) || is_letter(text[2]));
  return text.substr(0, there ? 3 : 0);
}

}  // namespace

const char* sentence(dropped why) {
  switch (why) {
    case dropped::too_long: return "dropped a scan that is too long (length_max)";
    case dropped::unfinished: return "dropped half a scan: the scanner fell silent before the terminator";
    case dropped::no_prefix: return "dropped a scan without the configured prefix; is the scanner set up so?";
    case dropped::no_suffix: return "dropped a scan without the configured suffix; is the scanner set up so?";
    case dropped::no_symbology:
      return "dropped a scan without an AIM identifier; is the scanner set up to send it?";
  }
  return "dropped a scan";
}

std::vector<reading> scan_reader::take(std::string_view octets) {
  std::vector<reading> all;
  for (char c : octets) {
    line_ += c;
    if (auto terminator = terminator_at_end()) {
      line_.resize(line_.size() - *terminator);
      if (auto one = finish()) all.push_back(std::move(*one));
      continue;
    }
    // One octet more than whatever may come before an end. What is kept is enough to see a terminator in.
    if (line_.size() > how_.size_max + how_.prefix.size() + how_.suffix.size() + 3 + terminator_size_max) {
      if (!overflowed_) all.push_back({dropped::too_long, {}, {}});
      overflowed_ = true;
      line_.erase(0, line_.size() - terminator_size_max);
    }
  }
  return all;
}

std::optional<reading> scan_reader::silence() {
  if (!in_the_middle()) return std::nullopt;
  if (how_.terminators.empty()) return finish();
  bool said_already = std::exchange(overflowed_, false);
  line_.clear();
  if (said_already) return std::nullopt;
  return reading{dropped::unfinished, {}, {}};
}

std::optional<std::size_t> scan_reader::terminator_at_end() const {
  // The longest first: of "\r\n" and "\n" the former is what ended it.
  std::optional<std::size_t> longest;
  for (auto& one : how_.terminators)
    if (line_.ends_with(one) && (!longest || one.size() > *longest)) longest = one.size();
  return longest;
}

std::optional<reading> scan_reader::finish() {
  auto line = std::exchange(line_, {});
  if (std::exchange(overflowed_, false)) return std::nullopt;  // said already
  if (line.empty()) return std::nullopt;                       // the LF of a CRLF ends an empty line
  std::string_view text = line;
  if (!text.starts_with(how_.prefix)) return reading{dropped::no_prefix, {}, {}};
  text.remove_prefix(how_.prefix.size());
  if (!text.ends_with(how_.suffix)) return reading{dropped::no_suffix, {}, {}};
  text.remove_suffix(how_.suffix.size());
  reading read;
  if (how_.symbology != aim::none) {
    auto identifier = aim_identifier(text);
    read.symbology = identifier;
    if (identifier.empty() && how_.symbology == aim::required) return reading{dropped::no_symbology, {}, {}};
    text.remove_prefix(identifier.size());
  }
  if (text.size() > how_.size_max) return reading{dropped::too_long, {}, {}};
  if (text.empty()) return std::nullopt;
  read.octets = text;
  return read;
}

std::optional<std::string> complaint_about(const framing& how) {
  if (how.prefix.size() > affix_size_max || how.suffix.size() > affix_size_max)
    return "prefix and suffix: at most 64 octets each";
  if (how.terminators.size() > 8) return "terminators: at most 8";
  for (auto& one : how.terminators)
    if (one.empty() || one.size() > terminator_size_max) return "terminators: each has 1 to 8 octets";
  if (how.size_max < 1 || how.size_max > 65'536) return "length_max: must be 1 to 65536";
  return std::nullopt;
}

}  // namespace serial_scanner
