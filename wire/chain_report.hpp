// Follows a chain wherever it comes from (an export, a copy of the database) and says how far it holds, in
// the words of journal.verify.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include <boost/json/object.hpp>

#include "base/record.hpp"
#include "wire/export_format.hpp"

namespace tilld::wire {

class chain_report {
 public:
  explicit chain_report(std::string till, base::chain_head before = {})
      : till_(std::move(till)), from_(before.sequence + 1), follower_(till_, before) {}

  // False when the chain is broken here; later records are not looked at.
  bool take(const base::record& next);
  // What somebody signed about this chain: it must be genuine, and the chain must reach it where the writer
  // of the file signed it. One about a record that was taken is compared with it.
  void hear(const export_statement& said);
  // For damage beside the chain: the file ends early.
  void break_off(std::string why);

  bool whole() const { return why_.empty(); }
  std::uint64_t records() const { return records_; }
  const base::chain_head& head() const { return follower_.head(); }

  // {"till","from","whole","verified","hash","kinds"}, and where it is broken "broken_at" and "why" instead
  // of the last two.
  boost::json::object json() const;

 private:
  std::string till_;
  std::uint64_t from_;
  base::chain_follower follower_;
  std::uint64_t records_ = 0;
  std::uint64_t checkpoints_ = 0;
  std::uint64_t statements_ = 0;
  std::map<std::string, std::int64_t> kinds_;
  std::string why_;
};

}  // namespace tilld::wire
