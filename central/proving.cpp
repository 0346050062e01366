#include "central/proving.hpp"

#include <boost/json/serialize.hpp>

#include "central/server.hpp"

namespace tilld::central {

namespace json = boost::json;
using base::errc;
using base::error;

namespace {

// Of one answer: some milliseconds of work, and a frame of 32 KiB.
constexpr std::size_t hashes_max = 500;
constexpr std::size_t hashed_octets_max = 2 << 20;

base::result<std::string> hashes_from(server& s, const std::string& till, std::uint64_t from) {
  auto& storage = s.intake().storage();
  base::hash256 previous{};
  if (from > 1) {
    auto before = storage.record_hashes(till, from - 1, 1);
    if (!before) return before.error();
    if (before->empty())
      return error{errc::record_gap, "record " + std::to_string(from - 1) + " is not held here"};
    previous = before->front();
  }
  auto found = storage.records(till, from, hashes_max, hashed_octets_max);
  if (!found) return found.error();
  std::string hashes;
  std::uint64_t due = from;
  for (auto& e : *found) {
    if (e.till_sequence != due++) break;
    // From the octets and not from the column: a record that was changed here has another hash here.
    previous = base::record_hash(previous, e.record.header, base::as_bytes(e.record.body));
    hashes += base::to_hex(previous);
  }
  return json::serialize(json::object{{"from", from}, {"hashes", hashes}});
}

std::string statement(server& s, const std::string& till) {
  auto a = s.statement_on(till);
  return json::serialize(
      json::object{{"role", name(s.configuration().role)},
                   {"public_key", base::to_hex(s.key().public_half())},
                   {"epoch", a.head.epoch},
                   {"sequence", a.head.sequence},
                   {"hash", base::to_hex(a.head.hash)},
                   {"central_sequence", a.central_sequence},
                   {"central_hash", base::to_hex(a.central_hash)},
                   {"signature", base::to_hex(a.signature)},
                   {"stopped", s.intake().machine().standing_of(till).stopped.has_value()}});
}

}  // namespace

void add_proving_calls(server& s) {
  s.calls().add("prove.statement", [&s](const caller& who, const json::object&, call_table::answer then) {
    then(statement(s, who.till));
  });
  s.calls().add("prove.hashes", [&s](const caller& who, const json::object& params, call_table::answer then) {
    auto* from = params.if_contains("from");
    boost::system::error_code problem;
    auto number = from ? from->to_number<std::uint64_t>(problem) : 0;
    if (problem || number == 0 || number > (1ull << 62))
      return then(error{errc::invalid_params, "from must be a number from 1 on"});
    then(hashes_from(s, who.till, number));
  });
}

}  // namespace tilld::central
