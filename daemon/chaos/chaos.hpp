// What goes wrong on purpose, so that whoever writes a till sees what it makes of a bad day: `tilld --chaos
// SEED`. Calls begin late, connections close before a call has an effect or after it had one, devices die
// when they are asked or before, and answers of devices are lost although they acted.
//
// Only that happens which can happen to a till without chaos, and nothing below the calls is touched: the
// journal, the keys and the way to central keep every promise. docs/chaos.md is the page for till makers.
//
// The n-th call and the n-th question to a device have the same fate in each run with the same seed, as long
// as they come in the same order. No I/O, no clock. [I/O thread]
#pragma once

#include <chrono>
#include <cstdint>
#include <string_view>

#include <boost/json/object.hpp>

namespace tilld::daemon {

class chaos {
 public:
  explicit chaos(std::uint64_t seed) : seed_(seed) {}

  struct call_fate {
    enum class connection { lives, closes_before, closes_after } what = connection::lives;
    std::chrono::milliseconds delay{};  // before the call begins
  };
  // Calls that a person needs in order to see what goes on (session, system, plugin, token, rpc) are spared.
  call_fate next_call(std::string_view method);

  enum class device_fate { lives, dies_before, dies_after, answer_is_lost };
  // For a word of a device ("tilld.printer/1.print"). What the daemon and a plugin's host say to each other
  // about the plugin itself is spared.
  device_fate next_question(std::string_view word);

  std::uint64_t seed() const { return seed_; }
  // {"seed", "calls", "delayed", "closed_before", "closed_after", "questions", "killed", "answers_lost"}
  boost::json::object describe() const;

 private:
  std::uint64_t draw(std::uint64_t stream, std::uint64_t n) const;

  std::uint64_t seed_;
  std::uint64_t calls_ = 0, delayed_ = 0, closed_before_ = 0, closed_after_ = 0;
  std::uint64_t questions_ = 0, killed_ = 0, answers_lost_ = 0;
};

}  // namespace tilld::daemon
