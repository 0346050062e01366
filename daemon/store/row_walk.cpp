#include "daemon/store/row_walk.hpp"

#include <limits>

#include <boost/json.hpp>

namespace tilld::daemon {

using base::result;

namespace {

constexpr std::size_t octets_in_a_slice = 256 << 10;

using walked_row = row_walk::row;

// A table with a check: what is read of it, the types that its columns must have (blob, text, integer; p: a
// positive number or NULL), which a flipped bit can change without changing an octet, the columns of its key,
// and what a row must look like.
struct walked_table {
  std::string_view name, columns, types, key;
  int keys;
  walked_row (*look)(const base::statement&, bool has_types);
};

walked_row judged(std::uint64_t trace, const base::statement& s, bool types, int check_column,
                  const check_octets& should_be, const std::string& name) {
  walked_row r;
  auto stands_there = s.array<8>(check_column);
  r.trace = {trace, stands_there};
  r.whole = types && s.blob(check_column).size() == 8 && stands_there == should_be;
  if (!r.whole) r.name = name;
  return r;
}

// What a key names goes into logs and status, so an operation is named by its id and not by a caller's words.
walked_row look_at_operation(const base::statement& s, bool types) {
  operation_row o;
  o.key = {s.text(0), s.text(1), s.text(2)};
  o.id.octets = s.array<16>(3);
  o.content_mac = s.array<32>(4);
  o.state = static_cast<operation_state>(s.integer(5));
  o.kind = static_cast<answer_kind>(s.integer(6));
  o.device = s.text(8);
  o.sequence = static_cast<std::uint64_t>(s.integer(9));
  o.changed_ms = s.integer(10);
  return judged(trace_of(o.key), s, types, 11, check_of(o, s.blob(7)), "operation " + o.id.text());
}

walked_row look_at_destination(const base::statement& s, bool types) {
  auto name = s.text(0);
  return judged(trace_of(checked_table::destination, {name}), s, types, 3,
                check_of_cursor(name, s.blob(1), s.integer(2)), "cursor of destination " + name);
}

walked_row look_at_state(const base::statement& s, bool types) {
  auto instance = s.text(0), key = s.text(1);
  return judged(trace_of(checked_table::plugin_state, {instance, key}), s, types, 3,
                check_of_state(instance, key, s.blob(2)), "state " + key + " of plugin " + instance);
}

walked_row look_at_token(const base::statement& s, bool types) {
  token_row t{s.text(0), s.text(1), s.text(2), s.array<32>(3), s.integer(4), s.text(5)};
  return judged(trace_of(checked_table::token, {t.id}), s, types, 6, check_of(t), "token " + t.id);
}

walked_row look_at_fact(const base::statement& s, bool types) {
  auto name = s.text(0);
  return judged(trace_of(checked_table::fact, {name}), s, types, 2, check_of_fact(name, s.blob(1)),
                "fact " + name);
}

constexpr walked_table walked_tables[] = {
    {"operation",
     "principal, method, key, id, content_mac, state, answer_kind, answer, device, sequence, changed_ms, "
     "row_check",
     "tttbbiibtpib", "principal, method, key", 3, look_at_operation},
    {"destination", "name, witness, sequence, row_check", "tbib", "name", 1, look_at_destination},
    {"plugin_state", "instance, key, value, row_check", "ttbb", "instance, key", 2, look_at_state},
    {"token", "id, role, note, hash, created_ms, origin, row_check", "tttbitb", "id", 1, look_at_token},
    {"fact", "name, value, row_check", "tbb", "name", 1, look_at_fact},
};

bool has_types(const walked_table& t, const base::statement& s) {
  auto found = s.text(static_cast<int>(t.types.size()));
  for (std::size_t i = 0; i < t.types.size(); ++i) {
    bool fits = t.types[i] == 'p' ? found[i] == 'n' || (found[i] == 'i' && s.integer(static_cast<int>(i)) > 0)
                                  : found[i] == t.types[i];
    if (!fits) return false;
  }
  return true;
}

std::string slice_of(const walked_table& t, bool first) {
  std::string keys(t.key), sql = "SELECT " + std::string(t.columns);
  auto glue = ", substr(typeof(";
  for (std::string_view left = t.columns; !left.empty();) {
    auto name = left.substr(0, left.find(','));
    left.remove_prefix(std::min(left.size(), name.size() + 2));
    sql += glue + std::string(name) + "), 1, 1)";
    glue = " || substr(typeof(";
  }
  sql += " FROM " + std::string(t.name);
  if (!first) {
    std::string places = "?";
    for (int i = 1; i < t.keys; ++i) places += ",?";
    sql += " WHERE (" + keys + ") >= (" + places + ")";
  }
  return sql + " ORDER BY " + keys + " LIMIT ";
}

// What a sale says that it was worth; nothing for other records, and for bodies without a total.
std::optional<base::money> total_in_body(const base::record& r) {
  auto header = r.decoded();
  if (!header || header->kind != "sale") return {};
  boost::system::error_code failed;
  auto body = boost::json::parse(r.body, failed);
  auto* around = failed ? nullptr : body.if_object();
  auto* sale = around ? around->if_contains("sale") : nullptr;
  auto* total = sale && sale->is_object() ? sale->get_object().if_contains("total") : nullptr;
  if (!total || !total->is_object()) return {};
  auto* minor = total->get_object().if_contains("minor");
  auto* currency = total->get_object().if_contains("currency");
  if (!minor || !minor->is_int64() || !currency || !currency->is_string()) return {};
  return base::money{minor->get_int64(), std::string(currency->get_string())};
}

}  // namespace

journal_walk::journal_walk(std::string till, const journal_beginning& from)
    : till_(std::move(till)), at_(from.at) {
  for (auto& total : from.totals) sums_[total.currency] = total;
}

void journal_walk::skip_to(const journal_beginning& from) {
  if (at_.sequence >= from.at.sequence) return;
  at_ = from.at;
  link_is_lost_ = false;
  sums_.clear();
  for (auto& total : from.totals) sums_[total.currency] = total;
}

result<bool> journal_walk::next(base::database& db, int count_max, std::uint64_t up_to,
                                std::vector<damage>& found) {
  auto read = db.prepare(
      "SELECT header, body, hash, sequence, currency, amount_minor, total_minor, total_count, "
      "substr(typeof(header), 1, 1) || substr(typeof(body), 1, 1) || substr(typeof(hash), 1, 1) || "
      "substr(typeof(currency), 1, 1) || substr(typeof(amount_minor), 1, 1) || substr(typeof(total_minor), "
      "1, 1) || "
      "substr(typeof(total_count), 1, 1) FROM journal "
      "WHERE sequence > ? AND sequence <= ? ORDER BY sequence LIMIT ?");
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
  } else if (!link_is_lost_) {
    base::chain_follower follower(till_, at_);
    auto taken = follower.take(r);
    bool sizes = row.blob(0).size() == base::record_header_size && row.blob(2).size() == r.hash.size();
    if (!taken)
      bad(sequence, taken.error().detail);
    else if (!sizes)
      bad(sequence, "its header or its hash has another size");
    else if (auto types = row.text(8); types != "bbbtiii" && types != "bbbnnnn")
      bad(sequence, "its columns have other types");
  }
  link_is_lost_ = false;
  at_ = {epoch, sequence, r.hash};
  check_sums(sequence, r, row, found);
}

