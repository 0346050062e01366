#include "central/store.hpp"

#include <gtest/gtest.h>

#include <cerrno>

#include "base/file.hpp"
#include "central/verification.hpp"
#include "tests/support/fault_vfs.hpp"
#include "tests/support/scratch.hpp"

namespace tilld::central {
namespace {

using base::errc;

// Two tills that wrote into a database as the intake does.
struct filled {
  tests::scratch_folder folder;
  base::signing_key key = base::signing_key::generate();
  base::signing_key till_key = base::signing_key::generate();
  std::string path = folder.file("central.db");
  std::unique_ptr<store> kept;
  own_head own;
  std::map<std::string, base::chain_head> heads;

  explicit filled(const char* vfs = nullptr) {
    store::options how;
    how.vfs = vfs;
    how.ballast_size = 64 << 10;
    auto opened = store::open(path, key.public_half(), how);
    EXPECT_TRUE(opened) << to_string(opened.error());
    kept = std::move(*opened);
  }

  base::result<> add(const std::string& till, const std::string& body) {
    auto& head = heads[till];
    base::record_header h;
    h.sequence = head.sequence + 1;
    h.till = till;
    h.kind = "sale";
    h.body_size = static_cast<std::uint32_t>(body.size());
    base::record r{base::encode(h), {}, body};
    r.hash = base::record_hash(head.hash, r.header, base::as_bytes(body));
    own_head next{own.sequence + 1, entry_hash(own.hash, own.sequence + 1, entry_kind::record, till, r.hash)};
    if (auto done = kept->begin(); !done) return done;
    auto write = [&]() -> base::result<> {
      if (auto done = kept->keep(r, till, h.sequence, next, 1'700'000'000'000); !done) return done;
      standing s;
      s.head = {1, h.sequence, r.hash};
      s.start_counter = 1;
      if (auto done = kept->keep_standing(till, s); !done) return done;
      wire::sync::acknowledgement a{s.head, next.sequence, next.hash, {}};
      a.signature = key.sign(a.signed_text(till));
      if (auto done = kept->keep_acknowledgement(till, a); !done) return done;
      wire::sync::hello hello;
      hello.till = till;
      hello.merchant = "shop";
      hello.head = s.head;
      auto text = wire::sync::proof_text(hello, {}, key.public_half());
      if (auto done = kept->keep_proof(till, text, till_key.sign(text), till_key.public_half()); !done)
        return done;
      if (auto done = kept->keep_own(next); !done) return done;
      return kept->commit();
    };
    if (auto done = write(); !done) {
      kept->rollback();
      return done;
    }
    own = next;
    head = {1, h.sequence, r.hash};
    return {};
  }
  void fill(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      EXPECT_TRUE(add("till-1", R"({"n":)" + std::to_string(i) + "}"));
      EXPECT_TRUE(add("till-2", R"({"n":)" + std::to_string(i) + "}"));
    }
  }

  verification_report verified(std::size_t slice = 7) {
    auto v = verification::begin(*kept, key.public_half());
    EXPECT_TRUE(v);
    for (;;) {
      auto done = v->step(slice);
      EXPECT_TRUE(done);
      if (!done || *done) return v->report();
    }
  }

