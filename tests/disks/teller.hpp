// Sells at a till whose disk is about to die, and knows afterwards what it was told. Its record is what the
// till is judged by: a sale that was answered is in the journal once, with its amount, and has the same
// answer whenever it is asked again; a sale that was not answered is there once or not at all.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "tests/support/line_client.hpp"
#include "tests/support/shop.hpp"

namespace tilld::disks {

struct findings {
  std::size_t acknowledged = 0;  // sales that were answered with a record
  std::size_t recorded = 0;      // sales in the journal
  std::size_t lost = 0;          // answered and not there, or answered otherwise when asked again
  std::size_t doubled = 0;
  std::size_t wrong = 0;  // another amount, a chain that does not verify, a sale that nobody made
  std::vector<std::string> words;

  std::size_t all() const { return lost + doubled + wrong; }
  void complain(std::size_t& counter, const std::string& why);
};

class teller {
 public:
  struct sale {
    std::string key, result;  // octets of the member "result"; empty: never answered
    std::int64_t minor = 0;
  };

  explicit teller(std::uint64_t seed) : random_(seed) {}

  // Opens the shop: this many connections, each with some sales in hand.
  void open(const tests::shop& shop, int connections = 3);
  void close() { lines_.clear(); }
  // Sells until `until` says true or the time is over; takes no more answers than came by then. Refusals are
  // counted by kind and their sales made again later.
  bool sell(const std::function<bool()>& until, std::chrono::milliseconds at_most);
  // Nothing new, only what is unanswered. True when all is answered.
  bool finish(std::chrono::milliseconds at_most);
  // Asks again for the last `count` sales: an answer that was given must be given again. False at the
  // deadline.
  bool ask_again(const tests::shop& shop, std::size_t count, findings& found);

  // Reads the whole journal and holds it against what was told.
  void audit(const tests::shop& shop, findings& found) const;

  const std::vector<sale>& sales() const { return sales_; }
  std::size_t answered() const { return answered_; }
  const std::map<std::string, std::size_t>& refusals() const { return refusals_; }
  // Forgets everything: another journal begins.
  void begin_anew();

 private:
  struct line {
    tests::line_client client;
    std::map<std::int64_t, std::size_t> in_hand;
    std::int64_t next_id = 1;
  };
  void ask(line& l, std::size_t which);
  void take(line& l, const std::string& text);
  bool turn(bool makes_new);

  std::mt19937_64 random_;
  std::vector<line> lines_;
  std::vector<sale> sales_;
  std::vector<std::size_t> again_;
  std::map<std::string, std::size_t> refusals_;
  std::size_t answered_ = 0;
  std::chrono::steady_clock::time_point not_before_{};
  std::string series_ = "s";
  int series_number_ = 0;
};

// The last lines of every campaign; its exit code.
int print_findings(const char* campaign, std::size_t rounds, double seconds, const findings& found,
                   const std::string& expect);

}  // namespace tilld::disks
