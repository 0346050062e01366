#include "wire/origin.hpp"

#include <algorithm>
#include <charconv>

namespace tilld::wire {
namespace {

bool lower_or_digit(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }

bool is_scheme(std::string_view s) {
  return !s.empty() && s.front() >= 'a' && s.front() <= 'z' && std::all_of(s.begin(), s.end(), [](char c) {
    return lower_or_digit(c) || c == '+' || c == '-' || c == '.';
  });
}

bool is_host(std::string_view s) {
  if (s.size() > 2 && s.front() == '[' && s.back() == ']')
    return std::all_of(s.begin() + 1, s.end() - 1, [](char c) { return lower_or_digit(c) || c == ':'; });
  return !s.empty() && s.size() <= 253 && s.front() != '.' && s.back() != '.' &&
         std::all_of(s.begin(), s.end(),
                     [](char c) { return lower_or_digit(c) || c == '-' || c == '.' || c == '_'; });
}

bool is_this_machine(std::string_view host) {
  return host == "localhost" || host.ends_with(".localhost") || host == "127.0.0.1" || host == "[::1]";
}

}  // namespace

base::result<std::string> parse_origin(std::string_view text) {
  auto wrong = [&](const std::string& why) {
    return base::error{base::errc::config_wrong_value, "\"" + std::string(text) + "\" " + why};
  };
  std::string all(text);
  for (auto& c : all)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
  if (all.ends_with('/')) all.pop_back();
  constexpr auto shape = "is not an origin; write it as in https://till.example or https://till.example:8443";
  auto mark = all.find("://");
  if (all == "null" || all.starts_with("file:"))
    return wrong("is the origin of every local file and every sandboxed page, and cannot be allowed");
  if (all.find('*') != std::string::npos) return wrong("has a wildcard; every origin is named by itself");
  if (mark == std::string::npos) return wrong(shape);
  std::string scheme = all.substr(0, mark), host = all.substr(mark + 3);
  std::string port;
  auto colon = host.rfind(':');
  if (colon != std::string::npos && host.back() != ']') {
    port = host.substr(colon + 1);
    host.resize(colon);
    unsigned number = 0;
    auto [at, failed] = std::from_chars(port.data(), port.data() + port.size(), number);
    if (failed != std::errc() || at != port.data() + port.size() || number == 0 || number > 65535 ||
        port.front() == '0')
      return wrong("needs a port from 1 to 65535");
    if ((scheme == "https" && number == 443) || (scheme == "http" && number == 80)) port.clear();
  }
  if (!is_scheme(scheme) || !is_host(host)) return wrong(shape);
  if (scheme == "http" && !is_this_machine(host))
    return wrong("is not encrypted, so anybody on the way could change the page; use https");
  return scheme + "://" + host + (port.empty() ? "" : ":" + port);
}

}  // namespace tilld::wire