  // What somebody with the file and an editor does: no trigger, no program of ours in between.
  void tamper(const std::string& sql) {
    kept.reset();
    sqlite3* raw = nullptr;
    ASSERT_EQ(sqlite3_open(path.c_str(), &raw), SQLITE_OK);
    auto all = "DROP TRIGGER entry_is_never_changed; DROP TRIGGER entry_is_never_removed; " + sql;
    char* why = nullptr;
    EXPECT_EQ(sqlite3_exec(raw, all.c_str(), nullptr, nullptr, &why), SQLITE_OK) << (why ? why : "");
    sqlite3_close(raw);
    auto opened = store::open(path, key.public_half(), {});
    ASSERT_TRUE(opened) << to_string(opened.error());
    kept = std::move(*opened);
  }
};

bool names(const verification_report& r, const std::string& what) {
  for (auto& p : r.problems)
    if (p.find(what) != std::string::npos) return true;
  return false;
}

std::string all_of(const verification_report& r) {
  std::string text;
  for (auto& p : r.problems) text += p + "\n";
  return text;
}

TEST(central_store, gives_back_what_it_was_given) {
  filled f;
  f.fill(20);
  auto records = f.kept->records("till-2", 5, 3, 1 << 20);
  ASSERT_TRUE(records);
  ASSERT_EQ(records->size(), 3u);
  EXPECT_EQ((*records)[0].till_sequence, 5u);
  EXPECT_EQ((*records)[0].record.body, R"({"n":4})");
  auto hashes = f.kept->record_hashes("till-1", 19, 10);
  ASSERT_TRUE(hashes);
  ASSERT_EQ(hashes->size(), 2u);
  EXPECT_EQ((*hashes)[1], f.heads["till-1"].hash);
  EXPECT_EQ(*f.kept->own(), f.own);
  EXPECT_EQ(**f.kept->own_hash(40), f.own.hash);
  EXPECT_FALSE(*f.kept->own_hash(41));
  auto standings = f.kept->standings();
  ASSERT_TRUE(standings);
  EXPECT_EQ(standings->at("till-1").head, f.heads["till-1"]);
}

TEST(central_store, verifies_what_nobody_touched) {
  filled f;
  f.fill(50);
  for (std::size_t slice : {1ul, 7ul, 1000ul}) {
    auto r = f.verified(slice);
    EXPECT_TRUE(r.good()) << all_of(r);
    EXPECT_EQ(r.records, 100u);
    EXPECT_EQ(r.signatures, 4u);
    EXPECT_EQ(r.tills.at("till-2").head, f.heads["till-2"]);
    EXPECT_EQ(r.own, f.own);
  }
}

TEST(central_store, verifies_an_empty_database) {
  filled f;
  EXPECT_TRUE(f.verified().good());
}

struct tampering {
  const char* what;
  const char* sql;
  const char* found;
};

class tampered : public testing::TestWithParam<tampering> {};

TEST_P(tampered, database_is_found_at_the_exact_record) {
  filled f;
  f.fill(20);
  f.tamper(GetParam().sql);
  auto r = f.verified();
  EXPECT_FALSE(r.good()) << GetParam().what;
  EXPECT_TRUE(names(r, GetParam().found)) << GetParam().what << "\n" << all_of(r);
}

INSTANTIATE_TEST_SUITE_P(
    central_store, tampered,
    testing::Values(
        tampering{
            "an amount in a body",
            "UPDATE entry SET content = CAST('{\"n\":8}' AS BLOB) WHERE till='till-1' AND till_sequence=10",
            "entry 19, till till-1, record 10"},
        tampering{"a header",
                  "UPDATE entry SET header = zeroblob(128) WHERE till='till-2' AND till_sequence=3",
                  "entry 6, till till-2, record 3"},
        tampering{"a record's hash", "UPDATE entry SET record_hash = zeroblob(32) WHERE sequence = 11",
                  "entry 11, till till-1, record 6"},
        tampering{"central's hash", "UPDATE entry SET hash = zeroblob(32) WHERE sequence = 12",
                  "entry 12, till till-2, record 6"},
        tampering{"a record in the middle removed", "DELETE FROM entry WHERE sequence = 9",
                  "entries 9 to 9 are missing"},
        tampering{"the last record removed", "DELETE FROM entry WHERE sequence = 40",
                  "central's chain ends with entry 39"},
        tampering{"two records exchanged",
                  "UPDATE entry SET sequence = 1000 WHERE sequence = 7; UPDATE entry SET sequence = 7 WHERE "
                  "sequence = 9;"
                  "UPDATE entry SET sequence = 9 WHERE sequence = 1000",
                  "entry 7, till till-1, record 5"},
        tampering{"a record given to another till", "UPDATE entry SET till = 'till-3' WHERE sequence = 15",
                  "entry 15, till till-3, record 8"},
        tampering{"a tail cut with all heads put right except the signed ones",
                  "DELETE FROM entry WHERE sequence > 38;"
                  "UPDATE central SET sequence = 38, hash = (SELECT hash FROM entry WHERE sequence = 38);"
                  "UPDATE till SET sequence = 19, hash = (SELECT record_hash FROM entry e WHERE e.till = "
                  "till.till AND till_sequence = 19)",
                  "signed it and it is not there"},
        tampering{"an acknowledgement forged",
                  "UPDATE till SET acknowledgement = zeroblob(148) WHERE till = 'till-1'",
                  "till till-1: the last acknowledgement is not signed"},
        tampering{"a proof forged", "UPDATE till SET proof_signature = zeroblob(64) WHERE till = 'till-1'",
                  "till till-1: the proof"},
        tampering{"a till's standing set back", "UPDATE till SET sequence = 19 WHERE till = 'till-2'",
                  "till till-2: its records end with 20"},
        tampering{"a till's standing removed", "DELETE FROM till WHERE till = 'till-2'",
                  "till till-2: has records and no standing"}));

// Whoever writes a till's chain anew from one record on must also have the till's key.
TEST(central_store, finds_a_chain_that_was_rewritten_to_its_end_by_the_proof_of_the_till) {
  filled f;
  f.fill(3);
  filled forged;
  forged.key = base::signing_key(std::array<std::uint8_t, 32>{});
  ASSERT_TRUE(f.verified().good());
  // A database with other content whose central chain, heads and acknowledgements are consistent in
  // themselves.
  filled other;
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(other.add("till-1", R"({"n":99})"));
    ASSERT_TRUE(other.add("till-2", R"({"n":99})"));
  }
  auto evidence = f.kept->evidence();
  ASSERT_TRUE(evidence);
  auto& proof = evidence->at("till-1");
  ASSERT_TRUE(other.kept->begin());
  ASSERT_TRUE(other.kept->keep_proof("till-1", proof.proof_text, proof.proof_signature, proof.proof_key));
  ASSERT_TRUE(other.kept->commit());
  auto r = other.verified();
  EXPECT_TRUE(names(r, "till till-1, record 3: is not what the till itself signed")) << all_of(r);
}

