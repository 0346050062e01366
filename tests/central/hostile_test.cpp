// Peers that send half, huge or senseless frames, or never read: an answer or a close for them, nothing for
// the others.
#include <gtest/gtest.h>
#include <zstd.h>

#include "tests/central/raw_line.hpp"

namespace tilld::tests {
namespace {

namespace asio = boost::asio;
namespace sync = wire::sync;
using base::errc;
using sync::frame_type;

constexpr std::size_t memory_growth_max = 64 << 20;

base::byte_string header(std::uint32_t size, std::uint8_t version, std::uint8_t type, std::uint16_t flags) {
  base::byte_string out;
  base::byte_writer w(out);
  w.u32(size);
  w.u8(version);
  w.u8(type);
  w.u16(flags);
  w.u64(1);
  return out;
}

base::byte_string bomb(std::size_t plain_size) {
  base::byte_string zeros(plain_size), packed(ZSTD_compressBound(plain_size));
  packed.resize(ZSTD_compress(packed.data(), packed.size(), zeros.data(), zeros.size(), 3));
  auto out =
      header(static_cast<std::uint32_t>(packed.size()), 1, static_cast<std::uint8_t>(frame_type::append), 1);
  out.insert(out.end(), packed.begin(), packed.end());
  return out;
}

// A central with one honest till that keeps selling; each test ends with its records all there.
struct hostile : testing::Test {
  asio::io_context io;
  central_program central;
  test_till honest{io};
  test_till rogue{io, "till-2"};  // listed, and misbehaving
  std::size_t memory_before = 0;

