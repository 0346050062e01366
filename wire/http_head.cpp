#include "wire/http_head.hpp"

#include <algorithm>
#include <charconv>

#include "base/error.hpp"

namespace tilld::wire {
namespace {

constexpr std::string_view once[] = {"host",
                                     "origin",
                                     "authorization",
                                     "content-length",
                                     "content-type",
                                     "transfer-encoding",
                                     "expect",
                                     "sec-fetch-site",
                                     "upgrade",
                                     "x-tilld-client",
                                     "sec-websocket-key",
                                     "sec-websocket-version"};

http_fault bad(std::string why) { return {400, std::move(why)}; }

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }

std::string lowered(std::string_view s) {
  std::string out(s);
  for (auto& c : out) c = lower(c);
  return out;
}

bool is_token_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}
bool is_token(std::string_view s) { return !s.empty() && std::all_of(s.begin(), s.end(), is_token_char); }

std::string_view trimmed(std::string_view s) {
  auto blank = [](char c) { return c == ' ' || c == '\t'; };
  while (!s.empty() && blank(s.front())) s.remove_prefix(1);
  while (!s.empty() && blank(s.back())) s.remove_suffix(1);
  return s;
}

// Text, blanks and octets above 127 (obs-text); no control character, DEL neither.
bool is_value(std::string_view s) {
  return std::all_of(s.begin(), s.end(), [](char c) {
    auto u = static_cast<unsigned char>(c);
    return u == '\t' || (u >= 0x20 && u != 0x7f);
  });
}

std::optional<http_fault> read_request_line(std::string_view line, http_head& to) {
  auto first = line.find(' ');
  auto second = first == std::string_view::npos ? first : line.find(' ', first + 1);
  if (second == std::string_view::npos) return bad("the first line must be METHOD TARGET HTTP/1.1");
  auto method = line.substr(0, first), target = line.substr(first + 1, second - first - 1),
       version = line.substr(second + 1);
  if (!is_token(method) || method.size() > 32) return bad("the method is not a word");
  bool is_version = version.size() == 8 && version.starts_with("HTTP/") && version[5] >= '0' &&
                    version[5] <= '9' && version[6] == '.' && version[7] >= '0' && version[7] <= '9';
  if (!is_version) return bad("the first line must end with HTTP/1.1");
  if (version != "HTTP/1.1") return http_fault{505, "only HTTP/1.1 is spoken here"};
  auto visible = [](char c) { return c > 0x20 && c < 0x7f && c != '#'; };
  if (target.empty() || target.front() != '/' || !std::all_of(target.begin(), target.end(), visible))
    return bad("the target must be a path");
  auto mark = target.find('?');
  to.method = method;
  to.path = target.substr(0, mark);
  if (mark != std::string_view::npos) to.query = target.substr(mark + 1);
  return std::nullopt;
}

std::optional<http_fault> read_field(std::string_view line, http_head& to) {
  if (line.front() == ' ' || line.front() == '\t') return bad("a folded line");
  auto colon = line.find(':');
  if (colon == std::string_view::npos || !is_token(line.substr(0, colon)))
    return bad("a field must be \"Name: value\", without a blank before the colon");
  auto value = trimmed(line.substr(colon + 1));
  if (!is_value(value)) return bad("a control character in a field");
  auto name = lowered(line.substr(0, colon));
  if (to.fields.size() >= http_fields_max) return http_fault{431, "more than 64 fields"};
  if (std::find(std::begin(once), std::end(once), name) != std::end(once) && to.find(name))
    return bad(name + " stands twice");
  to.fields.emplace_back(std::move(name), value);
  return std::nullopt;
}

// How the end of the body is known; one way at most.
std::optional<http_fault> read_length(http_head& to) {
  auto* length = to.find("content-length");
  auto* coding = to.find("transfer-encoding");
  if (length && coding) return bad("Content-Length together with Transfer-Encoding");
  if (coding) {
    if (lowered(*coding) != "chunked") return http_fault{501, "the only transfer encoding is chunked"};
    to.chunked = true;
  }
  if (length) {
    std::uint64_t number = 0;
    auto end = length->data() + length->size();
    bool digits = !length->empty() &&
                  std::all_of(length->begin(), length->end(), [](char c) { return c >= '0' && c <= '9'; });
    auto [at, failed] = std::from_chars(length->data(), end, number);
    if (!digits || at != end) return bad("Content-Length must be a number of octets");
    to.content_length = failed == std::errc() ? number : UINT64_MAX;
  }
  return std::nullopt;
}

}  // namespace

const std::string* http_head::find(std::string_view lower_name) const {
  for (auto& [name, value] : fields)
    if (name == lower_name) return &value;
  return nullptr;
}

bool http_head::lists(std::string_view lower_name, std::string_view lower_word) const {
  for (auto& [name, value] : fields) {
    if (name != lower_name) continue;
    std::string_view left = value;
    while (!left.empty()) {
      auto end = std::min(left.find(','), left.size());
      if (lowered(trimmed(left.substr(0, end))) == lower_word) return true;
      left.remove_prefix(std::min(end + 1, left.size()));
    }
  }
  return false;
}

std::size_t http_head_size(std::string_view octets) {
  auto end = octets.find("\r\n\r\n");
  return end == std::string_view::npos ? end : end + 4;
}

boost::system::result<http_head, http_fault> parse_http_head(std::string_view octets) {
  if (!octets.ends_with("\r\n\r\n")) return bad("the head has no end");
  octets.remove_suffix(2);
  http_head head;
  bool first = true;
  while (!octets.empty()) {
    auto end = octets.find("\r\n");
    auto line = octets.substr(0, end);
    octets.remove_prefix(end + 2);
    if (line.empty() || line.find_first_of(std::string_view("\r\n\0", 3)) != std::string_view::npos)
      return bad("a line must end with CR LF");
    auto fault = first ? read_request_line(line, head) : read_field(line, head);
    if (fault) return *fault;
    first = false;
  }
  if (first) return bad("an empty head");
  if (!head.find("host")) return bad("Host is missing");
  if (auto fault = read_length(head)) return *fault;
  return head;
}

void throw_exception_from_error(const http_fault& e, const boost::source_location& where) {
  base::throw_exception_from_error(base::error{base::errc::invalid_request, e.why}, where);
}

}  // namespace tilld::wire
