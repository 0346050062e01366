#include "central/apply_machine.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace tilld::central {
namespace {

namespace sync = wire::sync;
using base::errc;

base::public_key key_of(std::uint8_t n) {
  base::public_key k{};
  k[0] = n;
  return k;
}

sync::instance_id run_of(std::uint8_t n) {
  sync::instance_id i{};
  i[0] = n;
  return i;
}

// A till's journal and what central would store, both in memory.
struct rig {
  apply_machine machine{settings(), listed()};
  moment now{1'000, 1'700'000'000'000};
  std::vector<base::record> journal;
  base::chain_head head;
  std::vector<base::hash256> held;  // hashes of the records that central stored, from number 1 on
  std::vector<decision::keep_event> events;
  std::uint64_t own_entries = 0;

  static apply_settings settings() {
    apply_settings s;
    s.software = "till-central test";
    return s;
  }
  static std::map<std::string, listing> listed() {
    return {{"till-1", {"shop", "main", key_of(1), 1}}, {"till-2", {"shop", "main", key_of(2), 2}}};
  }

  void write(std::size_t count, const std::string& body = "{}", std::uint32_t epoch = 1,
             const std::string& till = "till-1") {
    for (std::size_t i = 0; i < count; ++i) {
      base::record_header h;
      h.epoch = epoch;
      h.sequence = head.sequence + 1;
      h.till = till;
      h.kind = "sale";
      h.body_size = static_cast<std::uint32_t>(body.size());
      base::record r{base::encode(h), {}, body};
      r.hash = base::record_hash(head.hash, r.header, base::as_bytes(body));
      head = {epoch, h.sequence, r.hash};
      journal.push_back(r);
    }
  }
  base::chain_head head_at(std::uint64_t n) const {
    if (n == 0) return {};
    return {journal[n - 1].decoded()->epoch, n, journal[n - 1].hash};
  }
  sync::append batch(std::uint64_t first, std::uint64_t last) const {
    sync::append a;
    a.first = first;
    a.previous = head_at(first - 1).hash;
    a.records.assign(journal.begin() + static_cast<std::ptrdiff_t>(first) - 1,
                     journal.begin() + static_cast<std::ptrdiff_t>(last));
    return a;
  }
  sync::hello hello(std::uint64_t counter = 1, std::uint8_t run = 1) const {
    sync::hello h;
    h.merchant = "shop";
    h.till = "till-1";
    h.key = key_of(1);
    h.head = head;
    h.start_counter = counter;
    h.instance = run_of(run);
    return h;
  }

  // Does what the intake does, and keeps what a test looks at.
  apply_decisions store(apply_decisions all, const sync::append* from = nullptr) {
    for (auto& one : all) {
      if (auto* d = std::get_if<decision::keep_records>(&one))
        for (std::size_t i = 0; i < d->entries.size(); ++i) {
          held.push_back(from->records[d->skip + i].hash);
          EXPECT_EQ(d->entries[i].sequence, ++own_entries);
        }
      if (auto* d = std::get_if<decision::keep_event>(&one)) {
        events.push_back(*d);
        EXPECT_EQ(d->entry.sequence, ++own_entries);
      }
    }
    return all;
  }
  apply_decisions greet(connection_id c, const sync::hello& h, held_evidence e = {}) {
    return store(machine.greeted(now, c, 1, h, e));
  }
  apply_decisions append(connection_id c, const sync::append& a, std::uint64_t request = 5) {
    std::vector<base::hash256> overlap;
    if (a.first <= held.size() && a.first > 0)
      overlap.assign(held.begin() + static_cast<std::ptrdiff_t>(a.first) - 1, held.end());
    return store(machine.append(now, c, request, a, overlap), &a);
  }
};

template <class Decision>
const Decision* find(const apply_decisions& all) {
  for (auto& d : all)
    if (auto* found = std::get_if<Decision>(&d)) return found;
  return nullptr;
}

template <class Decision>
std::size_t count(const apply_decisions& all) {
  return static_cast<std::size_t>(
      std::count_if(all.begin(), all.end(), [](auto& d) { return std::holds_alternative<Decision>(d); }));
}

errc refused_with(const apply_decisions& all) {
  auto* r = find<decision::refuse>(all);
  return r ? static_cast<errc>(r->what.code) : errc::internal;
}

TEST(apply, takes_records_once_and_in_order_and_answers_with_its_own_head) {
  rig r;
  r.write(5);
  auto in = r.greet(1, r.hello());
  auto* welcome = find<decision::admit>(in);
  ASSERT_TRUE(welcome);
  EXPECT_EQ(welcome->what.standing.head.sequence, 0u);
  EXPECT_FALSE(welcome->what.notice);

  auto out = r.append(1, r.batch(1, 3));
  auto* kept = find<decision::keep_records>(out);
  ASSERT_TRUE(kept);
  EXPECT_EQ(kept->skip, 0u);
  EXPECT_EQ(kept->entries.size(), 3u);
  auto* said = find<decision::acknowledge>(out);
  ASSERT_TRUE(said);
  EXPECT_EQ(said->what.head, r.head_at(3));
  EXPECT_EQ(said->what.central_sequence, 3u);
  EXPECT_EQ(said->what.central_hash, r.machine.own().hash);

  out = r.append(1, r.batch(4, 5));
  EXPECT_EQ(find<decision::acknowledge>(out)->what.head, r.head);
  EXPECT_EQ(r.held.size(), 5u);
}

TEST(apply, skips_what_it_holds_and_takes_the_rest_of_a_batch_that_overlaps) {
  rig r;
  r.write(6);
  r.greet(1, r.hello());
  r.append(1, r.batch(1, 4));
  auto twice = r.append(1, r.batch(1, 4));
  EXPECT_FALSE(find<decision::keep_records>(twice));
  EXPECT_EQ(find<decision::acknowledge>(twice)->what.head, r.head_at(4));
  auto overlap = r.append(1, r.batch(3, 6));
  EXPECT_EQ(find<decision::keep_records>(overlap)->skip, 2u);
  EXPECT_EQ(find<decision::keep_records>(overlap)->entries.size(), 2u);
  // One that lies wholly behind the head is answered with the head, not with its own end.
  auto old = r.append(1, r.batch(1, 2));
  EXPECT_EQ(find<decision::acknowledge>(old)->what.head, r.head);
  EXPECT_EQ(r.held.size(), 6u);
}

TEST(apply, takes_a_batch_again_that_was_applied_before_a_crash_took_the_answer) {
  rig r;
  r.write(3);
  r.greet(1, r.hello());
  r.append(1, r.batch(1, 3));
  // Central restarts with what it had stored; the till never heard of it.
  apply_machine after(rig::settings(), rig::listed());
  after.load(r.machine.own(), r.machine.standings());
  auto in = after.greeted(r.now, 9, 1, r.hello(), {});
  EXPECT_EQ(find<decision::admit>(in)->what.standing.head, r.head);
  auto again = after.append(r.now, 9, 2, r.batch(1, 3), r.held);
  EXPECT_FALSE(find<decision::keep_records>(again));
  EXPECT_EQ(find<decision::acknowledge>(again)->what.head, r.head);
  EXPECT_EQ(after.own(), r.machine.own());
}

TEST(apply, forgets_what_did_not_become_durable) {
  rig r;
  r.write(3);
  r.greet(1, r.hello());
  auto own = r.machine.own();
  auto standings = r.machine.standings();
  r.machine.append(r.now, 1, 5, r.batch(1, 3), {});
  r.machine.load(own, standings);
  EXPECT_EQ(r.machine.own(), own);
  auto out = r.append(1, r.batch(1, 3));
  EXPECT_EQ(find<decision::keep_records>(out)->entries.size(), 3u);
}

TEST(apply, refuses_a_gap_and_says_what_it_holds) {
  rig r;
  r.write(6);
  r.greet(1, r.hello());
  r.append(1, r.batch(1, 2));
  auto out = r.append(1, r.batch(4, 6));
  auto* no = find<decision::refuse>(out);
  ASSERT_TRUE(no);
  EXPECT_EQ(static_cast<errc>(no->what.code), errc::record_gap);
  EXPECT_EQ(no->what.head, r.head_at(2));
  EXPECT_FALSE(no->then_close);
  EXPECT_EQ(r.held.size(), 2u);
}

TEST(apply, applies_nothing_of_a_batch_with_one_damaged_record) {
  for (std::size_t which = 0; which < 4; ++which) {
    for (int what = 0; what < 4; ++what) {
      rig r;
      r.write(4, R"({"a":1})");
      r.greet(1, r.hello());
      auto a = r.batch(1, 4);
      auto& bad = a.records[which];
      if (what == 0) bad.body[2] = 'b';
      if (what == 1) bad.hash[31] ^= 1;
      if (what == 2) bad.header[40] ^= 1;
      if (what == 3) bad.body += " ";
      auto out = r.append(1, a);
      EXPECT_EQ(refused_with(out), errc::record_damaged) << which << " " << what;
      EXPECT_FALSE(find<decision::keep_records>(out));
      EXPECT_FALSE(r.machine.standing_of("till-1").stopped);
      EXPECT_EQ(r.machine.own().sequence, 0u);
      EXPECT_TRUE(find<decision::acknowledge>(r.append(1, r.batch(1, 4))));
    }
  }
}

TEST(apply, refuses_records_of_another_till) {
  rig r;
  r.write(2, "{}", 1, "till-2");
  auto h = r.hello();
  h.head = {};
  r.greet(1, h);
  EXPECT_EQ(refused_with(r.append(1, r.batch(1, 2))), errc::record_damaged);
}

TEST(apply, stops_a_till_whose_records_contradict_what_is_held) {
  rig r;
  r.write(3);
  r.greet(1, r.hello());
  r.append(1, r.batch(1, 3));
  rig other;
  other.write(5, R"({"other":true})");

  // The same numbers with another content.
  rig a = r;
  auto out = a.append(1, other.batch(1, 5));
  EXPECT_EQ(refused_with(out), errc::journal_forked);
  EXPECT_TRUE(find<decision::refuse>(out)->then_close);
  ASSERT_TRUE(a.machine.standing_of("till-1").stopped);
  EXPECT_EQ(a.machine.standing_of("till-1").stopped->code, errc::journal_forked);
  EXPECT_EQ(a.events.back().kind, entry_kind::quarantined);
  EXPECT_FALSE(a.machine.is_connected("till-1"));

  // A next record that follows another one than central's.
  rig b = r;
  EXPECT_EQ(refused_with(b.append(1, other.batch(4, 5))), errc::journal_forked);

  // Seen at sign-on already when both heads have one number.
  rig c = r;
  c.machine.lost(c.now, 1);
  auto h = c.hello();
  h.head = other.head_at(3);
  EXPECT_EQ(refused_with(c.greet(2, h)), errc::journal_forked);
}

TEST(apply, stops_a_till_whose_journal_ends_before_what_is_held) {
  rig r;
  r.write(5);
  r.greet(1, r.hello());
  r.append(1, r.batch(1, 5));
  r.machine.lost(r.now, 1);
  auto h = r.hello(2, 2);
  h.head = r.head_at(3);
  EXPECT_EQ(refused_with(r.greet(2, h)), errc::journal_rolled_back);
  EXPECT_TRUE(r.machine.standing_of("till-1").stopped);
  // It stays stopped, whatever it says next, until a person acts.
  EXPECT_EQ(refused_with(r.greet(3, r.hello(3, 3))), errc::quarantined);
}

TEST(apply, stops_a_till_whose_start_counter_goes_back_or_stands) {
  rig r;
  r.write(1);
  r.greet(1, r.hello(7, 1));
  r.machine.lost(r.now, 1);
  rig lower = r, equal = r, same_run = r;
  EXPECT_EQ(refused_with(lower.greet(2, lower.hello(6, 2))), errc::journal_rolled_back);
  EXPECT_EQ(refused_with(equal.greet(2, equal.hello(7, 2))), errc::journal_rolled_back);
  EXPECT_TRUE(find<decision::admit>(same_run.greet(2, same_run.hello(7, 1))));
}

TEST(apply, releases_a_till_when_a_person_says_so_and_writes_it_down) {
  rig r;
  r.write(1);
  r.greet(1, r.hello(7, 1));
  r.machine.lost(r.now, 1);
  r.greet(2, r.hello(6, 2));
  EXPECT_EQ(r.machine.release(r.now, "till-2", "x", "http").error().code, errc::till_unknown);
  auto released = r.machine.release(r.now, "till-1", "the disk was replaced", "http");
  ASSERT_TRUE(released);
  r.store(*released);
  EXPECT_EQ(r.events.back().kind, entry_kind::released);
  EXPECT_NE(r.events.back().text.find("the disk was replaced"), std::string::npos);
  EXPECT_EQ(r.machine.release(r.now, "till-1", "again", "http").error().code, errc::operation_not_found);
  EXPECT_TRUE(find<decision::admit>(r.greet(3, r.hello(6, 2))));
}

TEST(apply, finds_a_twin_when_the_older_connection_still_answers) {
  rig r;
  r.write(1);
  r.greet(1, r.hello(7, 1));
  auto asked = r.greet(2, r.hello(8, 2));
  auto* ping = find<decision::ping>(asked);
  ASSERT_TRUE(ping);
  EXPECT_EQ(ping->connection, 1u);
  EXPECT_FALSE(find<decision::admit>(asked));
  auto out = r.store(r.machine.pong(r.now, 1, ping->request));
  EXPECT_EQ(count<decision::refuse>(out), 2u);
  EXPECT_EQ(refused_with(out), errc::till_twin);
  EXPECT_TRUE(r.machine.standing_of("till-1").stopped);
  EXPECT_FALSE(r.machine.is_connected("till-1"));
}

TEST(apply, lets_a_restarted_till_in_when_its_older_connection_is_dead) {
  rig silent;
  silent.write(1);
  silent.greet(1, silent.hello(7, 1));
  silent.greet(2, silent.hello(8, 2));
  EXPECT_TRUE(silent.machine.tick(silent.now).empty());
  silent.now.monotonic_ms += 2'000;
  auto out = silent.store(silent.machine.tick(silent.now));
  EXPECT_EQ(find<decision::close>(out)->connection, 1u);
  EXPECT_EQ(find<decision::admit>(out)->connection, 2u);

  rig gone;
  gone.write(1);
  gone.greet(1, gone.hello(7, 1));
  gone.greet(2, gone.hello(8, 2));
  EXPECT_EQ(find<decision::admit>(gone.store(gone.machine.lost(gone.now, 1)))->connection, 2u);
}

TEST(apply, takes_over_the_connection_of_the_same_run_at_once) {
  rig r;
  r.write(2);
  r.greet(1, r.hello(7, 1));
  auto out = r.greet(2, r.hello(7, 1));
  EXPECT_EQ(find<decision::close>(out)->connection, 1u);
  EXPECT_EQ(find<decision::admit>(out)->connection, 2u);
  // What still comes over the old one is not applied.
  EXPECT_TRUE(r.append(1, r.batch(1, 2)).empty());
  EXPECT_TRUE(find<decision::acknowledge>(r.append(2, r.batch(1, 2))));
}

TEST(apply, never_lets_a_third_machine_wait_behind_a_second) {
  rig r;
  r.write(1);
  r.greet(1, r.hello(7, 1));
  r.greet(2, r.hello(8, 2));
  EXPECT_EQ(refused_with(r.greet(3, r.hello(9, 3))), errc::busy);
  EXPECT_FALSE(find<decision::admit>(r.machine.lost(r.now, 2)));
}

TEST(apply, notes_for_ever_that_a_till_proved_a_loss_and_takes_the_records_again) {
  rig r;
  r.write(5);
  r.greet(1, r.hello());
  r.append(1, r.batch(1, 5));
  auto last = *find<decision::acknowledge>(r.append(1, r.batch(5, 5)));

  // Central is restored to a state that held two records.
  rig restored;
  restored.journal = r.journal;
  restored.head = r.head_at(2);
  restored.greet(1, restored.hello());
  restored.append(1, restored.batch(1, 2));
  restored.machine.lost(restored.now, 1);
  restored.head = r.head;
  auto h = restored.hello(1, 1);
  h.last = last.what;
  held_evidence e;
  e.last_is_ours = true;
  auto in = restored.greet(2, h, e);
  auto* welcome = find<decision::admit>(in);
  ASSERT_TRUE(welcome);
  EXPECT_EQ(welcome->what.notice, errc::record_gap);
  EXPECT_EQ(welcome->what.standing.head.sequence, 2u);
  ASSERT_EQ(restored.events.size(), 1u);
  EXPECT_EQ(restored.events[0].kind, entry_kind::restored);
  EXPECT_EQ(restored.machine.standing_of("till-1").restored, 1u);

  // The same proof shown again is the same loss.
  restored.machine.lost(restored.now, 2);
  EXPECT_EQ(find<decision::admit>(restored.greet(3, h, e))->what.notice, errc::record_gap);
  EXPECT_EQ(restored.events.size(), 1u);
  EXPECT_TRUE(find<decision::acknowledge>(restored.append(3, restored.batch(3, 5))));
  EXPECT_EQ(restored.machine.standing_of("till-1").restored, 1u);
}

TEST(apply, stops_a_till_when_central_holds_another_record_than_it_had_signed) {
  rig r;
  r.write(3);
  r.greet(1, r.hello());
  auto last = *find<decision::acknowledge>(r.append(1, r.batch(1, 3)));
  r.machine.lost(r.now, 1);
  r.write(1);
  auto h = r.hello();
  h.last = last.what;
  held_evidence e;
  e.last_is_ours = true;
  e.record_at_last = base::hash256{};
  e.own_at_last = last.what.central_hash;
  EXPECT_EQ(refused_with(r.greet(2, h, e)), errc::journal_forked);
  EXPECT_EQ(r.machine.standing_of("till-1").restored, 1u);
}

TEST(apply, learns_nothing_from_an_acknowledgement_that_it_did_not_sign) {
  rig r;
  r.write(1);
  auto h = r.hello();
  h.last = sync::acknowledgement{{1, 900, {}}, 5000, {}, {}};
  auto in = r.greet(1, h);
  EXPECT_TRUE(find<decision::admit>(in));
  EXPECT_TRUE(r.events.empty());
}

TEST(apply, starts_a_new_epoch_only_when_a_person_allowed_it) {
  rig r;
  r.write(2);
  r.greet(1, r.hello());
  r.append(1, r.batch(1, 2));
  r.write(1, "{}", 2);
  EXPECT_EQ(refused_with(r.append(1, r.batch(3, 3))), errc::epoch_not_allowed);
  EXPECT_FALSE(r.machine.standing_of("till-1").stopped);
  EXPECT_EQ(refused_with(r.greet(2, r.hello(1, 1))), errc::epoch_not_allowed);

  auto tills = rig::listed();
  tills["till-1"].epoch_allowed = 2;
  apply_machine allowed(rig::settings(), tills);
  allowed.load(r.machine.own(), r.machine.standings());
  ASSERT_TRUE(find<decision::admit>(allowed.greeted(r.now, 3, 1, r.hello(2, 2), {})));
  auto out = allowed.append(r.now, 3, 2, r.batch(3, 3), {});
  EXPECT_EQ(find<decision::acknowledge>(out)->what.head, r.head);
  EXPECT_EQ(r.head.epoch, 2u);
}

TEST(apply, lets_nobody_in_who_is_not_listed_so) {
  rig r;
  auto with = [&](auto change) {
    auto h = r.hello();
    change(h);
    return refused_with(r.greet(1, h));
  };
  EXPECT_EQ(with([](auto& h) { h.till = "till-9"; }), errc::till_unknown);
  EXPECT_EQ(with([](auto& h) { h.merchant = "other"; }), errc::till_unknown);
  EXPECT_EQ(with([](auto& h) { h.key = key_of(2); }), errc::key_refused);
  EXPECT_EQ(with([](auto& h) { h.expected_role = sync::role::witness; }), errc::role_mismatch);
  EXPECT_EQ(with([](auto& h) { h.protocol_min = 2, h.protocol_max = 3; }), errc::protocol_unsupported);
  EXPECT_TRUE(r.machine.standings().empty());
}

TEST(apply, takes_nothing_from_a_connection_that_was_not_let_in) {
  rig r;
  r.write(1);
  EXPECT_TRUE(r.append(77, r.batch(1, 1)).empty());
  EXPECT_EQ(r.machine.own().sequence, 0u);
}

TEST(apply, refuses_an_empty_batch_and_number_zero) {
  rig r;
  r.write(1);
  r.greet(1, r.hello());
  EXPECT_EQ(refused_with(r.append(1, {})), errc::invalid_params);
  r.greet(2, r.hello());
  auto zero = r.batch(1, 1);
  zero.first = 0;
  EXPECT_EQ(refused_with(r.append(2, zero)), errc::invalid_params);
  r.greet(3, r.hello());
  auto far = r.batch(1, 1);
  far.first = ~std::uint64_t{0};
  EXPECT_EQ(refused_with(r.append(3, far)), errc::record_gap);
}

TEST(chain, has_the_octets_that_the_page_shows) {
  base::hash256 content{};
  auto first = entry_hash({}, 1, entry_kind::record, "till-1", content);
  EXPECT_EQ(base::to_hex(first), "0be98e3600f65750135a1924272f91eb4d29a49f6e415c90d672c884a3057cd9");
  auto second = entry_hash(first, 2, entry_kind::released, "till-1", base::as_bytes("{}"));
  EXPECT_EQ(base::to_hex(second), "5d4741467b20d0deb2cd967a642fc3476ad3ec2f7eb42fcbf80cae04c0acb2b7");
}

}  // namespace
}  // namespace tilld::central
