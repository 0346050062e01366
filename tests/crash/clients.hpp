// The tills of the campaign: a few connections in one loop, each with a few calls in hand, that go on when
// the daemon dies. What was not answered is asked again under its key; what was answered is sometimes asked
// again too.
#pragma once

#include <chrono>
#include <deque>
#include <functional>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "tests/crash/own_record.hpp"
#include "tests/support/line_client.hpp"

namespace tilld::crash {

class clients {
 public:
  using clock = std::chrono::steady_clock;

  clients(own_record& record, std::string socket, std::mt19937_64& random);

  // Makes new calls and takes answers until `until` says true, which is asked at least every millisecond, or
  // the time is over. True when `until` said it.
  bool run(const std::function<bool()>& until, std::chrono::milliseconds at_most);

  // The daemon is dead: takes what still lies in the sockets, and lays aside what was asked and not answered,
  // to be asked again. Returns how many calls those were.
  std::size_t daemon_died();
  std::size_t in_hand() const;

  // Nothing new any more, only what is unanswered. True when all is answered.
  bool finish(std::chrono::milliseconds at_most);
  // Asks everything once more that was ever answered.
  bool repeat_all(std::chrono::milliseconds at_most);

  // How many calls were refused with an error that calls for a repetition, by kind.
  const std::map<std::string, std::size_t>& refusals() const { return refusals_; }

 private:
  struct client {
    tests::line_client line;
    operation_kind kind = operation_kind::sale;
    std::size_t depth = 1;                        // calls in hand
    std::map<std::int64_t, std::size_t> in_hand;  // request id to operation
    std::deque<std::size_t> again;                // to be asked again
    std::vector<std::size_t> done;                // answered, may be asked again for the fun of it
    std::int64_t next_id = 1;
    clock::time_point
        not_before{};  // after a refusal: a device that is away is not asked a thousand times a second
  };

  void turn(std::chrono::milliseconds wait);
  void fill(client& c);
  void ask(client& c, std::size_t which);
  void take(client& c, const std::string& line);
  bool nothing_left() const;
  std::uint64_t draw(std::uint64_t below) {
    return std::uniform_int_distribution<std::uint64_t>(0, below - 1)(random_);
  }

  own_record& record_;
  std::string socket_;
  std::mt19937_64& random_;
  std::vector<client> all_;
  std::map<std::string, std::size_t> refusals_;
  bool makes_new_ = true;
};

}  // namespace tilld::crash
