#include "daemon/store/row_walk.hpp"

namespace tilld::daemon {

using base::result;

namespace {

constexpr std::size_t octets_in_a_slice = 1 << 20;

using row = row_walk::row;

// A table with a check: what is read of it, the columns of its key, and what a row must look like.
struct walked_table {
  std::string_view name, columns, key;
  int keys;
  row (*look)(const base::statement&);
};

row judged(std::uint64_t trace, const base::statement& s, int check_column, const check_octets& should_be,
           const std::string& name) {
  row r;
  auto stands_there = s.array<8>(check_column);
  r.trace = {trace, stands_there};
  r.whole = s.blob(check_column).size() == 8 && stands_there == should_be;
  if (!r.whole) r.name = name;
  return r;
}

// What a key names goes into logs and status, so an operation is named by its id and not by a caller's words.
row look_at_operation(const base::statement& s) {
  operation_row o;
  o.key = {s.text(0), s.text(1), s.text(2)};
  o.id.octets = s.array<16>(3);
  o.content_mac = s.array<32>(4);
  o.state = static_cast<operation_state>(s.integer(5));
  o.kind = static_cast<answer_kind>(s.integer(6));
  o.device = s.text(8);
  o.sequence = static_cast<std::uint64_t>(s.integer(9));
  o.changed_ms = s.integer(10);
  return judged(trace_of(o.key), s, 11, check_of(o, s.blob(7)), "operation " + o.id.text());
}

row look_at_destination(const base::statement& s) {
  auto name = s.text(0);
  return judged(trace_of(checked_table::destination, {name}), s, 3,
                check_of_cursor(name, s.blob(1), s.integer(2)), "cursor of destination " + name);
}

row look_at_state(const base::statement& s) {
  auto instance = s.text(0), key = s.text(1);
  return judged(trace_of(checked_table::plugin_state, {instance, key}), s, 3,
                check_of_state(instance, key, s.blob(2)), "state " + key + " of plugin " + instance);
}

row look_at_token(const base::statement& s) {
  token_row t{s.text(0), s.text(1), s.text(2), s.array<32>(3), s.integer(4), s.text(5)};
  return judged(trace_of(checked_table::token, {t.id}), s, 6, check_of(t), "token " + t.id);
}

row look_at_fact(const base::statement& s) {
  auto name = s.text(0);
  return judged(trace_of(checked_table::fact, {name}), s, 2, check_of_fact(name, s.blob(1)), "fact " + name);
}

constexpr walked_table walked_tables[] = {
    {"operation",
     "principal, method, key, id, content_mac, state, answer_kind, answer, device, sequence, changed_ms, "
     "row_check",
     "principal, method, key", 3, look_at_operation},
    {"destination", "name, witness, sequence, row_check", "name", 1, look_at_destination},
    {"plugin_state", "instance, key, value, row_check", "instance, key", 2, look_at_state},
    {"token", "id, role, note, hash, created_ms, origin, row_check", "id", 1, look_at_token},
    {"fact", "name, value, row_check", "name", 1, look_at_fact},
};

std::string slice_of(const walked_table& t, bool first) {
  std::string keys(t.key), sql = "SELECT " + std::string(t.columns) + " FROM " + std::string(t.name);
  if (!first) {
    std::string places = "?";
    for (int i = 1; i < t.keys; ++i) places += ",?";
    sql += " WHERE (" + keys + ") > (" + places + ")";
  }
  return sql + " ORDER BY " + keys + " LIMIT ";
}

}  // namespace

journal_walk::journal_walk(std::string till, base::chain_head from) : till_(std::move(till)), at_(from) {}

result<bool> journal_walk::next(base::database& db, int count_max, std::uint64_t up_to,
                                std::vector<damage>& found) {
  auto read = db.prepare(
      "SELECT header, body, hash, sequence FROM journal WHERE sequence > ? AND sequence <= ? ORDER BY "
      "sequence "
      "LIMIT ?");
  if (!read) return read.error();
  read->bind(at_.sequence, up_to, count_max);
  std::size_t octets = 0;
  int looked = 0;
  bool ended = false;
  while (octets < octets_in_a_slice && looked < count_max) {
    auto stepped = read->step();
    if (!stepped) return stepped.error();
    if (!*stepped) {
      ended = true;
      break;
    }
    base::record r;
    r.header = read->array<base::record_header_size>(0);
    r.body = std::string(base::as_text(read->blob(1)));
    r.hash = read->array<32>(2);
    octets += r.wire_size();
    ++looked;
    ++looked_at_;
    take(static_cast<std::uint64_t>(read->integer(3)), r, *read, found);
  }
  if (ended && at_.sequence < up_to) {
    found.push_back({"record " + std::to_string(at_.sequence + 1), "is missing", at_.sequence + 1});
    at_.sequence = up_to;
  }
  return at_.sequence < up_to;
}

void journal_walk::take(std::uint64_t sequence, const base::record& r, const base::statement& row,
                        std::vector<damage>& found) {
  auto bad = [&](std::uint64_t which, const std::string& why) {
    found.push_back({"record " + std::to_string(which), why, which});
  };
  auto header = r.decoded();
  auto epoch = header ? std::max(header->epoch, at_.epoch) : at_.epoch;
  if (sequence > at_.sequence + 1) {
    bad(at_.sequence + 1, "is missing");
  } else {
    base::chain_follower follower(till_, at_);
    auto taken = follower.take(r);
    bool sizes = row.blob(0).size() == base::record_header_size && row.blob(2).size() == r.hash.size();
    if (!taken)
      bad(sequence, taken.error().detail);
    else if (!sizes)
      bad(sequence, "its header or its hash has another size");
  }
  at_ = {epoch, sequence, r.hash};
}

result<std::vector<row>> row_walk::next(base::database& db, int count_max) {
  std::vector<row> seen;
  constexpr int tables = static_cast<int>(std::size(walked_tables));
  while (table_ < tables) {
    auto& t = walked_tables[table_];
    auto left = count_max - static_cast<int>(seen.size());
    auto s = db.prepare(slice_of(t, first_) + std::to_string(left));
    if (!s) return s.error();
    if (!first_) {
      if (t.keys == 3)
        s->bind(after_[0], after_[1], after_[2]);
      else if (t.keys == 2)
        s->bind(after_[0], after_[1]);
      else
        s->bind(after_[0]);
    }
    for (;;) {
      auto stepped = s->step();
      if (!stepped) return stepped.error();
      if (!*stepped) break;
      seen.push_back(t.look(*s));
      for (int i = 0; i < t.keys; ++i) after_[static_cast<std::size_t>(i)] = s->text(i);
      first_ = false;
    }
    if (static_cast<int>(seen.size()) >= count_max) return seen;
    ++table_;
    first_ = true;
  }
  return seen;
}

}  // namespace tilld::daemon
