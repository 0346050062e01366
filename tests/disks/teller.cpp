#include "tests/disks/teller.hpp"

#include <poll.h>

#include <cstdio>

#include <boost/json.hpp>

#include "wire/base64.hpp"
#include "wire/json_rpc.hpp"

namespace tilld::disks {

namespace json = boost::json;
using std::chrono::milliseconds;
using std::chrono::steady_clock;
using tests::give_up;

namespace {

constexpr std::size_t in_hand_max = 4;
constexpr auto patience = milliseconds(10);  // after a refusal
constexpr auto answer_wait = milliseconds(60'000);

std::string params_of(const teller::sale& s) {
  json::object params{{"idempotency_key", s.key}, {"total", {{"minor", s.minor}, {"currency", "EUR"}}}};
  return json::serialize(params);
}

json::object result_of(tests::line_client& till, const std::string& method, const json::object& params) {
  auto answer = till.call(method, params, answer_wait);
  if (!answer) give_up(method + " was not answered");
  if (auto* e = answer->if_contains("error")) give_up(method + ": " + json::serialize(*e));
  return answer->at("result").as_object();
}

}  // namespace

void findings::complain(std::size_t& counter, const std::string& why) {
  ++counter;
  if (words.size() < 20) words.push_back(why);
}

void teller::open(const tests::shop& shop, int connections) {
  lines_.clear();
  for (int i = 0; i < connections; ++i) {
    auto& l = lines_.emplace_back();
    if (!l.client.connect_unix(shop.socket())) give_up("the till does not answer; see " + shop.till_log());
  }
  // What nobody was told is asked again.
  again_.clear();
  for (std::size_t i = 0; i < sales_.size(); ++i)
    if (sales_[i].result.empty()) again_.push_back(i);
  not_before_ = {};
}

void teller::begin_anew() {
  lines_.clear();
  sales_.clear();
  again_.clear();
  series_ = "s" + std::to_string(++series_number_);
}

void teller::ask(line& l, std::size_t which) {
  auto id = l.next_id++;
  l.in_hand[id] = which;
  l.client.send_raw(R"({"jsonrpc":"2.0","id":)" + std::to_string(id) +
                    R"(,"method":"sale.record","params":)" + params_of(sales_[which]) + "}\n");
}

void teller::take(line& l, const std::string& text) {
  boost::system::error_code failed;
  auto message = json::parse(text, failed);
  auto* id = !failed && message.is_object() ? message.get_object().if_contains("id") : nullptr;
  auto at = id && id->is_int64() ? l.in_hand.find(id->get_int64()) : l.in_hand.end();
  if (at == l.in_hand.end()) give_up("an answer to nothing that was asked: " + text);
  auto which = at->second;
  l.in_hand.erase(at);
  auto result = wire::raw_member(text, "result");
  if (!result.empty()) {
    sales_[which].result = result;
    ++answered_;
    return;
  }
  ++refusals_[std::string(message.at("error").at("data").at("kind").as_string())];
  again_.push_back(which);
  not_before_ = steady_clock::now() + patience;
}

// Fills every hand and takes what is ready. False when the till hung up.
bool teller::turn(bool makes_new) {
  std::vector<pollfd> ready;
  for (auto& l : lines_) {
    while (l.in_hand.size() < in_hand_max && steady_clock::now() >= not_before_) {
      if (!again_.empty()) {
        auto next = again_.back();
        again_.pop_back();
        ask(l, next);
      } else if (makes_new) {
        sales_.push_back({series_ + "-" + std::to_string(sales_.size()),
                          {},
                          static_cast<std::int64_t>(1 + random_() % 9999)});
        ask(l, sales_.size() - 1);
      } else {
        break;
      }
    }
    ready.push_back({l.client.descriptor(), POLLIN, 0});
  }
  if (::poll(ready.data(), ready.size(), 1) <= 0) return true;
  for (std::size_t i = 0; i < lines_.size(); ++i) {
    if (!(ready[i].revents & (POLLIN | POLLHUP | POLLERR))) continue;
    while (auto text = lines_[i].client.read_line(milliseconds(0))) take(lines_[i], *text);
    if (!lines_[i].client.connected()) return false;
  }
  return true;
}

bool teller::sell(const std::function<bool()>& until, milliseconds at_most) {
  auto end = steady_clock::now() + at_most;
  while (!until()) {
    if (steady_clock::now() >= end) return false;
    if (!turn(true)) give_up("the till hung up");
  }
  return true;
}

bool teller::finish(milliseconds at_most) {
  auto end = steady_clock::now() + at_most;
  auto nothing_left = [this] {
    for (auto& l : lines_)
      if (!l.in_hand.empty()) return false;
    return again_.empty();
  };
  while (!nothing_left()) {
    if (steady_clock::now() >= end) return false;
    if (!turn(false)) give_up("the till hung up");
  }
  return true;
}

bool teller::ask_again(const tests::shop& shop, std::size_t count, findings& found) {
  auto till = shop.connect();
  auto first = sales_.size() > count ? sales_.size() - count : 0;
  for (auto i = first; i < sales_.size(); ++i) {
    auto& s = sales_[i];
    if (s.result.empty()) continue;
    till.send_raw(R"({"jsonrpc":"2.0","id":1,"method":"sale.record","params":)" + params_of(s) + "}\n");
    auto text = till.read_line(answer_wait);
    if (!text) return false;
    auto result = wire::raw_member(*text, "result");
    if (result != s.result)
      found.complain(found.lost, s.key + " was answered with " + s.result + " and now with " + *text);
  }
  return true;
}

void teller::audit(const tests::shop& shop, findings& found) const {
  auto till = shop.connect(true);
  auto verified = result_of(till, "journal.verify", {});
  if (!verified.at("whole").as_bool())
    found.complain(found.wrong, "the chain does not verify: " + json::serialize(verified));
  std::map<std::string, const sale*> by_key;
  for (auto& s : sales_) by_key[s.key] = &s;
  std::map<std::string, std::uint64_t> seen;
  for (std::uint64_t from = 1;;) {
    auto page = result_of(till, "journal.read", {{"from", from}, {"limit", 1000}});
    auto& list = page.at("records").as_array();
    if (list.empty()) break;
    for (auto& r : list) {
      from = r.at("sequence").to_number<std::uint64_t>() + 1;
      if (r.at("kind").as_string() != "sale") continue;
      ++found.recorded;
      auto body = json::parse(*wire::from_base64(std::string_view(r.at("body").as_string())));
      auto& made = body.at("sale");
      std::string key(made.at("idempotency_key").as_string());
      auto known = by_key.find(key);
      if (known == by_key.end()) {
        found.complain(found.wrong, "a sale that nobody made: " + key);
        continue;
      }
      if (!seen.emplace(key, from - 1).second) found.complain(found.doubled, key + " is recorded twice");
      if (made.at("total").at("minor").to_number<std::int64_t>() != known->second->minor)
        found.complain(found.wrong, key + " is recorded with another amount");
    }
  }
  for (auto& s : sales_) {
    if (s.result.empty()) continue;
    ++found.acknowledged;
    auto at = seen.find(s.key);
    if (at == seen.end())
      found.complain(found.lost, s.key + " was acknowledged and is not in the journal");
    else if (json::parse(s.result).at("sequence").to_number<std::uint64_t>() != at->second)
      found.complain(found.wrong, s.key + " was told to be another record than it is");
  }
}

int print_findings(const char* campaign, std::size_t rounds, double seconds, const findings& found,
                   const std::string& expect) {
  std::printf("  %s: rounds %zu, acknowledged %zu, recorded %zu, lost %zu, doubled %zu, wrong %zu; %.1f s\n",
              campaign, rounds, found.acknowledged, found.recorded, found.lost, found.doubled, found.wrong,
              seconds);
  for (auto& why : found.words) std::printf("  ! %s\n", why.c_str());
  if (expect.empty()) return found.all() == 0 && found.acknowledged > 0 ? 0 : 1;
  bool caught = expect == "lost" ? found.lost > 0 : found.all() > 0;
  std::printf("  The fault that was planted was %s.\n", caught ? "caught" : "NOT caught");
  return caught ? 0 : 1;
}

}  // namespace tilld::disks
