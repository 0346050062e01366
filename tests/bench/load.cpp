#include "tests/bench/load.hpp"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <deque>
#include <vector>

#include "base/file.hpp"
#include "tests/bench/machine.hpp"
#include "tests/support/shop.hpp"

namespace tilld::bench {

namespace {

constexpr double patience_s = 10;

base::unique_fd connected(const load_plan& plan) {
  auto until = seconds_now() + patience_s;
  do {
    int result = -1;
    base::unique_fd fd;
    if (plan.port) {
      fd = base::unique_fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
      sockaddr_in address{};
      address.sin_family = AF_INET;
      address.sin_port = htons(plan.port);
      address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
      result = ::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address);
      int on = 1;
      ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    } else {
      fd = base::unique_fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
      sockaddr_un address{};
      address.sun_family = AF_UNIX;
      if (plan.socket.size() >= sizeof address.sun_path)
        tests::give_up(plan.socket + " is too long for a socket; name a shorter --folder");
      std::strcpy(address.sun_path, plan.socket.c_str());
      result = ::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address);
    }
    if (result == 0) return fd;
    wait_ms(5);
  } while (seconds_now() < until);
  tests::give_up("nobody listens on " + (plan.port ? std::to_string(plan.port) : plan.socket));
}

struct connection {
  base::unique_fd fd;
  int number = 0;
  std::string inbox, outbox;
  std::deque<double> asked;  // when, of those without an answer
  std::uint64_t next = 0;
};

class load {
 public:
  explicit load(const load_plan& plan) : plan_(plan) {
    for (int i = 0; i < plan.connections; ++i) {
      all_.emplace_back();
      all_.back().fd = connected(plan);
      all_.back().number = i;
    }
    latencies_.reserve(1 << 20);
  }

  load_result run() {
    auto begun = seconds_now();
    end_ = begun + plan_.seconds;
    if (plan_.connections == 1 && plan_.in_flight == 1)
      one_by_one();
    else
      all_at_once();
    load_result r;
    r.answers = latencies_.size();
    r.seconds = seconds_now() - begun;
    r.p50_us = percentile_us(latencies_, 0.5);
    r.p99_us = percentile_us(latencies_, 0.99);
    return r;
  }

 private:
  void ask(connection& c, int count) {
    c.outbox.clear();
    auto now = seconds_now();
    for (int i = 0; i < count; ++i) {
      plan_.ask(c.outbox, c.number, c.next++);
      c.asked.push_back(now);
    }
    for (std::size_t done = 0; done < c.outbox.size();) {
      auto n = ::send(c.fd.get(), c.outbox.data() + done, c.outbox.size() - done, MSG_NOSIGNAL);
      if (n <= 0) tests::give_up(std::string("the server took no more: ") + std::strerror(errno));
      done += static_cast<std::size_t>(n);
    }
  }

  // How many answers came with this read.
  int hear(connection& c) {
    char chunk[65536];
    auto n = ::recv(c.fd.get(), chunk, sizeof chunk, 0);
    if (n <= 0) tests::give_up("the server hung up");
    auto now = seconds_now();
    c.inbox.append(chunk, static_cast<std::size_t>(n));
    std::size_t begin = 0;
    int count = 0;
    for (auto end = c.inbox.find('\n'); end != std::string::npos; end = c.inbox.find('\n', begin)) {
      std::string_view line(c.inbox.data() + begin, end - begin);
      if (line.find(plan_.good) == std::string_view::npos || c.asked.empty())
        tests::give_up("not the answer that was asked for: " + std::string(line.substr(0, 400)));
      latencies_.push_back((now - c.asked.front()) * 1e6);
      c.asked.pop_front();
      begin = end + 1;
      ++count;
    }
    c.inbox.erase(0, begin);
    return count;
  }

  void one_by_one() {
    auto& c = all_.front();
    timeval patience{static_cast<time_t>(patience_s), 0};
    ::setsockopt(c.fd.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    while (seconds_now() < end_) {
      ask(c, 1);
      while (!c.asked.empty()) hear(c);
    }
  }

  void all_at_once() {
    base::unique_fd wait(::epoll_create1(EPOLL_CLOEXEC));
    for (auto& c : all_) {
      epoll_event interest{EPOLLIN, {.ptr = &c}};
      ::epoll_ctl(wait.get(), EPOLL_CTL_ADD, c.fd.get(), &interest);
      ask(c, plan_.in_flight);
    }
    std::size_t open = all_.size() * static_cast<std::size_t>(plan_.in_flight);
    std::vector<epoll_event> ready(all_.size());
    while (open > 0) {
      int count = ::epoll_wait(wait.get(), ready.data(), static_cast<int>(ready.size()),
                               static_cast<int>(patience_s * 1000));
      if (count <= 0) tests::give_up("no answer for ten seconds");
      for (int i = 0; i < count; ++i) {
        auto& c = *static_cast<connection*>(ready[static_cast<std::size_t>(i)].data.ptr);
        auto answered = hear(c);
        open -= static_cast<std::size_t>(answered);
        if (answered == 0 || seconds_now() >= end_) continue;
        ask(c, answered);
        open += static_cast<std::size_t>(answered);
      }
    }
  }

  const load_plan& plan_;
  std::deque<connection> all_;
  std::vector<double> latencies_;
  double end_ = 0;
};

}  // namespace

double percentile_us(std::vector<double>& latencies_us, double share) {
  if (latencies_us.empty()) return 0;
  auto at = static_cast<std::size_t>(share * static_cast<double>(latencies_us.size() - 1));
  std::nth_element(latencies_us.begin(), latencies_us.begin() + static_cast<std::ptrdiff_t>(at),
                   latencies_us.end());
  return latencies_us[at];
}

load_result run_load(const load_plan& plan) { return load(plan).run(); }

std::string call_of_200_octets(const std::string& method, std::uint64_t number) {
  auto line = R"({"jsonrpc":"2.0","id":)" + std::to_string(1'000'000 + number % 9'000'000) +
              R"(,"method":")" + method + R"(","params":{"echo":")";
  line.append(200 - line.size() - 4, 'x');
  return line + "\"}}\n";
}

std::string sale_params(const std::string& till, std::uint64_t number) {
  auto key = till + "-" + std::to_string(100'000'000 + number);
  return R"({"idempotency_key":")" + key + R"(","total":{"minor":1250,"currency":"EUR"},"receipt_number":")" +
         key +
         R"(","lines":[{"text":"Rye bread 750 g","product":"4006381333931","quantity":"1","amount":{"minor":420,"currency":"EUR"},"tax":{"code":"A","percent":"7"}},)"
         R"({"text":"Butter roll","quantity":"6","amount":{"minor":330,"currency":"EUR"},"tax":{"code":"A","percent":"7"}},)"
         R"({"text":"Coffee","quantity":"2","amount":{"minor":500,"currency":"EUR"},"tax":{"code":"B","percent":"19"}}],)"
         R"("tenders":[{"type":"cash","amount":{"minor":1250,"currency":"EUR"}}],"paid_at":"2026-11-21T14:05:00+01:00"})";
}

void append_sale(std::string& out, const std::string& till, std::uint64_t number) {
  out += R"({"jsonrpc":"2.0","id":)" + std::to_string(number) + R"(,"method":"sale.record","params":)";
  out += sale_params(till, number);
  out += "}\n";
}

}  // namespace tilld::bench