TEST(central_store, never_changes_or_removes_an_entry) {
  filled f;
  f.fill(1);
  f.kept.reset();
  sqlite3* raw = nullptr;
  ASSERT_EQ(sqlite3_open(f.path.c_str(), &raw), SQLITE_OK);
  EXPECT_NE(sqlite3_exec(raw, "UPDATE entry SET recorded_ms = 0", nullptr, nullptr, nullptr), SQLITE_OK);
  EXPECT_NE(sqlite3_exec(raw, "DELETE FROM entry", nullptr, nullptr, nullptr), SQLITE_OK);
  sqlite3_close(raw);
}

TEST(central_store, applies_a_record_once_even_if_the_program_were_wrong) {
  filled f;
  f.fill(1);
  f.heads["till-1"] = {};
  auto again = f.add("till-1", R"({"n":0})");
  ASSERT_FALSE(again);
  EXPECT_TRUE(f.verified().good());
}

TEST(central_store, belongs_to_one_key) {
  filled f;
  f.fill(1);
  f.kept.reset();
  auto other = base::signing_key::generate();
  auto opened = store::open(f.path, other.public_half(), {});
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, errc::config_wrong_value);
}

TEST(central_store, is_owned_by_one_process) {
  filled f;
  auto second = store::open(f.path, f.key.public_half(), {});
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, errc::storage_locked);
}

TEST(central_store, refuses_while_the_disk_is_full_and_recovers_by_itself) {
  tests::fault_vfs vfs;
  filled f(vfs.name());
  f.fill(3);
  vfs.fail(tests::fault_vfs::operation::write, 1, ENOSPC, tests::fault_vfs::repeat::for_ever);
  auto refused = f.add("till-1", "{}");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, errc::storage_full);
  EXPECT_TRUE(f.kept->full());
  EXPECT_FALSE(f.kept->failed());
  // Still full: nothing is tried, and what was stored stays readable.
  f.kept->recover();
  EXPECT_TRUE(f.kept->full());
  EXPECT_EQ(f.add("till-1", "{}").error().code, errc::storage_full);
  EXPECT_TRUE(f.verified().good());
  vfs.heal();
  f.kept->recover();
  EXPECT_FALSE(f.kept->full());
  EXPECT_TRUE(f.add("till-1", "{}"));
  EXPECT_TRUE(f.verified().good());
}

TEST(central_store, takes_nothing_more_after_a_flush_failed) {
  tests::fault_vfs vfs;
  filled f(vfs.name());
  f.fill(2);
  vfs.fail(tests::fault_vfs::operation::sync, 1, EIO);
  EXPECT_FALSE(f.add("till-1", "{}"));
  EXPECT_TRUE(f.kept->failed());
  vfs.heal();
  EXPECT_EQ(f.add("till-1", "{}").error().code, errc::storage_failed);
}

TEST(central_store, keeps_its_log_small_by_moving_it_into_the_file) {
  filled f;
  for (int i = 0; i < 600; ++i) {
    ASSERT_TRUE(f.add("till-1", std::string(8000, ' ')));
    ASSERT_TRUE(f.kept->checkpoint_if_due());
  }
  auto log = base::read_file(f.path + "-wal", 64 << 20);
  ASSERT_TRUE(log);
  EXPECT_LT(log->size(), 8u << 20);
  EXPECT_TRUE(f.verified(500).good());
}

}  // namespace
}  // namespace tilld::central
