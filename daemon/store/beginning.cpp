// Where the journal begins: at its first record, behind the last one of the till that it replaces, or behind
// what was moved into files. The rest of `rows` is in rows.cpp.
#include <algorithm>

#include "base/step.hpp"
#include "daemon/store/rows.hpp"

namespace tilld::daemon {

using base::errc;
using base::error;
using base::result;

namespace {

constexpr const char* beginning_fact = "beginning";

result<journal_beginning> read_beginning(base::byte_view fact) {
  journal_beginning b;
  base::byte_reader r(fact);
  b.at.epoch = r.u32();
  b.at.sequence = r.u64();
  b.at.hash = r.array<32>();
  for (auto count = r.u16(); count > 0 && !r.failed(); --count) {
    money_total t;
    t.currency = r.text();
    t.minor = static_cast<std::int64_t>(r.u64());
    t.count = static_cast<std::int64_t>(r.u64());
    b.totals.push_back(std::move(t));
  }
  if (r.failed() || !r.at_end())
    return error{errc::journal_damaged, "the fact that says where the journal begins is damaged"};
  return b;
}

}  // namespace

result<journal_beginning> beginning_in(base::database& db) {
  auto fact = db.prepare("SELECT value FROM fact WHERE name = ?");
  if (!fact) return fact.error();
  fact->bind(beginning_fact);
  auto row = fact->step();
  if (!row) return row.error();
  if (!*row) return journal_beginning();
  return read_beginning(fact->blob(0));
}

result<> rows::load_beginning() {
  auto fact = find_fact(beginning_fact);
  if (!fact) return fact.error();
  if (!*fact) return {};
  auto beginning = read_beginning(**fact);
  if (!beginning) return beginning.error();
  end_.beginning = beginning->at;
  end_.totals_before = std::move(beginning->totals);
  return {};
}

result<> rows::put_beginning() {
  base::byte_string fact;
  base::byte_writer w(fact);
  w.u32(end_.beginning.epoch);
  w.u64(end_.beginning.sequence);
  w.bytes(end_.beginning.hash);
  w.u16(static_cast<std::uint16_t>(end_.totals_before.size()));
  for (auto& t : end_.totals_before) {
    w.text(t.currency);
    w.u64(static_cast<std::uint64_t>(t.minor));
    w.u64(static_cast<std::uint64_t>(t.count));
  }
  return put_fact(beginning_fact, fact);
}

result<> rows::begin_behind(const base::chain_head& head) {
  if (end_.head.sequence != 0) return error{errc::internal, "the journal has begun already"};
  end_.head = end_.beginning = head;
  return put_beginning();
}

result<> rows::remove_up_to(const base::chain_head& last) {
  auto found = read(last.sequence, 1, 1);
  if (!found) return found.error();
  auto header = found->empty() ? error{errc::record_gap, "it is not there"} : found->front().decoded();
  if (!header || header->sequence != last.sequence || found->front().hash != last.hash ||
      last.sequence >= end_.head.sequence)
    return error{errc::record_gap, "record " + std::to_string(last.sequence) +
                                       " is not one behind which the journal can begin"};
  auto totals = totals_at(last.sequence);
  if (!totals) return totals.error();
  auto gone = db_.prepare("DELETE FROM journal WHERE sequence <= ?");
  if (!gone) return gone.error();
  gone->bind(last.sequence);
  if (auto done = gone->run(); !done) return done.error();
  end_.beginning = last;
  end_.totals_before = std::move(*totals);
  if (auto put = put_beginning(); !put) return put.error();
  base::reach(base::step::segment_removed);
  return {};
}

}  // namespace tilld::daemon