void journal_walk::step_over(const std::string& why, std::vector<damage>& found) {
  ++at_.sequence;
  link_is_lost_ = true;
  found.push_back({"record " + std::to_string(at_.sequence), "cannot be read: " + why, at_.sequence});
}

// The columns beside a record are in no chain: the amount follows from the body of a sale, and the sums from
// the amounts before.
void journal_walk::check_sums(std::uint64_t sequence, const base::record& r, const base::statement& row,
                              std::vector<damage>& found) {
  auto bad = [&](const char* why) {
    found.push_back({"sums of record " + std::to_string(sequence), why, sequence});
  };
  auto sold = total_in_body(r);
  if (row.is_null(4)) {
    if (sold || !row.is_null(5) || !row.is_null(6) || !row.is_null(7)) bad("they are missing");
    return;
  }
  auto currency = row.text(4);
  auto amount = row.integer(5);
  if (sold && (sold->currency != currency || sold->minor != amount)) bad("they do not follow from its body");
  auto known = sums_.find(currency);
  money_total should_be{currency, amount, 1};
  if (known != sums_.end()) {
    should_be.count = known->second.count + 1;
    if (__builtin_add_overflow(amount, known->second.minor, &should_be.minor))
      should_be.minor =
          amount < 0 ? std::numeric_limits<std::int64_t>::min() : std::numeric_limits<std::int64_t>::max();
  }
  money_total stands_there{currency, row.integer(6), row.integer(7)};
  if (stands_there.minor != should_be.minor || stands_there.count != should_be.count)
    bad("they do not follow from the records before");
  sums_[currency] = stands_there;
}

std::string_view row_walk::table() const {
  return table_ < static_cast<int>(std::size(walked_tables)) ? walked_tables[table_].name : "";
}

void row_walk::next_table() {
  ++table_;
  first_ = true;
  after_ = {};
}

// A slice begins with the last row of the one before, so that what comes next is found from there and not by
// its key: a page that lies where another one belongs is in nobody's way when it is looked for, and would be
// passed over.
result<std::vector<row_walk::row>> row_walk::next(base::database& db, int count_max) {
  std::vector<walked_row> seen;
  constexpr int tables = static_cast<int>(std::size(walked_tables));
  while (table_ < tables) {
    auto& t = walked_tables[table_];
    auto left = count_max - static_cast<int>(seen.size());
    auto s = db.prepare(slice_of(t, first_) + std::to_string(left + (first_ ? 0 : 1)));
    if (!s) return s.error();
    if (!first_) {
      if (t.keys == 3)
        s->bind(after_[0], after_[1], after_[2]);
      else if (t.keys == 2)
        s->bind(after_[0], after_[1]);
      else
        s->bind(after_[0]);
    }
    auto misplaced = [&] {
      walked_row r;
      r.name = "the order of table " + std::string(t.name);
      seen.push_back(std::move(r));
    };
    for (bool overlaps = !first_;; overlaps = false) {
      auto stepped = s->step();
      if (!stepped) return stepped.error();
      if (!*stepped) break;
      std::array<std::string, 3> key;
      for (int i = 0; i < t.keys; ++i) key[static_cast<std::size_t>(i)] = s->text(i);
      if (overlaps ? key != after_ : !first_ && key <= after_) misplaced();
      if (overlaps && key == after_) continue;
      seen.push_back(t.look(*s, has_types(t, *s)));
      after_ = std::move(key);
      first_ = false;
    }
    if (static_cast<int>(seen.size()) >= count_max) return seen;
    next_table();
  }
  return seen;
}

}  // namespace tilld::daemon
