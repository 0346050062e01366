#include "tests/hostile/attacks.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>

#include <random>

namespace tilld::hostile {

using std::chrono::milliseconds;
using stop_flag = std::atomic<bool>;
using tests::line_client;
using tests::shop;

namespace {

void pause_briefly(int ms = 1) { ::poll(nullptr, 0, ms); }

// Sends what the socket takes at once, so that one that is not read from cannot hold up the attack itself.
void send_some(line_client& line, std::string_view octets) {
  if (line.connected())
    (void)::send(line.descriptor(), octets.data(), octets.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
}
void read_away(line_client& line) {
  char chunk[65536];
  while (line.connected() && ::recv(line.descriptor(), chunk, sizeof chunk, MSG_DONTWAIT) > 0) continue;
}
bool is_open(line_client& line) {
  char octet;
  if (!line.connected()) return false;
  auto n = ::recv(line.descriptor(), &octet, 1, MSG_DONTWAIT | MSG_PEEK);
  return n > 0 || (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK));
}
void open_again(line_client& line, const shop& s) {
  if (!is_open(line)) (void)line.connect_unix(s.socket(), milliseconds(0));
}

std::string request(const std::string& method, const std::string& params = "{}") {
  return R"({"jsonrpc":"2.0","id":1,"method":")" + method + R"(","params":)" + params + "}\n";
}

// Text that is as long as a line may be and takes as much work as it can.
std::string longest(const std::string& begin, const std::string& piece, const std::string& end) {
  std::string text = begin;
  while (text.size() + piece.size() + end.size() + 1 < (1u << 20)) text += piece;
  return text + end + "\n";
}

void half_lines(const shop& s, const stop_flag& stop) {
  while (!stop) {
    line_client line;
    (void)line.connect_unix(s.socket(), milliseconds(0));
    send_some(line, R"({"jsonrpc":"2.0","id":1,"meth)");
    pause_briefly();
  }
}

void lines_without_end(const shop& s, const stop_flag& stop) {
  std::string much(64 << 10, 'x');
  line_client line;
  while (!stop) {
    open_again(line, s);
    send_some(line, much);
    read_away(line);
  }
}

// Everybody holds nearly a whole line for ever.
void unfinished_megabytes(const shop& s, const stop_flag& stop) {
  std::string much(100 << 10, 'x');
  std::vector<line_client> lines(200);
  while (!stop)
    for (auto& line : lines) {
      if (stop) return;
      open_again(line, s);
      send_some(line, much);
      read_away(line);
    }
}

void octet_by_octet(const shop& s, const stop_flag& stop) {
  auto text = request("system.ping");
  std::vector<line_client> lines(200);
  for (std::size_t i = 0; !stop; ++i) {
    for (auto& line : lines) {
      open_again(line, s);
      send_some(line, std::string_view(text).substr(i % text.size(), 1));
      read_away(line);
    }
    pause_briefly();
  }
}

void garbage(const shop& s, const stop_flag& stop) {
  std::mt19937_64 random(7);
  line_client line;
  std::string octets(4096, 0);
  while (!stop) {
    open_again(line, s);
    for (auto& c : octets) c = static_cast<char>(random());
    send_some(line, octets);
    send_some(line,
              "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"\xff\xfe\"}\n{\"a\0b\":1}\n[[[[[[[[[[[[[[[[[[[[[[[["
              "[[[[[[[[[[[[[[[[[[\n");
    read_away(line);
  }
}

void deep_nesting(const shop& s, const stop_flag& stop) {
  auto brackets = longest("", "[", ""), objects = longest("", "{\"a\":", "");
  line_client line;
  while (!stop) {
    open_again(line, s);
    line.send_raw(brackets);
    line.send_raw(objects);
    (void)line.read_line(milliseconds(1000));
    (void)line.read_line(milliseconds(1000));
  }
}

void longest_lines(const shop& s, const stop_flag& stop) {
  std::vector<std::string> texts{
      longest(R"({"jsonrpc":"2.0","id":1,"method":"system.ping","params":{"x":[)", "0,", "0]}}"),
      longest(R"({"jsonrpc":"2.0","id":1,"method":"no.such","params":{"x":")", "\\u00e4", "\"}}"),
      longest(R"({"jsonrpc":"2.0","id":1,"method":"session.hello","params":{"x":[)", "{},", "{}]}}")};
  line_client line;
  for (std::size_t i = 0; !stop; ++i) {
    open_again(line, s);
    line.send_raw(texts[i % texts.size()]);
    (void)line.read_line(milliseconds(1000));
  }
}

// The largest sales that there are, which are taken and go to the disk, and larger ones, which are refused.
void longest_sales(const shop& s, const stop_flag& stop) {
  auto begin = [](std::size_t n) {
    return R"({"jsonrpc":"2.0","id":1,"method":"sale.record","params":{"idempotency_key":"long-)" +
           std::to_string(n) + R"(","total":{"minor":1,"currency":"EUR"},"lines":[)";
  };
  std::string lines;
  for (int i = 0; i < 4999; ++i)
    lines += R"({"text":")" + std::string(120, 'a') + R"(","amount":{"minor":1,"currency":"EUR"}},)";
  line_client line;
  for (std::size_t i = 0; !stop; ++i) {
    open_again(line, s);
    line.send_raw(i % 4 == 3 ? longest(begin(i), R"({"text":"a","amount":{"minor":1,"currency":"EUR"}},)",
                                       R"({"text":"z"}]}})")
                             : begin(i) + lines + "{}]}}\n");
    (void)line.read_line(milliseconds(1000));
  }
}

