// What the clients themselves know: every key that they used, what they asked under it, and what they were
// told. It is kept outside of the programs that are killed, and it is what they are judged by in the end.
//
// A call without an answer is unknown: it may have happened once or not at all. A call with an answer
// happened exactly once, and whoever asks again under its key hears the same octets.
#pragma once

#include <cstdint>
#include <cstdio>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace tilld::crash {

enum class operation_kind { sale, print };

struct operation {
  operation_kind kind = operation_kind::sale;
  std::string key;
  std::string params;  // as sent, octet for octet
  std::int64_t minor = 0;
  std::uint64_t asked_at = 0;     // on the record's own clock of events, at the first time
  std::uint64_t answered_at = 0;  // 0: never
  std::string result;             // octets of the member "result"
  unsigned asked = 0, answered = 0;
  bool given_up = false;  // left unanswered for good, as by a till that never comes back
};

class own_record {
 public:
  // The file gets a line for whatever happens, before it happens to anybody else.
  explicit own_record(const std::string& file);

  // Amounts as on a real receipt, refunds among them.
  std::size_t new_sale(std::uint64_t random);
  std::size_t new_print(std::uint64_t random);

  void asked(std::size_t which);
  // Notes an answer, and a complaint when it is not the one that was given before.
  void answered(std::size_t which, std::string_view result);
  void refused(std::size_t which, std::string_view error);
  void give_up(std::size_t which);
  void killed(const std::string& what);

  const operation& at(std::size_t which) const { return *operations_[which]; }
  std::size_t size() const { return operations_.size(); }
  const std::vector<std::string>& complaints() const { return complaints_; }
  std::size_t repeats() const { return repeats_; }
  std::size_t answers() const { return answers_; }
  // Writes the lines to the disk that are still in memory.
  void flush() { std::fflush(file_.get()); }

 private:
  struct close_file {
    void operator()(std::FILE* f) const { std::fclose(f); }
  };
  std::size_t keep(operation o);

  std::unique_ptr<std::FILE, close_file> file_;
  std::vector<std::unique_ptr<operation>> operations_;
  std::vector<std::string> complaints_;
  std::uint64_t events_ = 0;
  std::size_t repeats_ = 0, answers_ = 0;
};

}  // namespace tilld::crash
