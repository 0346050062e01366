// The conversation with one printer over one connection, without the connection: bytes and time go in, bytes
// and news come out.
//
// On connecting the session asks the printer for its condition, switches automatic status on, and finds out
// how well the printer can confirm. Two questions go out one after the other, a process id (GS ( H, function
// 48) and the paper sensor (GS r 1); printers answer in the order of their queue, so an answer to the second
// without one to the first says that the printer knows no process ids, and no answer to either says that it
// knows none of both. A printer that is offline answers neither until it is back: then the level stays
// undecided and is asked for again.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "plugins/escpos-printer/status.hpp"

namespace tilld::escpos {

// How a printer says that a receipt is out, weakest first.
enum class confirm_level {
  sent,       // not at all; its network side took the bytes
  gs_r,       // it answered a question that stood behind the receipt in its queue
  process_id  // it said that the printing is complete
};

class printer_session {
 public:
  using milliseconds = std::chrono::milliseconds;

  // `level` when somebody knows better than the printer's answers. Process ids start at `id_seed`, so that an
  // answer to a question of an earlier session is not taken for one of ours.
  printer_session(std::optional<confirm_level> level, std::uint32_t id_seed);

  // A new connection. After one that ended inside of a receipt the printer may still wait for the rest of a
  // raster; `unfinished_bytes` zeros are sent first, which end it and are nothing otherwise.
  void connected(milliseconds now, std::size_t unfinished_bytes);
  void closed();
  void eat(std::string_view bytes, milliseconds now);
  void advance(milliseconds now);               // time has passed
  std::optional<milliseconds> wake_at() const;  // when advance() has something to do
  std::string take_output();

  // Asks for the condition anew. Answered, or given up, when asking() is false again.
  void ask_condition(milliseconds now);
  bool asking() const { return give_up_at_.has_value(); }
  const printer_flags& flags() const { return flags_; }
  const std::string& model() const { return model_; }
  std::optional<confirm_level> level() const { return level_; }  // nothing while it is undecided

  // The bytes that ask for the end of everything sent so far; empty at the level `sent`. The tag comes back
  // from take_confirmed() when the printer has answered, maybe much later.
  std::string closing_question(std::uint64_t tag);
  std::vector<std::uint64_t> take_confirmed();

 private:
  struct sensor_question {
    std::optional<std::uint64_t> tag;  // nothing: a probe
  };

  void take(const printer_message& message);
  void answered_level(confirm_level level);
  void settle();
  std::string next_id();
  void ask_in_real_time();
  void probe_level();

  const std::optional<confirm_level> told_level_;
  std::optional<confirm_level> level_;
  std::uint32_t next_id_;
  status_reader reader_;
  printer_flags flags_;
  std::string model_;
  std::string output_;
  std::optional<milliseconds> give_up_at_;
  bool knows_real_time_ = true;
  bool level_asked_ = false;
  std::deque<int> real_time_questions_;  // their n, in order
  std::string probe_id_;
  std::map<std::string, std::uint64_t> process_questions_;
  std::deque<sensor_question> sensor_questions_;
  std::vector<std::uint64_t> confirmed_;
};

}  // namespace tilld::escpos