// As many slow calls as there may be, each with as much as it may have, from connection after connection.
void heavy_calls_in_hand(const shop& s, const stop_flag& stop) {
  auto text = longest(R"({"jsonrpc":"2.0","id":1,"method":"reader.await","params":{"deadline_ms":5000,"x":")",
                      "a", "\"}}");
  auto list = longest(R"({"jsonrpc":"2.0","id":1,"method":"reader.await","params":{"deadline_ms":5000,"x":[)",
                      "\"aaaaaaaaaaaaaaaaaaaaaaa\",", "0]}}");
  std::vector<line_client> lines(8);
  for (std::size_t i = 0; !stop; ++i)
    for (auto& line : lines) {
      if (stop) return;
      open_again(line, s);
      send_some(line, i % 2 == 0 ? text : list);
      read_away(line);
    }
}

void ten_thousand_at_once(const shop& s, const stop_flag& stop) {
  std::string all;
  for (int i = 0; i < 10'000; ++i) all += request("system.ping");
  line_client line;
  while (!stop) {
    open_again(line, s);
    std::string_view left = all;
    while (!left.empty() && !stop && is_open(line)) {
      auto n = ::send(line.descriptor(), left.data(), left.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
      if (n > 0) left.remove_prefix(static_cast<std::size_t>(n));
      read_away(line);
    }
  }
}

void never_reads(const shop& s, const stop_flag& stop) {
  auto subscribe = request("events.subscribe", R"({"topics":["*"]})");
  auto calls = request("system.status") +
               request("org.tilld.simulation.scan", R"({"text":"4006381333931"})") + request("plugin.list");
  std::vector<line_client> lines(20);
  while (!stop)
    for (auto& line : lines) {
      if (stop) return;
      if (!is_open(line)) {
        open_again(line, s);
        send_some(line, subscribe);
      }
      send_some(line, calls);
    }
}

void comes_and_goes(const shop& s, const stop_flag& stop) {
  while (!stop) {
    line_client line;
    (void)line.connect_unix(s.socket(), milliseconds(0));
  }
}

void too_many_connections(const shop& s, const stop_flag& stop) {
  std::vector<line_client> lines(300);
  while (!stop) {
    for (auto& line : lines) open_again(line, s);
    pause_briefly(5);
  }
}

void browsers_and_strangers(const shop& s, const stop_flag& stop) {
  const std::string words[] = {"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
                               "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
                               request("session.hello"),
                               request("session.hello", R"({"token":"0000"})"),
                               request("sale.record"),
                               ""};
  for (std::size_t i = 0; !stop; ++i) {
    line_client line;
    (void)line.connect_tcp(s.tcp_port, milliseconds(0));
    send_some(line, words[i % std::size(words)]);
    (void)line.read_line(milliseconds(1));
  }
}

// Ten thousand tried and as many kept as may be, through every door in turn.
void ten_thousand_connections(const shop& s, const stop_flag& stop) {
  std::vector<line_client> lines(1500);
  for (std::size_t tried = 0; !stop; ++tried) {
    auto& line = lines[tried % lines.size()];
    if (tried % 3 == 0) (void)line.connect_unix(s.socket(), milliseconds(0));
    if (tried % 3 == 1) (void)line.connect_tcp(s.tcp_port, milliseconds(0));
    if (tried % 3 == 2) (void)line.connect_tcp(s.http_port, milliseconds(0));
    send_some(line, tried % 2 == 0 ? "{" : "GET /he");
  }
}

std::string http_host(const shop& s) { return "Host: 127.0.0.1:" + std::to_string(s.http_port) + "\r\n"; }

// What web pages and those behind them try; nearly all of it is refused.
void hostile_pages(const shop& s, const stop_flag& stop) {
  auto body = request("sale.record");
  auto length = "Content-Length: " + std::to_string(body.size()) + "\r\n";
  const std::string words[] = {
      "POST /rpc HTTP/1.1\r\n" + http_host(s) + "Origin: https://evil.example\r\n" + length + "\r\n" + body,
      "POST /rpc HTTP/1.1\r\n" + http_host(s) + "Origin: null\r\nContent-Type: text/plain\r\n" + length +
          "\r\n" + body,
      "POST /rpc HTTP/1.1\r\nHost: evil.example\r\n" + length + "\r\n" + body,
      "POST /rpc HTTP/1.1\r\n" + http_host(s) + "Authorization: Bearer 00\r\n" + length + "\r\n" + body,
      "POST /rpc HTTP/1.1\r\n" + http_host(s) + length + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      "GET /health HTTP/1.1\r\n" + http_host(s) + "\r\n",
      "GET /" + std::string(20'000, 'x'),
      "OPTIONS /rpc HTTP/1.1\r\n" + http_host(s) + "Origin: https://evil.example\r\n\r\n"};
  for (std::size_t i = 0; !stop; ++i) {
    line_client line;
    (void)line.connect_tcp(s.http_port, milliseconds(0));
    send_some(line, words[i % std::size(words)]);
    (void)line.read_line(milliseconds(100));
  }
}

// Heads that never end, an octet at a time, on as many connections as there may be.
void slow_heads(const shop& s, const stop_flag& stop) {
  std::vector<line_client> lines(240);
  while (!stop) {
    for (auto& line : lines) {
      if (stop) return;
      if (!is_open(line)) {
        (void)line.connect_tcp(s.http_port, milliseconds(0));
        send_some(line, "GET /health HTTP/1.1\r\nX: ");
      }
      send_some(line, "x");
      read_away(line);
    }
    pause_briefly();
  }
}

// A gigabyte and more without an end: of a line, of an LSP message, of a body, of a frame.
void endless_messages(const shop& s, const stop_flag& stop) {
  std::string much(256 << 10, 'x');
  const std::string begins[] = {"{", "Content-Length: 1048576\r\n\r\n",
                                "POST /rpc HTTP/1.1\r\nHost: x\r\nContent-Type: "
                                "application/json\r\nTransfer-Encoding: chunked\r\n\r\n40000000\r\n",
                                "GET /ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: "
                                "websocket\r\nSec-WebSocket-Version: 13\r\n"
                                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"};
  std::vector<line_client> lines(std::size(begins));
  std::vector<int> times(std::size(begins));
  while (!stop)
    for (std::size_t i = 0; i < lines.size(); ++i) {
      auto& line = lines[i];
      // The bodies come when the upgrade is answered.
      if (!is_open(line) || ++times[i] > 40) {
        (void)line.connect_unix(s.socket(), milliseconds(0));
        send_some(line, begins[i]);
        if (i == 3) {
          (void)line.read_line(milliseconds(100));
          send_some(line, std::string("\x01\xff\0\0\0\0\0\x0f\xff\xff\x01\x02\x03\x04", 14));
        }
        times[i] = 0;
      }
      send_some(line, much);
      read_away(line);
    }
}

// Calls with long answers over LSP framing, HTTP and WebSocket, and nobody reads any of them.
void never_reads_elsewhere(const shop& s, const stop_flag& stop) {
  auto text = R"({"jsonrpc":"2.0","id":1,"method":"rpc.discover"})";
  auto size = std::to_string(std::string(text).size());
  auto lsp = "Content-Length: " + size + "\r\n\r\n" + text;
  auto http = "POST /rpc HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: " + size +
              "\r\n\r\n" + text;
  auto frame =
      std::string("\x81") + static_cast<char>(0x80 | std::string(text).size()) + std::string(4, '\0') + text;
  std::string upgrade =
      "GET /ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: "
      "13\r\n"
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
  std::vector<line_client> lines(60);
  while (!stop)
    for (std::size_t i = 0; i < lines.size(); ++i) {
      auto& line = lines[i];
      if (stop) return;
      if (!is_open(line)) {
        (void)line.connect_unix(s.socket(), milliseconds(0));
        if (i % 3 == 2) {
          send_some(line, upgrade);
          (void)line.read_line(milliseconds(100));
        }
      }
      send_some(line, i % 3 == 0 ? lsp : i % 3 == 1 ? http : frame);
    }
}

}  // namespace

const std::vector<attack>& attacks() {
  static const std::vector<attack> all{{"half lines", half_lines},
                                       {"lines without end", lines_without_end},
                                       {"200 unfinished lines of a megabyte", unfinished_megabytes},
                                       {"200 tills octet by octet", octet_by_octet},
                                       {"garbage", garbage},
                                       {"deep nesting", deep_nesting},
                                       {"longest lines", longest_lines},
                                       {"largest sales", longest_sales},
                                       {"heavy calls in hand", heavy_calls_in_hand},
                                       {"10,000 requests at once", ten_thousand_at_once},
                                       {"subscribes, calls and never reads", never_reads},
                                       {"comes and goes", comes_and_goes},
                                       {"300 connections", too_many_connections},
                                       {"browsers and strangers on TCP", browsers_and_strangers},
                                       {"10,000 connections", ten_thousand_connections},
                                       {"hostile pages", hostile_pages},
                                       {"240 slow heads", slow_heads},
                                       {"messages without an end", endless_messages},
                                       {"never reads HTTP, LSP, WebSocket", never_reads_elsewhere}};
  return all;
}

}  // namespace tilld::hostile
