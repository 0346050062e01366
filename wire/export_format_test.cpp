#include "wire/export_format.hpp"

#include <gtest/gtest.h>

#include "base/file.hpp"
#include "wire/chain_report.hpp"
#include "wire/export_samples.hpp"
#include "wire/sync.hpp"

namespace tilld::wire {
namespace {

using base::errc;
using part = export_reader::part;

// Reads a whole export in pieces of this size and follows its chain: "" when it is whole, else what is wrong.
std::string verdict(const std::string& octets, std::size_t piece = 1 << 20) {
  export_reader reader;
  std::optional<chain_report> report;
  for (std::size_t at = 0; at < octets.size(); at += piece) {
    reader.feed(std::string_view(octets).substr(at, piece));
    for (;;) {
      auto next = reader.next();
      if (!next) {
        EXPECT_EQ(next.error().code, errc::export_damaged);
        return next.error().detail;
      }
      if (!*next) break;
      if (**next == part::head) report.emplace(reader.head().till, reader.head().before);
      if (**next == part::record && !report->take(reader.record()))
        return std::string(report->json().at("why").as_string());
      if (**next == part::statement) {
        report->hear(reader.statement());
        if (!report->whole()) return std::string(report->json().at("why").as_string());
      }
      if (**next == part::end &&
          (reader.end().records != report->records() || reader.end().last != report->head().hash))
        return "another end";
    }
  }
  return reader.at_end() ? "" : "no end";
}

TEST(export_format, is_read_back_as_it_was_written_in_pieces_of_any_size) {
  auto octets = sample_export(5);
  for (std::size_t piece = 1; piece < 400; ++piece) EXPECT_EQ(verdict(octets, piece), "") << piece;
  EXPECT_EQ(verdict(octets), "");
}

TEST(export_format, begins_in_the_middle_of_a_journal) {
  auto records = sample_records(6);
  export_head head{"till-1", {1, 3, records[2].hash}};
  auto octets = encode(head);
  for (std::size_t i = 3; i < 6; ++i) octets += encode(records[i]);
  octets += encode(export_end{3, records[5].hash});
  EXPECT_EQ(verdict(octets), "");
}

TEST(export_format, can_be_without_records) { EXPECT_EQ(verdict(sample_export(0)), ""); }

TEST(export_format, shows_a_change_of_any_single_octet) {
  auto octets = sample_export(2);
  for (std::size_t at = 0; at < octets.size(); ++at)
    for (int bit : {0, 7}) {
      auto changed = octets;
      changed[at] = static_cast<char>(changed[at] ^ (1 << bit));
      EXPECT_NE(verdict(changed), "") << "octet " << at << " bit " << bit;
    }
}

TEST(export_format, shows_a_cut_at_any_octet) {
  auto octets = sample_export(3);
  for (std::size_t size = 0; size < octets.size(); ++size)
    EXPECT_NE(verdict(octets.substr(0, size)), "") << size;
}

TEST(export_format, takes_nothing_behind_its_end) {
  EXPECT_NE(verdict(sample_export(1) + "x"), "");
  EXPECT_NE(verdict(sample_export(1) + sample_export(1)), "");
}

TEST(export_format, shows_records_that_were_taken_out_put_in_or_swapped) {
  auto records = sample_records(4);
  auto with = [&](std::vector<std::size_t> order) {
    auto octets = encode(export_head{"till-1", {}});
    for (auto i : order) octets += encode(records[i]);
    return verdict(octets + encode(export_end{order.size(), records[order.back()].hash}));
  };
  EXPECT_EQ(with({0, 1, 2, 3}), "");
  EXPECT_NE(with({0, 2, 3}), "");
  EXPECT_NE(with({1, 2, 3}), "");
  EXPECT_NE(with({0, 1, 1, 2, 3}), "");
  EXPECT_NE(with({0, 2, 1, 3}), "");
}

TEST(export_format, shows_an_end_that_counts_otherwise) {
  auto records = sample_records(2);
  auto begin = encode(export_head{"till-1", {}}) + encode(records[0]) + encode(records[1]);
  EXPECT_EQ(verdict(begin + encode(export_end{2, records[1].hash})), "");
  EXPECT_EQ(verdict(begin + encode(export_end{1, records[1].hash})), "another end");
  EXPECT_EQ(verdict(begin + encode(export_end{2, records[0].hash})), "another end");
}

TEST(export_format, carries_what_servers_signed) {
  base::signing_key server(std::array<std::uint8_t, 32>{9});
  auto records = sample_records(3);
  auto with = [&](const base::chain_head& head, bool good = true) {
    sync::acknowledgement a{head, 77, base::hash256{5}, {}};
    a.signature = server.sign(a.signed_text("till-1"));
    if (!good) a.signature[0] ^= 1;
    export_statement said{export_statement::signer::server,
                          server.public_half(),
                          head,
                          a.central_sequence,
                          a.central_hash,
                          a.signature};
    auto octets = encode(export_head{"till-1", {}});
    for (auto& r : records) octets += encode(r);
    octets += encode(sample_statement({1, 3, records[2].hash})) + encode(said);
    return verdict(octets + encode(export_end{3, records[2].hash}));
  };
  EXPECT_EQ(with({1, 3, records[2].hash}), "");
  EXPECT_EQ(with({1, 2, records[1].hash}), "");
  EXPECT_NE(with({1, 3, records[2].hash}, false).find("not signed"), std::string::npos);
  EXPECT_NE(with({1, 3, records[1].hash}).find("another record 3"), std::string::npos);
  EXPECT_NE(with({1, 4, records[1].hash}).find("signed up to record 4"), std::string::npos);
}

TEST(export_format, shows_a_checkpoint_that_the_till_did_not_sign) {
  auto with = [&](const std::string& body) {
    auto records = sample_records(2);
    base::record_header h = *records[1].decoded();
    h.sequence = 3;
    h.kind = "checkpoint";
    h.body_size = static_cast<std::uint32_t>(body.size());
    auto header = base::encode(h);
    base::record r{header, base::record_hash(records[1].hash, header, base::as_bytes(body)), body};
    return verdict(encode(export_head{"till-1", {}}) + encode(records[0]) + encode(records[1]) + encode(r) +
                   encode(export_end{3, r.hash}));
  };
  auto good = base::make_checkpoint(sample_key(), "till-1", {1, 2, sample_records(2)[1].hash}, "count");
  EXPECT_EQ(with(good.body()), "");
  auto bad = good;
  bad.signature[5] ^= 1;
  EXPECT_NE(with(bad.body()), "");
  bad = base::make_checkpoint(sample_key(), "till-1", {1, 1, sample_records(2)[0].hash}, "count");
  EXPECT_NE(with(bad.body()), "");
  EXPECT_NE(with("{}"), "");
}

TEST(export_format, refuses_a_head_that_no_writer_makes) {
  auto good = sample_export(1);
  auto with = [&](std::size_t at, std::string_view octets) {
    auto changed = good;
    changed.replace(at, octets.size(), octets);
    return verdict(changed);
  };
  EXPECT_NE(with(0, "tilld.export.1\n").find("no export"), std::string::npos);
  EXPECT_NE(with(15, "\x01").find("another format"), std::string::npos);
  EXPECT_NE(with(16, "TILL-1").find("name of the till"), std::string::npos);
  EXPECT_NE(with(47, "x").find("name of the till"), std::string::npos);
  EXPECT_NE(with(51, std::string_view("\0", 1)).find("epoch"), std::string::npos);
  EXPECT_NE(with(52, "\x01").find("reserved"), std::string::npos);
  EXPECT_NE(with(95, "\x01").find("chains to zeros"), std::string::npos);
}

TEST(export_format, stands_with_its_octets_on_its_page) {
  auto page = base::read_file(TILLD_SOURCE_DIR "/docs/export-format.md");
  ASSERT_TRUE(page) << page.error().detail;
  std::string text(base::as_text(*page));
  for (auto& line : hex_lines(sample_export(1)))
    EXPECT_NE(text.find("\n" + line), std::string::npos) << "docs/export-format.md lacks: " << line;
}

}  // namespace
}  // namespace tilld::wire