  void SetUp() override {
    central.tills["till-1"] = {honest.key.public_half()};
    central.tills["till-2"] = {rogue.key.public_half()};
    central.write_config();
    ASSERT_TRUE(central.start());
    honest.forward_to("head-office", central);
    sell();
    memory_before = central.memory();
  }
  void sell() {
    for (int i = 0; i < 5; ++i) honest.sell();
    ASSERT_TRUE(run_until(io, [&] { return honest.everything_arrived(); }));
  }
  void TearDown() override {
    sell();
#ifndef TILLD_SANITIZED
    EXPECT_LT(central.memory(), memory_before + memory_growth_max);
#endif
    expect_same_records(central, honest);
    EXPECT_EQ(central.get("/v1/tills/till-2/head").json().at("quarantine").is_null(), true);
  }
  void expect_refused(raw_line& line, errc code) {
    auto f = line.receive();
    ASSERT_TRUE(f);
    ASSERT_EQ(f->type, frame_type::refusal);
    auto r = sync::refusal::parse(f->payload);
    ASSERT_TRUE(r);
    EXPECT_EQ(static_cast<errc>(r->code), code);
    EXPECT_TRUE(line.closed_by_peer());
  }
};

TEST_F(hostile, garbage_is_refused) {
  for (auto text :
       {"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "{\"jsonrpc\":\"2.0\",\"method\":\"session.hello\"}\n",
        "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"}) {
    raw_line line(central);
    line.send(base::as_bytes(text));
    auto f = line.receive();
    ASSERT_TRUE(f);
    EXPECT_EQ(f->type, frame_type::refusal);
    EXPECT_TRUE(line.closed_by_peer());
  }
}

TEST_F(hostile, stranger_may_not_announce_much) {
  raw_line line(central);
  line.send(header(4097, 1, static_cast<std::uint8_t>(frame_type::hello), 0));
  expect_refused(line, errc::message_too_large);
}

TEST_F(hostile, stranger_may_not_send_records) {
  raw_line line(central);
  line.send(frame_type::append, 1, sync::append{}.encode());
  expect_refused(line, errc::hello_required);
}

TEST_F(hostile, stranger_with_a_bomb_is_refused) {
  raw_line line(central);
  auto packed = bomb(8 << 20);
  ASSERT_LT(packed.size(), 4096u);
  line.send(packed);
  expect_refused(line, errc::message_too_large);
}

TEST_F(hostile, proof_without_the_key_is_refused) {
  raw_line line(central);
  sync::hello h;
  h.merchant = "shop";
  h.till = "till-2";
  h.key = rogue.key.public_half();
  line.send(frame_type::hello, 1, h.encode());
  auto f = line.receive();
  ASSERT_TRUE(f);
  ASSERT_EQ(f->type, frame_type::challenge);
  line.send(frame_type::proof, 1, sync::proof{}.encode());
  expect_refused(line, errc::key_refused);
}

TEST_F(hostile, proof_of_an_earlier_sign_on_is_worth_nothing) {
  sync::hello h;
  h.merchant = "shop";
  h.till = "till-2";
  h.key = rogue.key.public_half();
  h.start_counter = 1;
  raw_line first(central);
  first.send(frame_type::hello, 1, h.encode());
  auto c = sync::challenge::parse(first.receive()->payload);
  ASSERT_TRUE(c);
  sync::proof recorded{rogue.key.sign(sync::proof_text(h, c->central_nonce, c->central_key))};
  raw_line replay(central);
  replay.send(frame_type::hello, 1, h.encode());
  ASSERT_TRUE(replay.receive());
  replay.send(frame_type::proof, 1, recorded.encode());
  expect_refused(replay, errc::key_refused);
}

TEST_F(hostile, half_frames_hold_nobody_up) {
  raw_line silent(central), half_header(central), half_payload(central);
  half_header.send(base::as_bytes("\x01\x02"));
  half_payload.send(header(1000, 1, static_cast<std::uint8_t>(frame_type::hello), 0));
  sell();
  // A stranger has ten seconds, whatever it sends.
  EXPECT_TRUE(silent.closed_by_peer());
  EXPECT_TRUE(half_header.closed_by_peer());
  EXPECT_TRUE(half_payload.closed_by_peer());
}

TEST_F(hostile, strangers_on_all_places_do_not_keep_a_till_out) {
  std::vector<std::unique_ptr<raw_line>> many;
  for (int i = 0; i < 100; ++i) many.push_back(std::make_unique<raw_line>(central));
  // A till that has to connect anew; the strangers that came first make room for it.
  honest.forward_to("head-office", central);
  sell();
  EXPECT_TRUE(many.front()->something_arrived());
  EXPECT_FALSE(many.back()->something_arrived());
}

TEST_F(hostile, till_with_a_huge_frame_or_a_bomb_is_refused) {
  raw_line huge(central);
  ASSERT_TRUE(huge.sign_on(rogue));
  huge.send(header((4 << 20) + 1, 1, static_cast<std::uint8_t>(frame_type::append), 0));
  expect_refused(huge, errc::message_too_large);
  raw_line packed(central);
  ASSERT_TRUE(packed.sign_on(rogue));
  packed.send(bomb(512 << 20));
  expect_refused(packed, errc::message_too_large);
}

TEST_F(hostile, unknown_frame_type_is_refused_and_the_line_lives_on) {
  raw_line line(central);
  ASSERT_TRUE(line.sign_on(rogue));
  line.send(static_cast<frame_type>(77), 9, base::as_bytes("?"));
  auto f = line.receive();
  ASSERT_TRUE(f);
  EXPECT_EQ(f->request, 9u);
  EXPECT_EQ(static_cast<errc>(sync::refusal::parse(f->payload)->code), errc::unknown_method);
  line.send(frame_type::ping, 10, {});
  f = line.receive();
  ASSERT_TRUE(f);
  EXPECT_EQ(f->type, frame_type::pong);
}

TEST_F(hostile, damaged_batch_changes_nothing) {
  raw_line line(central);
  ASSERT_TRUE(line.sign_on(rogue));
  for (int i = 0; i < 3; ++i) rogue.journal.write("{}");
  sync::append a;
  a.first = 1;
  a.records = rogue.journal.records;
  a.records[2].body = "[]";
  line.send(frame_type::append, 2, a.encode());
  auto f = line.receive();
  ASSERT_TRUE(f);
  EXPECT_EQ(static_cast<errc>(sync::refusal::parse(f->payload)->code), errc::record_damaged);
  EXPECT_EQ(central.get("/v1/tills/till-2/head").json().at("sequence").to_number<int>(), 0);
  // And a gap is said to be one, with the head that central holds.
  a.records = {rogue.journal.records[1], rogue.journal.records[2]};
  a.previous = rogue.journal.records[0].hash;
  a.first = 2;
  line.send(frame_type::append, 3, a.encode());
  f = line.receive();
  ASSERT_TRUE(f);
  auto r = sync::refusal::parse(f->payload);
  EXPECT_EQ(static_cast<errc>(r->code), errc::record_gap);
  ASSERT_TRUE(r->head);
  EXPECT_EQ(r->head->sequence, 0u);
  a.records = rogue.journal.records;
  a.previous = {};
  a.first = 1;
  // Twice the same: applied once, answered twice.
  line.send(frame_type::append, 4, a.encode());
  line.send(frame_type::append, 5, a.encode());
  for (std::uint64_t request : {4u, 5u}) {
    f = line.receive();
    ASSERT_TRUE(f);
    EXPECT_EQ(f->request, request);
    EXPECT_EQ(f->type, frame_type::appended);
    EXPECT_EQ(sync::acknowledgement::parse(f->payload)->head, rogue.journal.head());
  }
  expect_same_records(central, rogue);
}

TEST_F(hostile, till_that_never_reads_is_not_listened_to_any_more) {
  raw_line line(central);
  ASSERT_TRUE(line.sign_on(rogue));
  auto call = sync::encode_frame(frame_type::call, 1, sync::call{"till.head", "{}"}.encode());
  ASSERT_TRUE(call);
  // The ids repeat, which central refuses at some point; or the kernel's buffers fill. Either way it ends.
  base::byte_string many;
  for (std::uint64_t i = 1; i < 2000; ++i) {
    auto f = sync::encode_frame(frame_type::call, i, sync::call{"till.head", "{}"}.encode());
    many.insert(many.end(), f->begin(), f->end());
  }
  auto sent = line.send_until_stuck(many, 256 << 20);
  EXPECT_LT(sent, 64u << 20);
  sell();
}

TEST_F(hostile, till_that_floods_with_large_batches_is_slowed_down) {
  raw_line line(central);
  ASSERT_TRUE(line.sign_on(rogue));
  // Three megabytes that cannot be compressed, announced as a batch and refused as one, again and again.
  base::byte_string noise(3 << 20);
  std::uint32_t x = 7;
  for (auto& b : noise) {
    x ^= x << 13, x ^= x >> 17, x ^= x << 5;
    b = static_cast<std::uint8_t>(x);
  }
  auto frame =
      header(static_cast<std::uint32_t>(noise.size()), 1, static_cast<std::uint8_t>(frame_type::append), 0);
  frame.insert(frame.end(), noise.begin(), noise.end());
  line.send_until_stuck(frame, 256 << 20);
  sell();
}

}  // namespace
}  // namespace tilld::tests
