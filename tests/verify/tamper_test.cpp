// What tilld-verify finds in files that were tampered with, each with the number of the record.
#include <gtest/gtest.h>

#include "base/checkpoint.hpp"
#include "base/file.hpp"
#include "tests/support/scratch.hpp"
#include "tests/verify/verify_run.hpp"

namespace tilld::tests {
namespace {

using wire::export_statement;

class tampered : public testing::Test {
 protected:
  // Twelve records: checkpoints are 5 and 10.
  sample_journal good{12};
  scratch_folder folder;

  std::string write(const std::string& name, const std::string& octets) {
    auto path = folder.file(name);
    EXPECT_TRUE(base::write_file_durably(path, base::as_bytes(octets)));
    return path;
  }
  std::vector<std::string> keys() const {
    std::vector<std::string> all;
    for (auto* k : {&good.till_key(), &good.ledger_key(), &good.witness_key()}) {
      all.push_back("--key");
      all.push_back(base::to_hex(k->public_half()));
    }
    return all;
  }
  verdict judge(std::vector<std::string> files) {
    auto all = keys();
    all.insert(all.end(), files.begin(), files.end());
    return run_verify(all);
  }
  std::string findings(const std::string& octets) { return judge({write("till.tilld", octets)}).findings(); }
  // What a till writes whose ledger has all and whose witness has up to 11.
  std::vector<export_statement> words(const sample_journal& j) const {
    return {j.said_by_till(12), j.said_by_server(j.ledger_key(), 12), j.said_by_server(j.witness_key(), 11)};
  }
  std::string ledger_statement(std::uint64_t at) {
    return write("ledger.tilld",
                 export_of({}, good.head_at(at), {good.said_by_server(good.ledger_key(), at)}));
  }
};

TEST_F(tampered, not_at_all) {
  auto till = write("till.tilld", export_of(good, 1, 12, words(good)));
  auto ledger = write("l.tilld", export_of(good, 1, 12, {good.said_by_server(good.ledger_key(), 12)}));
  auto witness = write("w.tilld", export_of(good, 1, 11, {good.said_by_server(good.witness_key(), 11)}));
  auto v = judge({till, ledger, witness});
  EXPECT_EQ(v.findings(), "");
  EXPECT_EQ(v.code, 0);
  EXPECT_EQ(v.json.at("agreed").to_number<int>(), 11);
  EXPECT_EQ(v.json.at("parties").as_array().size(), 3u);
  EXPECT_EQ(v.json.at("files").as_array()[0].at("checkpoints").to_number<int>(), 2);
}

TEST_F(tampered, a_changed_body) {
  auto j = good;
  j.records[6].body[20] ^= 1;
  auto v = judge({write("till.tilld", export_of(j, 1, 12, words(good)))});
  EXPECT_EQ(v.findings(), "record_changed 7");
  EXPECT_EQ(v.code, 1);
}

TEST_F(tampered, a_changed_header) {
  auto j = good;
  j.records[6].header[39] ^= 1;  // when it happened
  EXPECT_EQ(findings(export_of(j, 1, 12, words(good))), "record_changed 7");
}

TEST_F(tampered, swapped_records) {
  auto j = good;
  std::swap(j.records[2], j.records[3]);
  EXPECT_EQ(findings(export_of(j, 1, 12, words(good))), "record_moved 3");
}

TEST_F(tampered, a_removed_record) {
  auto some = good.records;
  some.erase(some.begin() + 7);
  EXPECT_EQ(findings(export_of(some, {}, words(good))), "record_missing 8");
}

TEST_F(tampered, a_record_that_stands_twice) {
  auto some = good.records;
  some.insert(some.begin() + 3, some[2]);
  EXPECT_EQ(findings(export_of(some, {}, words(good))), "record_moved 4");
}

TEST_F(tampered, a_file_that_was_simply_cut) {
  auto octets = export_of(good, 1, 12, words(good));
  auto to_the_fourth = export_of(good, 1, 4, {}).size() - wire::export_end_size;
  EXPECT_EQ(findings(octets.substr(0, to_the_fourth + 30)), "file_damaged 5, word_missing 5");
}

TEST_F(tampered, a_tail_that_was_cut_and_the_end_written_anew) {
  // The servers' words are left where they were: they name what is missing.
  EXPECT_EQ(
      findings(export_of(good, 1, 8, {good.said_by_till(12), good.said_by_server(good.ledger_key(), 12)})),
      "tail_cut 9, tail_cut 9");
}

TEST_F(tampered, a_tail_that_was_cut_with_all_words) {
  auto cut = write("till.tilld", export_of(good, 1, 8, {}));
  EXPECT_EQ(judge({cut}).findings(), "word_missing 9");
  // With the ledger's own word there is no doubt left.
  auto ledger = write("l.tilld", export_of(good, 1, 12, {good.said_by_server(good.ledger_key(), 12)}));
  auto till = write("till.tilld", export_of(good, 1, 8, {good.said_by_till(8)}));
  EXPECT_EQ(judge({till, ledger}).findings(), "tail_cut 9");
}

TEST_F(tampered, a_file_that_was_rolled_back) {
  // Yesterday's export, whole and signed: nothing in it is wrong, and the ledger has signed for more since.
  auto old = write("till.tilld",
                   export_of(good, 1, 8, {good.said_by_till(8), good.said_by_server(good.ledger_key(), 8)}));
  EXPECT_EQ(judge({old}).findings(), "");
  EXPECT_EQ(judge({old, ledger_statement(12)}).findings(), "tail_cut 9");
}

TEST_F(tampered, a_chain_that_was_computed_anew) {
  // Whoever has the files and not the till's key: the next checkpoint gives it away.
  auto j = good;
  j.rewrite_from(3, R"({"total":{"minor":1,"currency":"EUR"}})");
  EXPECT_EQ(findings(export_of(j, 1, 12, words(j))), "checkpoint_wrong 5");
  // Behind the last checkpoint, what the ledger signed does.
  j = good;
  j.rewrite_from(11, R"({"total":{"minor":1,"currency":"EUR"}})");
  EXPECT_EQ(findings(export_of(j, 1, 12, {j.said_by_till(12), good.said_by_server(good.ledger_key(), 12)})),
            "not_what_was_signed 12");
}

TEST_F(tampered, a_changed_checkpoint) {
  auto j = good;
  auto point = *base::checkpoint::parse(j.records[4].body);
  point.signature[3] ^= 1;
  j.rewrite_from(5, point.body());
  EXPECT_EQ(findings(export_of(j, 1, 12, words(j))), "checkpoint_wrong 5");
  j = good;
  j.rewrite_from(5, base::make_checkpoint(j.till_key(), "till-1", j.head_at(3), "count").body());
  EXPECT_EQ(findings(export_of(j, 1, 12, words(j))), "checkpoint_wrong 5");
}

TEST_F(tampered, a_journal_that_another_key_signed) {
  sample_journal foreign(12, 77);
  EXPECT_EQ(findings(export_of(foreign, 1, 12, {foreign.said_by_till(12)})), "foreign_key 1, foreign_key 12");
}

TEST_F(tampered, one_checkpoint_that_another_key_signed) {
  auto j = good;
  base::signing_key other(std::array<std::uint8_t, 32>{77});
  j.rewrite_from(10, base::make_checkpoint(other, "till-1", j.head_at(9), "count").body());
  EXPECT_EQ(findings(export_of(j, 1, 12, words(j))), "foreign_key 10");
}

TEST_F(tampered, a_servers_word_that_another_key_signed) {
  base::signing_key other(std::array<std::uint8_t, 32>{77});
  EXPECT_EQ(findings(export_of(good, 1, 12, {good.said_by_till(12), good.said_by_server(other, 11)})),
            "foreign_key 11");
}

TEST_F(tampered, a_servers_word_that_was_changed) {
  auto said = good.said_by_server(good.ledger_key(), 11);
  ++said.central_sequence;
  EXPECT_EQ(findings(export_of(good, 1, 12, {good.said_by_till(12), said})), "signature_wrong 11");
}

TEST_F(tampered, a_word_that_was_given_on_another_till) {
  auto said = good.said_by_server(good.ledger_key(), 12);
  wire::sync::acknowledgement a{said.head, said.central_sequence, said.central_hash, {}};
  said.signature = good.ledger_key().sign(a.signed_text("till-2"));
  EXPECT_EQ(findings(export_of(good, 1, 12, {good.said_by_till(12), said})), "signature_wrong 12");
}

TEST_F(tampered, a_server_that_has_other_records) {
  auto till = write("till.tilld", export_of(good, 1, 12, {good.said_by_till(12)}));
  auto other = good;
  other.rewrite_from(11, R"({"total":{"minor":1,"currency":"EUR"}})");
  auto witness = write("w.tilld", export_of(other, 1, 12, {other.said_by_server(good.witness_key(), 12)}));
  EXPECT_EQ(judge({till, witness}).findings(),
            "files_differ 11, not_what_was_signed 12, not_what_was_signed 12");
}

TEST_F(tampered, a_server_that_lost_what_it_had_signed) {
  auto till = write("till.tilld", export_of(good, 1, 12, words(good)));
  auto ledger = write("l.tilld", export_of(good, 1, 9, {good.said_by_server(good.ledger_key(), 9)}));
  EXPECT_EQ(judge({till, ledger}).findings(), "tail_cut 10");
}

TEST_F(tampered, segments_of_which_one_is_missing) {
  auto first = write("1.tilld", export_of(good, 1, 4, {good.said_by_till(4)}));
  auto second = write("2.tilld", export_of(good, 5, 8, {good.said_by_till(8)}));
  auto third = write("3.tilld", export_of(good, 9, 12, {good.said_by_till(12)}));
  EXPECT_EQ(judge({first, second, third}).findings(), "");
  EXPECT_EQ(judge({third, first, second}).findings(), "");
  EXPECT_EQ(judge({first, third}).findings(), "record_missing 5");
}

TEST_F(tampered, a_segment_of_another_history) {
  auto other = good;
  other.rewrite_from(4, R"({"total":{"minor":1,"currency":"EUR"}})");
  auto first = write("1.tilld", export_of(other, 1, 4, {other.said_by_till(4)}));
  auto second = write("2.tilld", export_of(good, 5, 12, {good.said_by_till(12)}));
  EXPECT_EQ(judge({first, second}).findings(), "files_differ 4, not_what_was_signed 4");
}

TEST_F(tampered, files_of_two_tills) {
  auto octets = export_of({}, {}, {});
  octets.replace(16, 6, "till-9");
  auto till = write("till.tilld", export_of(good, 1, 12, words(good)));
  EXPECT_EQ(judge({till, write("other.tilld", octets)}).findings(), "other_till 0, word_missing 1");
}

TEST_F(tampered, any_octet_is_noticed) {
  auto octets = export_of(good, 1, 6, {good.said_by_till(6), good.said_by_server(good.ledger_key(), 6)});
  // A prime step touches each kind of field; all octets would be a thousand runs of a program.
  for (std::size_t at = 0; at < octets.size(); at += 37) {
    auto changed = octets;
    changed[at] = static_cast<char>(changed[at] ^ 1);
    auto v = judge({write("till.tilld", changed)});
    EXPECT_EQ(v.code, 1) << "octet " << at;
  }
}

TEST_F(tampered, nothing_that_can_be_looked_at) {
  EXPECT_EQ(run_verify({folder.file("none")}).code, 3);
  EXPECT_EQ(run_verify({write("empty", "")}).code, 3);
  EXPECT_EQ(run_verify({}).code, 2);
  EXPECT_EQ(run_verify({"--key", "abc", "x"}).code, 2);
  EXPECT_EQ(run_verify({"--kee"}).code, 2);
  auto v = run_verify({write("text",
                             "this is not an export, but it is longer than a head is, since that has "
                             "ninety-six octets and no more")});
  EXPECT_EQ(v.code, 1);
  EXPECT_EQ(v.findings().substr(0, 12), "file_damaged");
}

}  // namespace
}  // namespace tilld::tests
