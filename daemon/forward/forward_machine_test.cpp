#include "daemon/forward/forward_machine.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>

namespace tilld::daemon {
namespace {

namespace sync = wire::sync;
using base::errc;
using sync::frame_type;

// A signature that is quick and still wrong for another key or text.
struct cheap_signatures final : signatures {
  explicit cheap_signatures(std::uint8_t name) : name_(name) {}
  base::signature sign(base::byte_view text) const override { return made(key(), text); }
  bool verify(const base::public_key& by, base::byte_view text, const base::signature& s) const override {
    return made(by, text) == s;
  }
  base::public_key key() const {
    base::public_key k{};
    k[0] = name_;
    return k;
  }
  static base::signature made(const base::public_key& by, base::byte_view text) {
    auto h = base::sha256({by, text});
    base::signature s{};
    std::copy(h.begin(), h.end(), s.begin());
    return s;
  }
  std::uint8_t name_;
};

base::record record_after(const base::chain_head& head, const std::string& body, std::uint32_t epoch = 1) {
  base::record_header h;
  h.epoch = epoch;
  h.sequence = head.sequence + 1;
  h.till = "till-1";
  h.kind = "sale";
  h.body_size = static_cast<std::uint32_t>(body.size());
  base::record r{base::encode(h), {}, body};
  r.hash = base::record_hash(head.hash, r.header, base::as_bytes(body));
  return r;
}

// Plays the shell, the journal and central by hand: every action is kept until the test answers it.
struct rig {
  cheap_signatures till_keys{1};
  cheap_signatures central_keys{2};
  forward_settings settings;
  till_identity identity;
  std::unique_ptr<forward_machine> machine;
  moment now{1'000, 1'700'000'000'000, 0x80000000};

  std::vector<base::record> journal;
  base::chain_head head;
  base::chain_head beginning;

  std::optional<wire::sync::witness> stored;
  std::size_t connects = 0, closes = 0, stores = 0;
  bool answer_stores = true;
  std::uint64_t timer = 0;
  std::vector<sync::frame> sent;
  std::vector<forward_action::read> reads;
  std::vector<forward_action::tell> told;

  sync::hello hello;
  std::uint64_t greeting = 0;
  std::uint64_t central_sequence = 0;

  rig() {
    settings.destination = "head-office";
    identity.merchant = "shop";
    identity.till = "till-1";
    identity.software = "tilld test";
    identity.key = till_keys.key();
    identity.start_counter = 1;
    make();
  }
  void make() { machine = std::make_unique<forward_machine>(settings, identity, till_keys); }

  void write(std::size_t count, const std::string& body = "{}") {
    for (std::size_t i = 0; i < count; ++i) {
      auto r = record_after(head, body);
      head = {1, head.sequence + 1, r.hash};
      journal.push_back(r);
    }
  }
  base::chain_head head_at(std::uint64_t sequence) const {
    if (sequence == beginning.sequence) return beginning;
    auto& r = journal.at(sequence - beginning.sequence - 1);
    return {r.decoded()->epoch, sequence, r.hash};
  }

  void run(forward_steps steps) {
    for (auto& step : steps) {
      if (std::holds_alternative<forward_action::connect>(step)) ++connects;
      if (std::holds_alternative<forward_action::close>(step)) ++closes;
      if (auto* s = std::get_if<forward_action::store>(&step)) {
        ++stores;
        stored = s->witness;
        if (answer_stores) run(machine->witness_stored(now, {}));
      }
      if (auto* s = std::get_if<forward_action::set_timer>(&step)) timer = s->at_monotonic_ms;
      if (auto* s = std::get_if<forward_action::read>(&step)) reads.push_back(*s);
      if (auto* s = std::get_if<forward_action::tell>(&step)) told.push_back(*s);
      if (auto* s = std::get_if<forward_action::send>(&step)) {
        sync::frame_reader reader(sync::frame_reader::for_peers);
        reader.feed(s->octets);
        auto f = reader.next();
        ASSERT_TRUE(f && *f);
        sent.push_back(std::move(**f));
      }
    }
  }

  sync::frame take_sent(frame_type type) {
    for (std::size_t i = 0; i < sent.size(); ++i) {
      if (sent[i].type != type) continue;
      auto f = sent[i];
      sent.erase(sent.begin() + static_cast<std::ptrdiff_t>(i));
      return f;
    }
    ADD_FAILURE() << "no frame of type " << static_cast<int>(type) << " was sent";
    return {};
  }
  bool has_sent(frame_type type) const {
    return std::any_of(sent.begin(), sent.end(), [&](auto& f) { return f.type == type; });
  }

  void answer_reads() {
    while (!reads.empty()) {
      auto r = reads.front();
      reads.erase(reads.begin());
      std::vector<base::record> out;
      for (auto& record : journal) {
        auto sequence = record.decoded()->sequence;
        if (sequence >= r.from && out.size() < r.count_max) out.push_back(record);
      }
      run(machine->records_read(now, r.id, std::move(out)));
    }
  }

  void start() { run(machine->start(now, stored, beginning, head)); }
  // Up to where one record is acknowledged and the disk has not answered yet.
  void wait_for_a_store() {
    write(1);
    start();
    sign_on({});
    answer_stores = false;
    appended(take_sent(frame_type::append).request, head);
  }
  void connect() {
    sync::nonce n{};
    n[0] = 9;
    run(machine->connected(now, n));
    auto f = take_sent(frame_type::hello);
    hello = *sync::hello::parse(f.payload);
    greeting = f.request;
  }
  void arrive(frame_type type, std::uint64_t request, base::byte_view payload) {
    run(machine->frame_arrived(now, {type, request, {payload.begin(), payload.end()}}));
  }
  void challenge(const cheap_signatures& by) {
    sync::nonce n{};
    sync::challenge c{n, by.key(), by.sign(sync::challenge_text(hello, n, by.key()))};
    arrive(frame_type::challenge, greeting, c.encode());
  }
  sync::acknowledgement acknowledge(const base::chain_head& at) {
    sync::acknowledgement a{at, central_sequence, {}, {}};
    a.signature = central_keys.sign(a.signed_text("till-1"));
    return a;
  }
  void welcome(const base::chain_head& at) {
    sync::welcome w;
    w.role_here = settings.role;
    w.standing = acknowledge(at);
    arrive(frame_type::welcome, greeting, w.encode());
  }
  void sign_on(const base::chain_head& central_holds) {
    connect();
    challenge(central_keys);
    take_sent(frame_type::proof);
    welcome(central_holds);
    answer_reads();
  }
  void appended(std::uint64_t request, const base::chain_head& at) {
    central_sequence += 1;
    arrive(frame_type::appended, request, acknowledge(at).encode());
    answer_reads();
  }
  void refuse(std::uint64_t request, errc code, std::optional<base::chain_head> at = {}) {
    sync::refusal no{static_cast<int>(code), "because", at};
    arrive(frame_type::refusal, request, no.encode());
    answer_reads();
  }
  sync::append batch(const sync::frame& f) { return *sync::append::parse(f.payload); }
};

TEST(forward, sends_what_central_does_not_hold_and_stores_the_signed_answer) {
  rig r;
  r.write(5);
  r.start();
  EXPECT_EQ(r.connects, 1u);
  r.sign_on({});
  auto f = r.take_sent(frame_type::append);
  auto batch = r.batch(f);
  EXPECT_EQ(batch.first, 1u);
  EXPECT_EQ(batch.previous, base::hash256{});
  EXPECT_EQ(batch.records.size(), 5u);
  r.appended(f.request, r.head);
  ASSERT_TRUE(r.stored);
  EXPECT_EQ(r.stored->last.head, r.head);
  EXPECT_EQ(r.stored->central_key, r.central_keys.key());
  EXPECT_EQ(r.machine->status().acknowledged, r.head);
  EXPECT_TRUE(r.machine->status().connected);
}

TEST(forward, proves_itself_with_a_signature_over_both_nonces_and_its_head) {
  rig r;
  r.write(2);
  r.start();
  r.connect();
  EXPECT_EQ(r.hello.head, r.head);
  EXPECT_EQ(r.hello.start_counter, 1u);
  r.challenge(r.central_keys);
  auto p = sync::proof::parse(r.take_sent(frame_type::proof).payload);
  ASSERT_TRUE(p);
  EXPECT_TRUE(r.till_keys.verify(r.till_keys.key(), sync::proof_text(r.hello, {}, r.central_keys.key()),
                                 p->signature));
}

TEST(forward, keeps_a_few_batches_in_flight_and_not_more) {
  rig r;
  r.settings.batch_records_max = 10;
  r.make();
  r.write(100);
  r.start();
  r.sign_on({});
  auto one = r.take_sent(frame_type::append);
  auto two = r.take_sent(frame_type::append);
  EXPECT_FALSE(r.has_sent(frame_type::append));
  EXPECT_EQ(r.batch(two).first, 11u);
  r.appended(one.request, r.head_at(10));
  auto three = r.take_sent(frame_type::append);
  EXPECT_EQ(r.batch(three).first, 21u);
  EXPECT_FALSE(r.has_sent(frame_type::append));
}

TEST(forward, sends_the_same_records_again_when_the_answer_was_lost) {
  rig r;
  r.write(3);
  r.start();
  r.sign_on({});
  r.take_sent(frame_type::append);
  r.run(r.machine->disconnected(r.now, {errc::central_unreachable, "reset"}));
  EXPECT_EQ(r.closes, 1u);
  EXPECT_GT(r.timer, r.now.monotonic_ms);
  r.now.monotonic_ms = r.timer;
  r.run(r.machine->wake(r.now));
  EXPECT_EQ(r.connects, 2u);
  // Central had applied them before the line broke: nothing is sent twice.
  r.sign_on(r.head);
  EXPECT_FALSE(r.has_sent(frame_type::append));
  EXPECT_EQ(r.stored->last.head, r.head);

  // And when it had not, they go again.
  rig other;
  other.write(3);
  other.start();
  other.sign_on({});
  auto first = other.batch(other.take_sent(frame_type::append));
  other.run(other.machine->disconnected(other.now, {errc::central_unreachable, "reset"}));
  other.now.monotonic_ms = other.timer;
  other.run(other.machine->wake(other.now));
  other.sign_on({});
  EXPECT_EQ(other.batch(other.take_sent(frame_type::append)).encode(), first.encode());
}

TEST(forward, ignores_answers_that_come_twice_or_out_of_order) {
  rig r;
  r.settings.batch_records_max = 2;
  r.make();
  r.write(4);
  r.start();
  r.sign_on({});
  auto one = r.take_sent(frame_type::append);
  auto two = r.take_sent(frame_type::append);
  auto late = r.acknowledge(r.head_at(2));
  r.appended(two.request, r.head_at(4));
  EXPECT_EQ(r.machine->status().acknowledged.sequence, 4u);
  r.arrive(frame_type::appended, one.request, late.encode());
  r.arrive(frame_type::appended, two.request, late.encode());
  EXPECT_EQ(r.machine->status().acknowledged.sequence, 4u);
  EXPECT_EQ(r.closes, 0u);
}

TEST(forward, goes_back_to_what_central_holds_when_there_is_a_gap) {
  rig r;
  r.settings.batch_records_max = 5;
  r.make();
  r.write(20);
  r.stored = sync::witness{r.central_keys.key(), r.acknowledge(r.head_at(10))};
  r.start();
  r.sign_on(r.head_at(10));
  auto one = r.take_sent(frame_type::append);
  auto two = r.take_sent(frame_type::append);
  EXPECT_EQ(r.batch(one).first, 11u);
  r.refuse(one.request, errc::record_gap, r.head_at(7));
  r.refuse(two.request, errc::record_gap, r.head_at(7));
  auto again = r.take_sent(frame_type::append);
  EXPECT_EQ(r.batch(again).first, 8u);
  EXPECT_EQ(r.batch(again).previous, r.head_at(7).hash);
  EXPECT_EQ(r.closes, 0u);
}

TEST(forward, gives_up_for_a_while_when_central_goes_back_again_and_again) {
  rig r;
  r.write(3);
  r.start();
  r.sign_on({});
  for (int i = 0; i < 4; ++i) {
    ASSERT_EQ(r.closes, 0u) << i;
    r.refuse(r.take_sent(frame_type::append).request, errc::record_gap, base::chain_head{});
  }
  EXPECT_EQ(r.closes, 1u);
  EXPECT_EQ(r.machine->status().last_error->code, errc::record_gap);
}

TEST(forward, does_not_believe_a_head_that_its_journal_does_not_have) {
  rig r;
  r.write(10);
  r.start();
  auto foreign = r.head_at(6);
  foreign.hash[0] ^= 1;
  r.sign_on(foreign);
  EXPECT_EQ(r.machine->status().last_error->code, errc::journal_forked);
  EXPECT_TRUE(r.machine->status().stopped_for_a_person);
  EXPECT_FALSE(r.has_sent(frame_type::append));
  EXPECT_FALSE(r.stored);
}

TEST(forward, says_that_it_was_rolled_back_when_central_holds_more_than_its_journal) {
  rig r;
  r.write(10);
  r.start();
  auto ahead = r.head;
  ahead.sequence = 11;
  r.sign_on(ahead);
  EXPECT_EQ(r.machine->status().last_error->code, errc::journal_rolled_back);
}

TEST(forward, pins_the_first_key_and_refuses_another_one) {
  rig r;
  r.write(1);
  r.start();
  r.sign_on({});
  r.appended(r.take_sent(frame_type::append).request, r.head);
  rig later;
  later.journal = r.journal;
  later.head = r.head;
  later.stored = r.stored;
  later.start();
  later.connect();
  cheap_signatures other(3);
  later.challenge(other);
  EXPECT_EQ(later.machine->status().last_error->code, errc::destination_changed);
  EXPECT_FALSE(later.has_sent(frame_type::proof));
}

TEST(forward, takes_the_key_of_its_configuration_over_the_one_it_remembers) {
  rig r;
  cheap_signatures older(3);
  r.stored = sync::witness{older.key(), {}};
  r.settings.pinned_key = r.central_keys.key();
  r.make();
  r.write(1);
  r.start();
  r.sign_on({});
  EXPECT_TRUE(r.machine->status().connected);
  EXPECT_EQ(r.machine->status().destination_lost_records, 0u);
}

TEST(forward, refuses_a_central_that_cannot_prove_its_key) {
  rig r;
  r.start();
  r.connect();
  sync::challenge c{{}, r.central_keys.key(), {}};
  r.arrive(frame_type::challenge, r.greeting, c.encode());
  EXPECT_EQ(r.machine->status().last_error->code, errc::destination_changed);
}

TEST(forward, refuses_an_acknowledgement_with_a_wrong_signature) {
  rig r;
  r.write(1);
  r.start();
  r.sign_on({});
  auto f = r.take_sent(frame_type::append);
  auto a = r.acknowledge(r.head);
  a.signature[0] ^= 1;
  r.arrive(frame_type::appended, f.request, a.encode());
  EXPECT_EQ(r.closes, 1u);
  EXPECT_NE(r.machine->status().acknowledged, r.head);
}

TEST(forward, refuses_an_acknowledgement_of_other_content) {
  rig r;
  r.write(2);
  r.start();
  r.sign_on({});
  auto f = r.take_sent(frame_type::append);
  auto wrong = r.head;
  wrong.hash[5] ^= 1;
  r.appended(f.request, wrong);
  EXPECT_EQ(r.machine->status().last_error->code, errc::journal_forked);
  EXPECT_NE(r.machine->status().acknowledged, wrong);
}

TEST(forward, notices_that_central_was_restored_and_sends_the_missing_records_again) {
  rig r;
  r.write(10);
  r.central_sequence = 50;
  r.stored = sync::witness{r.central_keys.key(), r.acknowledge(r.head_at(10))};
  r.start();
  r.central_sequence = 40;
  r.sign_on(r.head_at(4));
  EXPECT_EQ(r.machine->status().destination_lost_records, 1u);
  EXPECT_TRUE(
      std::any_of(r.told.begin(), r.told.end(), [](auto& t) { return t.level == base::log_level::error; }));
  auto f = r.take_sent(frame_type::append);
  EXPECT_EQ(r.batch(f).first, 5u);
  EXPECT_EQ(r.batch(f).records.size(), 6u);
}

TEST(forward, refuses_a_destination_of_another_role) {
  rig r;
  r.start();
  r.connect();
  r.challenge(r.central_keys);
  sync::welcome w;
  w.role_here = sync::role::witness;
  w.standing = r.acknowledge({});
  r.arrive(frame_type::welcome, r.greeting, w.encode());
  EXPECT_EQ(r.machine->status().last_error->code, errc::role_mismatch);
}

TEST(forward, pauses_in_quarantine_and_tries_again_slowly) {
  rig r;
  r.write(1);
  r.start();
  r.connect();
  r.refuse(r.greeting, errc::quarantined);
  auto& s = r.machine->status();
  ASSERT_TRUE(s.stopped_for_a_person);
  EXPECT_EQ(s.stopped_for_a_person->code, errc::quarantined);
  EXPECT_GE(r.timer, r.now.monotonic_ms + r.settings.retry_ms_slow / 2);
  // New sales do not wake it.
  r.write(5);
  r.run(r.machine->journal_grew(r.now, r.head));
  EXPECT_EQ(r.connects, 1u);
  // A person released it: the next try succeeds and the pause is forgotten.
  r.now.monotonic_ms = r.timer;
  r.run(r.machine->wake(r.now));
  r.sign_on({});
  EXPECT_FALSE(r.machine->status().stopped_for_a_person);
  EXPECT_TRUE(r.has_sent(frame_type::append));
}

TEST(forward, does_not_wait_when_a_person_asks_for_the_next_try) {
  rig r;
  r.start();
  r.connect();
  r.refuse(r.greeting, errc::quarantined);
  r.run(r.machine->retry_now(r.now));
  EXPECT_EQ(r.timer, r.now.monotonic_ms);
  r.run(r.machine->wake(r.now));
  EXPECT_EQ(r.connects, 2u);
}

TEST(forward, waits_longer_after_every_failure_up_to_a_limit_and_spreads_by_jitter) {
  rig r;
  r.start();
  std::vector<std::uint64_t> waits;
  for (int i = 0; i < 12; ++i) {
    r.run(r.machine->disconnected(r.now, {errc::central_unreachable, "refused"}));
    waits.push_back(r.timer - r.now.monotonic_ms);
    r.now.monotonic_ms = r.timer;
    r.run(r.machine->wake(r.now));
  }
  EXPECT_TRUE(std::is_sorted(waits.begin(), waits.end()));
  EXPECT_LE(waits.back(), r.settings.retry_ms_max);
  EXPECT_GE(waits.back(), r.settings.retry_ms_max / 2);
  EXPECT_LE(waits.front(), r.settings.retry_ms_min);
  r.now.jitter = 0;
  r.run(r.machine->disconnected(r.now, {errc::central_unreachable, "refused"}));
  EXPECT_LT(r.timer - r.now.monotonic_ms, waits.back());
}

TEST(forward, says_since_when_there_is_no_connection_however_often_it_was_tried) {
  rig r;
  r.start();
  r.sign_on({});
  auto lost = r.now.unix_ms += 60'000;
  for (int i = 0; i < 3; ++i) {
    r.run(r.machine->disconnected(r.now, {errc::central_unreachable, "refused"}));
    EXPECT_EQ(r.machine->status().since_unix_ms, lost);
    r.now.unix_ms += 30'000;
    r.now.monotonic_ms = r.timer;
    r.run(r.machine->wake(r.now));
  }
  r.sign_on({});
  EXPECT_TRUE(r.machine->status().connected);
  EXPECT_EQ(r.machine->status().since_unix_ms, r.now.unix_ms);
}

TEST(forward, starts_with_a_short_wait_again_after_records_got_through) {
  rig r;
  r.start();
  for (int i = 0; i < 8; ++i) {
    r.run(r.machine->disconnected(r.now, {errc::central_unreachable, "refused"}));
    r.now.monotonic_ms = r.timer;
    r.run(r.machine->wake(r.now));
  }
  r.write(1);
  r.run(r.machine->journal_grew(r.now, r.head));
  r.sign_on({});
  r.appended(r.take_sent(frame_type::append).request, r.head);
  r.run(r.machine->disconnected(r.now, {errc::central_unreachable, "reset"}));
  EXPECT_LE(r.timer - r.now.monotonic_ms, r.settings.retry_ms_min);
}

TEST(forward, closes_a_connection_on_which_nobody_answers) {
  rig r;
  r.write(1);
  r.start();
  r.sign_on({});
  r.take_sent(frame_type::append);
  r.now.monotonic_ms = r.timer;
  r.run(r.machine->wake(r.now));  // silence: a sign of life is asked for first
  r.take_sent(frame_type::ping);
  r.now.monotonic_ms = r.timer;
  r.run(r.machine->wake(r.now));
  EXPECT_EQ(r.closes, 1u);
  EXPECT_EQ(r.machine->status().last_error->code, errc::central_unreachable);
}

TEST(forward, shows_signs_of_life_while_there_is_nothing_to_send) {
  rig r;
  r.start();
  r.sign_on({});
  for (int i = 0; i < 5; ++i) {
    r.now.monotonic_ms = r.timer;
    r.run(r.machine->wake(r.now));
    auto f = r.take_sent(frame_type::ping);
    r.arrive(frame_type::pong, f.request, {});
  }
  EXPECT_EQ(r.closes, 0u);
  r.arrive(frame_type::ping, sync::central_request_bit | 1, {});
  EXPECT_EQ(r.take_sent(frame_type::pong).request, sync::central_request_bit | 1);
}

TEST(forward, gives_up_a_handshake_that_does_not_end) {
  rig r;
  r.start();
  r.connect();
  r.now.monotonic_ms = r.timer;
  r.run(r.machine->wake(r.now));
  EXPECT_EQ(r.closes, 1u);
}

TEST(forward, names_a_damaged_record_of_its_own_journal_instead_of_sending_it) {
  rig r;
  r.write(5);
  r.journal[2].body = "[]";
  r.start();
  r.sign_on({});
  EXPECT_FALSE(r.has_sent(frame_type::append));
  ASSERT_TRUE(r.machine->status().last_error);
  EXPECT_EQ(r.machine->status().last_error->code, errc::journal_damaged);
  EXPECT_NE(r.machine->status().last_error->detail.find("record 3"), std::string::npos);
}

TEST(forward, ignores_records_that_were_read_for_an_earlier_connection) {
  rig r;
  r.write(3);
  r.start();
  r.connect();
  r.challenge(r.central_keys);
  r.take_sent(frame_type::proof);
  r.welcome({});
  ASSERT_EQ(r.reads.size(), 1u);
  auto old = r.reads.front();
  r.reads.clear();
  r.run(r.machine->disconnected(r.now, {errc::central_unreachable, "reset"}));
  r.run(r.machine->records_read(r.now, old.id, std::vector<base::record>(r.journal)));
  EXPECT_FALSE(r.has_sent(frame_type::append));
}

TEST(forward, stores_an_acknowledgement_again_when_the_disk_refused_it) {
  rig r;
  r.wait_for_a_store();
  std::vector<std::uint64_t> waits;
  auto stores = r.stores;
  for (int i = 0; i < 12; ++i) {
    r.run(r.machine->witness_stored(r.now, base::error{errc::storage_full, "the disk is full"}));
    ASSERT_LE(r.timer, r.now.monotonic_ms + r.settings.retry_ms_max);
    waits.push_back(r.timer - r.now.monotonic_ms);
    r.stored.reset();
    // The connection is asked for a sign of life by the same timer, and central gives it.
    for (int turn = 0; turn < 20 && r.stores == stores; ++turn) {
      r.now.monotonic_ms = r.timer;
      r.run(r.machine->wake(r.now));
      if (r.has_sent(frame_type::ping)) r.arrive(frame_type::pong, r.take_sent(frame_type::ping).request, {});
    }
    EXPECT_EQ(r.stores, ++stores);
    ASSERT_TRUE(r.stored);
    EXPECT_EQ(r.stored->last.head, r.head);
  }
  EXPECT_LE(waits.front(), r.settings.retry_ms_min);
  auto warned = [](auto& t) { return t.level == base::log_level::warning && t.why; };
  EXPECT_EQ(std::count_if(r.told.begin(), r.told.end(), warned), 1) << "a log is no place for each try";
  EXPECT_EQ(r.closes, 0u);
  EXPECT_TRUE(r.machine->status().connected);

  r.run(r.machine->witness_stored(r.now, {}));
  for (int i = 0; i < 3; ++i) {
    r.now.monotonic_ms = r.timer;
    r.run(r.machine->wake(r.now));
    if (r.has_sent(frame_type::ping)) r.arrive(frame_type::pong, r.take_sent(frame_type::ping).request, {});
  }
  EXPECT_EQ(r.stores, stores) << "what is stored is not stored again";
}

TEST(forward, stores_an_acknowledgement_again_without_a_connection) {
  rig r;
  r.wait_for_a_store();
  r.run(r.machine->witness_stored(r.now, base::error{errc::storage_full, "the disk is full"}));
  r.run(r.machine->disconnected(r.now, {errc::central_unreachable, "reset"}));
  auto stores = r.stores;
  for (int i = 0; i < 4 && r.stores == stores; ++i) {
    r.now.monotonic_ms = r.timer;
    r.run(r.machine->wake(r.now));
  }
  EXPECT_EQ(r.stores, stores + 1);
  EXPECT_EQ(r.stored->last.head, r.head);
}

TEST(forward, stores_one_witness_at_a_time_and_then_the_newest) {
  rig r;
  r.answer_stores = false;
  r.settings.batch_records_max = 1;
  r.make();
  r.write(3);
  r.start();
  r.sign_on({});
  EXPECT_EQ(r.stores, 1u);  // of the welcome, which pins the key
  for (int i = 1; i <= 3; ++i)
    r.appended(r.take_sent(frame_type::append).request, r.head_at(static_cast<std::uint64_t>(i)));
  EXPECT_EQ(r.stores, 1u);
  r.run(r.machine->witness_stored(r.now, {}));
  EXPECT_EQ(r.stores, 2u);
  EXPECT_EQ(r.stored->last.head, r.head);
  r.run(r.machine->witness_stored(r.now, {}));
  EXPECT_EQ(r.stores, 2u);
}

TEST(forward, lets_a_replacement_go_on_behind_the_head_of_the_till_before_it) {
  rig old;
  old.write(7);
  rig r;
  r.beginning = old.head;
  r.head = old.head;
  auto first = record_after(r.head, "{}", 2);
  r.journal.push_back(first);
  r.head = {2, 8, first.hash};
  r.start();
  r.sign_on(old.head);
  auto f = r.take_sent(frame_type::append);
  EXPECT_EQ(r.batch(f).first, 8u);
  EXPECT_EQ(r.batch(f).previous, old.head.hash);
}

TEST(forward, says_when_central_needs_records_that_are_no_longer_here) {
  rig old;
  old.write(7);
  rig r;
  r.beginning = old.head;
  r.head = old.head;
  r.start();
  r.sign_on(old.head_at(3));
  EXPECT_EQ(r.machine->status().last_error->code, errc::record_gap);
  EXPECT_TRUE(r.machine->status().stopped_for_a_person);
}

TEST(forward, survives_frames_that_make_no_sense_in_any_phase) {
  for (int phase = 0; phase < 4; ++phase) {
    for (int type = 0; type < 20; ++type) {
      for (auto payload : {std::string(), std::string("x"), std::string(300, '\0')}) {
        rig r;
        r.write(2);
        r.start();
        if (phase >= 1) r.connect();
        if (phase >= 2) r.challenge(r.central_keys);
        if (phase >= 3) r.welcome({});
        r.arrive(static_cast<frame_type>(type), r.greeting, base::as_bytes(payload));
        r.answer_reads();
        EXPECT_LE(r.closes, 1u);
        EXPECT_EQ(r.machine->status().acknowledged.sequence, 0u);
      }
    }
  }
}

TEST(forward, decides_the_same_when_the_same_things_happen) {
  auto play = [] {
    rig r;
    r.settings.batch_records_max = 3;
    r.make();
    r.write(10);
    r.start();
    r.sign_on({});
    auto one = r.take_sent(frame_type::append);
    r.refuse(one.request, errc::record_gap, base::chain_head{});
    r.run(r.machine->disconnected(r.now, {errc::central_unreachable, "reset"}));
    std::string trace = std::to_string(r.timer) + " " + std::to_string(r.reads.size());
    for (auto& f : r.sent) trace += " " + std::to_string(f.request) + base::to_hex(base::sha256({f.payload}));
    return trace;
  };
  EXPECT_EQ(play(), play());
}

}  // namespace
}  // namespace tilld::daemon
