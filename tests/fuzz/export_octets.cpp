// An exported journal that somebody hands in.
#include "tests/fuzz/target.hpp"
#include "wire/chain_report.hpp"
#include "wire/export_format.hpp"

namespace tilld::fuzz {
namespace {

struct heard {
  std::string again;
  std::uint64_t records = 0;
  bool failed = false, ended = false;
  bool operator==(const heard&) const = default;
};

heard listen(const std::vector<std::string_view>& pieces) {
  heard all;
  wire::export_reader in;
  std::optional<wire::chain_report> report;
  for (auto piece : pieces) {
    in.feed(piece);
    for (;;) {
      auto part = in.next();
      if (!part) {
        all.failed = true;
        return all;
      }
      if (!*part) break;
      switch (**part) {
        case wire::export_reader::part::head:
          all.again += wire::encode(in.head());
          report.emplace(in.head().till, in.head().before);
          break;
        case wire::export_reader::part::record:
          all.again += wire::encode(in.record());
          ++all.records;
          report->take(in.record());
          break;
        case wire::export_reader::part::statement:
          all.again += wire::encode(in.statement());
          report->hear(in.statement());
          break;
        case wire::export_reader::part::end: all.again += wire::encode(in.end()); break;
      }
    }
  }
  all.ended = in.at_end();
  if (report) demand(report->records() <= all.records && !report->json().empty(), "no record is made up");
  return all;
}

// Pieces change nothing, and what was read is, written again, the same octets.
void eat(std::string_view octets) {
  auto whole = listen({octets});
  demand(whole == listen(in_pieces(octets)), "pieces do not change what is read");
  demand(octets.starts_with(whole.again), "what is written is what was read");
}

const target export_octets{"export_octets", eat};

}  // namespace
}  // namespace tilld::fuzz
