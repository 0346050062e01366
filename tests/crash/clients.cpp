#include "tests/crash/clients.hpp"

#include <poll.h>

#include <algorithm>

#include <boost/json.hpp>

#include "tests/support/shop.hpp"
#include "wire/json_rpc.hpp"

namespace tilld::crash {

namespace json = boost::json;
using std::chrono::milliseconds;

namespace {

// Two tills that wait for each answer, one that has three sales in hand, two that print.
struct habit {
  operation_kind kind;
  std::size_t depth;
};
constexpr habit habits[] = {{operation_kind::sale, 1},
                            {operation_kind::sale, 1},
                            {operation_kind::sale, 3},
                            {operation_kind::print, 1},
                            {operation_kind::print, 2}};
constexpr auto patience = milliseconds(10);

const char* method_of(operation_kind kind) {
  return kind == operation_kind::sale ? "sale.record" : "printer.print";
}

}  // namespace

clients::clients(own_record& record, std::string socket, std::mt19937_64& random)
    : record_(record), socket_(std::move(socket)), random_(random) {
  for (auto& h : habits) {
    auto& c = all_.emplace_back();
    c.kind = h.kind;
    c.depth = h.depth;
  }
}

bool clients::run(const std::function<bool()>& until, milliseconds at_most) {
  auto end = clock::now() + at_most;
  while (!until()) {
    if (clock::now() >= end) return false;
    turn(milliseconds(1));
  }
  return true;
}

void clients::turn(milliseconds wait) {
  std::vector<pollfd> ready;
  for (auto& c : all_) {
    if (!c.line.connected()) (void)c.line.connect_unix(socket_, milliseconds(0));
    if (c.line.connected()) fill(c);
    ready.push_back({c.line.descriptor(), POLLIN, 0});
  }
  if (::poll(ready.data(), ready.size(), static_cast<int>(wait.count())) <= 0) return;
  for (std::size_t i = 0; i < all_.size(); ++i) {
    if (!(ready[i].revents & (POLLIN | POLLHUP | POLLERR))) continue;
    auto& c = all_[i];
    while (auto line = c.line.read_line(milliseconds(0))) take(c, *line);
    // The daemon went away by itself, or the kernel tells before the one who killed it does.
    if (!c.line.connected()) (void)daemon_died();
  }
}

void clients::fill(client& c) {
  auto now = clock::now();
  while (c.in_hand.size() < c.depth) {
    if (now < c.not_before) return;
    if (!c.again.empty()) {
      auto next = c.again.front();
      c.again.pop_front();
      ask(c, next);
    } else if (makes_new_ && !c.done.empty() && draw(12) == 0) {
      auto old = c.done[draw(c.done.size())];
      bool running =
          std::any_of(c.in_hand.begin(), c.in_hand.end(), [&](auto& one) { return one.second == old; });
      if (!running) ask(c, old);
    } else if (makes_new_) {
      auto fresh =
          c.kind == operation_kind::sale ? record_.new_sale(random_()) : record_.new_print(random_());
      ask(c, fresh);
      // An impatient till asks twice at once.
      if (c.in_hand.size() < c.depth && draw(8) == 0) ask(c, fresh);
    } else {
      return;
    }
  }
}

void clients::ask(client& c, std::size_t which) {
  auto id = c.next_id++;
  record_.asked(which);
  c.in_hand[id] = which;
  c.line.send_raw(R"({"jsonrpc":"2.0","id":)" + std::to_string(id) + R"(,"method":")" + method_of(c.kind) +
                  R"(","params":)" + record_.at(which).params + "}\n");
}

void clients::take(client& c, const std::string& text) {
  boost::system::error_code failed;
  auto message = json::parse(text, failed);
  auto* id = !failed && message.is_object() ? message.get_object().if_contains("id") : nullptr;
  auto at = id && id->is_int64() ? c.in_hand.find(id->get_int64()) : c.in_hand.end();
  if (at == c.in_hand.end()) tests::give_up("an answer to nothing that was asked: " + text);
  auto which = at->second;
  c.in_hand.erase(at);
  auto result = wire::raw_member(text, "result");
  if (!result.empty()) {
    if (record_.at(which).answered == 0) c.done.push_back(which);
    record_.answered(which, result);
    return;
  }
  record_.refused(which, wire::raw_member(text, "error"));
  auto kind = std::string(message.at("error").at("data").at("kind").as_string());
  ++refusals_[kind];
  // A sale needs nothing but the till's own disk, which is well: it is never refused.
  if (c.kind == operation_kind::sale) tests::give_up("a sale was refused: " + text);
  c.again.push_back(which);
  c.not_before = clock::now() + patience;
}

std::size_t clients::daemon_died() {
  std::size_t unanswered = 0;
  for (auto& c : all_) {
    // What the daemon handed over before it died was said.
    while (auto line = c.line.read_line(milliseconds(0))) take(c, *line);
    c.line.close();
    unanswered += c.in_hand.size();
    // First come, first asked again; now and then a till never comes back for its answer.
    for (auto at = c.in_hand.rbegin(); at != c.in_hand.rend(); ++at) {
      auto& o = record_.at(at->second);
      if (o.answered == 0 && draw(20) == 0)
        record_.give_up(at->second);
      else
        c.again.push_front(at->second);
    }
    c.in_hand.clear();
    c.not_before = {};
  }
  return unanswered;
}

std::size_t clients::in_hand() const {
  std::size_t count = 0;
  for (auto& c : all_) count += c.in_hand.size();
  return count;
}

bool clients::nothing_left() const {
  return std::all_of(all_.begin(), all_.end(), [](auto& c) { return c.in_hand.empty() && c.again.empty(); });
}

bool clients::finish(milliseconds at_most) {
  makes_new_ = false;
  return run([this] { return nothing_left(); }, at_most);
}

bool clients::repeat_all(milliseconds at_most) {
  for (auto& c : all_) {
    c.again.assign(c.done.begin(), c.done.end());
    c.depth = 16;
  }
  return finish(at_most);
}

}  // namespace tilld::crash
