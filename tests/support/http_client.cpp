#include "tests/support/http_client.hpp"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

namespace tilld::tests {
namespace {

using clock = std::chrono::steady_clock;

std::string lowered(std::string s) {
  for (auto& c : s)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
  return s;
}

}  // namespace

boost::json::object http_response::json() const {
  boost::system::error_code failed;
  auto value = boost::json::parse(body, failed);
  return !failed && value.is_object() ? value.as_object() : boost::json::object();
}

int web_frame::close_code() const {
  if (opcode != 8 || data.size() < 2) return 0;
  return static_cast<unsigned char>(data[0]) << 8 | static_cast<unsigned char>(data[1]);
}

bool http_client::read_more(clock::time_point until) {
  if (!connected()) return false;
  auto left = std::chrono::duration_cast<milliseconds>(until - clock::now()).count();
  pollfd p{descriptor(), POLLIN, 0};
  if (::poll(&p, 1, static_cast<int>(std::max<std::int64_t>(0, left))) <= 0) return false;
  char chunk[65536];
  auto n = ::recv(descriptor(), chunk, sizeof chunk, 0);
  if (n <= 0) {
    close();
    return false;
  }
  inbox_.append(chunk, static_cast<std::size_t>(n));
  return true;
}

bool http_client::need(std::size_t octets, clock::time_point until) {
  while (inbox_.size() < octets)
    if (!read_more(until)) return false;
  return true;
}

std::optional<http_response> http_client::response(milliseconds at_most) {
  auto until = clock::now() + at_most;
  std::size_t end;
  while ((end = inbox_.find("\r\n\r\n")) == inbox_.npos)
    if (!read_more(until)) return std::nullopt;
  http_response r;
  auto head = inbox_.substr(0, end + 2);
  inbox_.erase(0, end + 4);
  if (!head.starts_with("HTTP/1.1 ")) return std::nullopt;
  r.status = std::atoi(head.c_str() + 9);
  for (auto at = head.find("\r\n") + 2; at < head.size();) {
    auto stop = head.find("\r\n", at), colon = head.find(": ", at);
    if (colon < stop)
      r.fields[lowered(head.substr(at, colon - at))] = head.substr(colon + 2, stop - colon - 2);
    at = stop + 2;
  }
  if (auto length = r.fields.find("content-length"); length != r.fields.end()) {
    auto size = static_cast<std::size_t>(std::atoll(length->second.c_str()));
    if (!need(size, until)) return std::nullopt;
    r.body = inbox_.substr(0, size);
    inbox_.erase(0, size);
  }
  return r;
}

std::optional<http_response> http_client::upgrade(const std::string& fields) {
  send(
      "GET /ws HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" +
      fields + "\r\n");
  return response();
}

std::optional<web_frame> http_client::next_frame(milliseconds at_most) {
  auto until = clock::now() + at_most;
  if (!need(2, until)) return std::nullopt;
  auto octet = [&](std::size_t i) {
    return static_cast<std::uint64_t>(static_cast<unsigned char>(inbox_[i]));
  };
  std::uint64_t size = octet(1) & 0x7f;
  std::size_t begin = 2;
  if (size >= 126) {
    std::size_t count = size == 126 ? 2 : 8;
    if (!need(2 + count, until)) return std::nullopt;
    size = 0;
    for (std::size_t i = 0; i < count; ++i) size = size << 8 | octet(2 + i);
    begin += count;
  }
  web_frame f{static_cast<int>(octet(0) & 0x0f), {}};
  if (!need(begin + size, until)) return std::nullopt;
  f.data = inbox_.substr(begin, size);
  inbox_.erase(0, begin + size);
  return f;
}

bool http_client::hung_up(milliseconds at_most) {
  auto until = clock::now() + at_most;
  while (connected() && read_more(until)) inbox_.clear();
  return !connected();
}

std::string http_client::frame(int opcode, std::string_view data, bool last) {
  const char mask[4] = {0x11, 0x22, 0x33, 0x44};
  std::string out(1, static_cast<char>((last ? 0x80 : 0) | opcode));
  std::size_t count = data.size() < 126 ? 0 : data.size() < 65536 ? 2 : 8;
  out += static_cast<char>(0x80 | (count == 0 ? data.size() : count == 2 ? 126u : 127u));
  for (std::size_t i = count; i > 0; --i) out += static_cast<char>(data.size() >> (8 * (i - 1)));
  out.append(mask, 4);
  for (std::size_t i = 0; i < data.size(); ++i) out += static_cast<char>(data[i] ^ mask[i % 4]);
  return out;
}

std::string post(std::uint16_t port, const std::string& token, const std::string& body,
                 const std::string& fields) {
  return "POST /rpc HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(port) + "\r\n" +
         (token.empty() ? "" : "Authorization: Bearer " + token + "\r\n") +
         "Content-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
         fields + "\r\n" + body;
}

}  // namespace tilld::tests
