// A small journal for the tests of exports, the same on every machine.
#pragma once

#include <cstdio>
#include <string>
#include <vector>

#include "base/checkpoint.hpp"
#include "wire/export_format.hpp"

namespace tilld::wire {

inline std::vector<base::record> sample_records(std::size_t count) {
  std::vector<base::record> all;
  base::hash256 previous{};
  for (std::size_t i = 0; i < count; ++i) {
    base::record r;
    r.body = R"({"total":{"minor":)" + std::to_string(1250 + i) + R"(,"currency":"EUR"}})";
    base::record_header h;
    h.sequence = i + 1;
    h.id = *base::uuid::parse("018bcfe5-6800-7abc-8123-456789abcdef");
    h.happened = {1'700'000'000'000 + static_cast<std::int64_t>(i) * 1000,
                  1000 * (i + 1),
                  {},
                  base::clock_trust::synchronised};
    h.till = "till-1";
    h.kind = "sale";
    h.body_size = static_cast<std::uint32_t>(r.body.size());
    r.header = base::encode(h);
    r.hash = base::record_hash(previous, r.header, base::as_bytes(r.body));
    previous = r.hash;
    all.push_back(std::move(r));
  }
  return all;
}

inline const base::signing_key& sample_key() {
  static base::signing_key key(std::array<std::uint8_t, 32>{7});
  return key;
}

// The till's word on a record.
inline export_statement sample_statement(const base::chain_head& head) {
  auto signed_head = base::make_checkpoint(sample_key(), "till-1", head, "count");
  return {export_statement::signer::till, signed_head.by, head, 0, {}, signed_head.signature};
}

inline std::string sample_export(std::size_t count) {
  auto records = sample_records(count);
  auto octets = encode(export_head{"till-1", {}});
  for (auto& r : records) octets += encode(r);
  auto last = count ? records.back().hash : base::hash256{};
  return octets + encode(sample_statement({1, count, last})) + encode(export_end{count, last});
}

// "0016  74 69 6c 6c ...", sixteen octets a line, as the pages on formats show them.
inline std::vector<std::string> hex_lines(std::string_view octets) {
  std::vector<std::string> lines;
  for (std::size_t at = 0; at < octets.size(); at += 16) {
    char piece[32];
    std::snprintf(piece, sizeof piece, "%04zu ", at);
    std::string line = piece;
    for (auto c : octets.substr(at, 16)) {
      std::snprintf(piece, sizeof piece, " %02x", static_cast<unsigned char>(c));
      line += piece;
    }
    lines.push_back(line);
  }
  return lines;
}

}  // namespace tilld::wire
