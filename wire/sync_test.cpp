#include "wire/sync.hpp"

#include <gtest/gtest.h>
#include <zstd.h>

#include <fstream>
#include <iterator>

#include "wire/loopback.hpp"
#include "wire/sync_frame.hpp"

namespace tilld::wire::sync {
namespace {

using base::errc;

base::byte_string text_bytes(std::string_view text) {
  auto b = base::as_bytes(text);
  return {b.begin(), b.end()};
}

template <std::size_t N>
std::array<std::uint8_t, N> counting(std::uint8_t from) {
  std::array<std::uint8_t, N> a{};
  for (auto& b : a) b = from++;
  return a;
}

// Octets without a pattern, so that nothing can be compressed away.
base::byte_string noise(std::size_t size) {
  base::byte_string out(size);
  std::uint32_t x = 2463534242;
  for (auto& b : out) {
    x ^= x << 13;
    x ^= x >> 17;
    x ^= x << 5;
    b = static_cast<std::uint8_t>(x);
  }
  return out;
}

base::byte_string raw_frame(std::uint32_t size, std::uint8_t version, std::uint8_t type, std::uint16_t flags,
                            std::uint64_t request, base::byte_view payload) {
  base::byte_string out;
  base::byte_writer w(out);
  w.u32(size);
  w.u8(version);
  w.u8(type);
  w.u16(flags);
  w.u64(request);
  w.bytes(payload);
  return out;
}

hello some_hello() {
  hello h;
  h.software = "tilld 0.1.0";
  h.merchant = "corner-shop";
  h.till = "till-1";
  h.key = counting<32>(1);
  h.expected_role = role::witness;
  h.head = {2, 77, counting<32>(40)};
  h.last = acknowledgement{{1, 70, counting<32>(80)}, 900, counting<32>(120), counting<64>(3)};
  h.start_counter = 12;
  h.instance = counting<16>(200);
  h.till_nonce = counting<32>(9);
  return h;
}

append batch_of(std::string till, std::size_t count, const std::string& body) {
  append a;
  a.first = 1;
  base::hash256 previous{};
  for (std::size_t i = 0; i < count; ++i) {
    base::record_header h;
    h.sequence = i + 1;
    h.till = till;
    h.kind = "sale";
    h.body_size = static_cast<std::uint32_t>(body.size());
    base::record r{base::encode(h), {}, body};
    r.hash = previous = base::record_hash(previous, r.header, base::as_bytes(body));
    a.records.push_back(r);
  }
  return a;
}

TEST(sync_frame, has_the_octets_that_the_page_shows) {
  auto octets = encode_frame(frame_type::ping, 7, {});
  ASSERT_TRUE(octets);
  EXPECT_EQ(base::to_hex(*octets), "00000000010a00000000000000000007");
  auto with_payload = encode_frame(frame_type::call, 0x0102030405060708, base::as_bytes("hi"));
  ASSERT_TRUE(with_payload);
  EXPECT_EQ(base::to_hex(*with_payload), "000000020108000001020304050607086869");
}

TEST(sync_frame, comes_through_in_any_split) {
  base::byte_string stream;
  std::vector<base::byte_string> payloads{{}, text_bytes("one"), base::byte_string(5000, 7), noise(3000)};
  for (std::size_t i = 0; i < payloads.size(); ++i) {
    auto octets = encode_frame(frame_type::append, i, payloads[i]);
    ASSERT_TRUE(octets);
    stream.insert(stream.end(), octets->begin(), octets->end());
  }
  for (std::size_t step : {1ul, 2ul, 15ul, 16ul, 17ul, 1000ul, stream.size()}) {
    frame_reader reader(frame_reader::for_peers);
    std::vector<frame> seen;
    for (std::size_t at = 0; at < stream.size(); at += step) {
      reader.feed(base::byte_view(stream).subspan(at, std::min(step, stream.size() - at)));
      for (;;) {
        auto next = reader.next();
        ASSERT_TRUE(next) << to_string(next.error());
        if (!*next) break;
        seen.push_back(std::move(**next));
      }
    }
    ASSERT_EQ(seen.size(), payloads.size()) << "step " << step;
    for (std::size_t i = 0; i < seen.size(); ++i) {
      EXPECT_EQ(seen[i].request, i);
      EXPECT_EQ(seen[i].payload, payloads[i]);
    }
    EXPECT_EQ(reader.held(), 0u);
  }
}

TEST(sync_frame, is_compressed_only_when_that_makes_it_smaller) {
  auto plain = encode_frame(frame_type::append, 1, noise(4000));
  ASSERT_TRUE(plain);
  EXPECT_EQ(plain->size(), frame_header_size + 4000);
  auto packed = encode_frame(frame_type::append, 1, base::byte_string(4000, 'a'));
  ASSERT_TRUE(packed);
  EXPECT_LT(packed->size(), 200u);
}

TEST(sync_frame, waits_for_the_rest_of_a_half_frame_and_holds_no_more_than_came) {
  auto octets = raw_frame(4 << 20, 1, 6, 0, 1, {});
  frame_reader reader(frame_reader::for_peers);
  reader.feed(octets);
  auto next = reader.next();
  ASSERT_TRUE(next);
  EXPECT_FALSE(*next);
  EXPECT_EQ(reader.held(), frame_header_size);
}

TEST(sync_frame, refuses_what_is_too_large_before_it_is_there) {
  frame_reader reader(frame_reader::for_peers);
  reader.feed(raw_frame((4 << 20) + 1, 1, 6, 0, 1, {}));
  auto next = reader.next();
  ASSERT_FALSE(next);
  EXPECT_EQ(next.error().code, errc::message_too_large);

  frame_reader strangers(frame_reader::for_strangers);
  strangers.feed(raw_frame(4097, 1, 1, 0, 1, {}));
  auto from_stranger = strangers.next();
  ASSERT_FALSE(from_stranger);
  EXPECT_EQ(from_stranger.error().code, errc::message_too_large);
}

TEST(sync_frame, refuses_another_version_and_unknown_flags_and_stays_refused) {
  frame_reader reader(frame_reader::for_peers);
  reader.feed(raw_frame(0, 2, 10, 0, 1, {}));
  EXPECT_EQ(reader.next().error().code, errc::protocol_unsupported);
  reader.feed(raw_frame(0, 1, 10, 0, 1, {}));
  EXPECT_EQ(reader.next().error().code, errc::protocol_unsupported);
  EXPECT_EQ(reader.held(), 0u);

  frame_reader other(frame_reader::for_peers);
  other.feed(raw_frame(0, 1, 10, 2, 1, {}));
  EXPECT_EQ(other.next().error().code, errc::parse_error);
}

TEST(sync_frame, refuses_a_compressed_bomb_without_growing) {
  // 512 MiB of zeros in some 16 KiB.
  base::byte_string bomb;
  auto* context = ZSTD_createCCtx();
  base::byte_string zeros(1 << 20), chunk(1 << 20);
  for (int i = 0; i < 512; ++i) {
    ZSTD_inBuffer in{zeros.data(), zeros.size(), 0};
    std::size_t left = 1;
    while (left != 0 && (in.pos < in.size || i == 511)) {
      ZSTD_outBuffer out{chunk.data(), chunk.size(), 0};
      left = ZSTD_compressStream2(context, &out, &in, i == 511 ? ZSTD_e_end : ZSTD_e_continue);
      ASSERT_FALSE(ZSTD_isError(left));
      bomb.insert(bomb.end(), chunk.begin(), chunk.begin() + static_cast<std::ptrdiff_t>(out.pos));
    }
  }
  ZSTD_freeCCtx(context);
  ASSERT_LT(bomb.size(), 1u << 20);
  frame_reader reader(frame_reader::for_peers);
  reader.feed(raw_frame(static_cast<std::uint32_t>(bomb.size()), 1, 6, 1, 1, bomb));
  auto next = reader.next();
  ASSERT_FALSE(next);
  EXPECT_EQ(next.error().code, errc::message_too_large);
  EXPECT_EQ(reader.held(), 0u);
}

TEST(sync_frame, refuses_a_window_that_would_need_much_memory) {
  auto* context = ZSTD_createCCtx();
  ZSTD_CCtx_setParameter(context, ZSTD_c_windowLog, 27);
  ZSTD_CCtx_setParameter(context, ZSTD_c_contentSizeFlag, 0);
  base::byte_string packed(4096);
  ZSTD_outBuffer out{packed.data(), packed.size(), 0};
  ZSTD_inBuffer in{"hello", 5, 0};
  while (ZSTD_compressStream2(context, &out, &in, ZSTD_e_flush) != 0) {
  }
  while (ZSTD_compressStream2(context, &out, &in, ZSTD_e_end) != 0) {
  }
  ZSTD_freeCCtx(context);
  packed.resize(out.pos);
  frame_reader reader(frame_reader::for_peers);
  reader.feed(raw_frame(static_cast<std::uint32_t>(packed.size()), 1, 6, 1, 1, packed));
  auto next = reader.next();
  ASSERT_FALSE(next);
  EXPECT_EQ(next.error().code, errc::parse_error);
}

TEST(sync_frame, refuses_a_compressed_payload_that_is_cut_or_followed_by_something) {
  auto whole = encode_frame(frame_type::append, 1, base::byte_string(4000, 'a'));
  ASSERT_TRUE(whole);
  auto payload = base::byte_view(*whole).subspan(frame_header_size);
  for (std::size_t size = 0; size < payload.size(); ++size) {
    frame_reader reader(frame_reader::for_peers);
    reader.feed(raw_frame(static_cast<std::uint32_t>(size), 1, 6, 1, 1, payload.first(size)));
    auto next = reader.next();
    ASSERT_FALSE(next) << "cut at " << size;
    EXPECT_EQ(next.error().code, errc::parse_error);
  }
  base::byte_string longer(payload.begin(), payload.end());
  longer.push_back(0);
  frame_reader reader(frame_reader::for_peers);
  reader.feed(raw_frame(static_cast<std::uint32_t>(longer.size()), 1, 6, 1, 1, longer));
  EXPECT_EQ(reader.next().error().code, errc::parse_error);
}

TEST(sync_frame, survives_garbage) {
  auto garbage = noise(200'000);
  for (std::size_t start = 0; start < 400; ++start) {
    frame_reader reader(frame_reader::for_strangers);
    reader.feed(base::byte_view(garbage).subspan(start * 37, 600));
    for (int i = 0; i < 64; ++i) {
      auto next = reader.next();
      if (!next || !*next) break;
    }
    EXPECT_LE(reader.held(), 600u);
  }
}

TEST(sync_frame, delivers_a_type_that_it_does_not_know) {
  frame_reader reader(frame_reader::for_peers);
  reader.feed(raw_frame(2, 1, 99, 0, 5, base::as_bytes("hi")));
  auto next = reader.next();
  ASSERT_TRUE(next);
  ASSERT_TRUE(*next);
  EXPECT_EQ(static_cast<int>((*next)->type), 99);
}

TEST(sync_message, hello_comes_back_as_it_was_sent) {
  auto sent = some_hello();
  auto read = hello::parse(sent.encode());
  ASSERT_TRUE(read) << to_string(read.error());
  EXPECT_EQ(read->encode(), sent.encode());
  EXPECT_EQ(read->till, "till-1");
  EXPECT_EQ(read->merchant, "corner-shop");
  EXPECT_EQ(read->expected_role, role::witness);
  EXPECT_EQ(read->head, sent.head);
  EXPECT_EQ(read->last, sent.last);
  EXPECT_EQ(read->start_counter, 12u);
  sent.last.reset();
  auto without = hello::parse(sent.encode());
  ASSERT_TRUE(without);
  EXPECT_FALSE(without->last);
}

TEST(sync_message, is_refused_when_cut_at_any_octet_or_followed_by_one) {
  auto batch = batch_of("till-1", 3, R"({"total":1})");
  refusal no{-32067, "records are missing", base::chain_head{1, 5, counting<32>(1)}};
  welcome in;
  in.software = "till-central 0.1.0";
  in.notice = errc::record_gap;
  in.notice_text = "restored";
  witness w{counting<32>(5), *some_hello().last};
  auto check = [](const base::byte_string& whole, auto parse) {
    ASSERT_TRUE(parse(whole));
    for (std::size_t size = 0; size < whole.size(); ++size)
      EXPECT_FALSE(parse(base::byte_view(whole).first(size))) << "cut at " << size;
    auto longer = whole;
    longer.push_back(0);
    EXPECT_FALSE(parse(longer));
  };
  check(some_hello().encode(), [](base::byte_view b) { return hello::parse(b).has_value(); });
  check(batch.encode(), [](base::byte_view b) { return append::parse(b).has_value(); });
  check(no.encode(), [](base::byte_view b) { return refusal::parse(b).has_value(); });
  check(in.encode(), [](base::byte_view b) { return welcome::parse(b).has_value(); });
  check(w.encode(), [](base::byte_view b) { return witness::parse(b).has_value(); });
  check(w.last.encode(), [](base::byte_view b) { return acknowledgement::parse(b).has_value(); });
  EXPECT_EQ(w.encode().size(), 180u);
  check(challenge{}.encode(), [](base::byte_view b) { return challenge::parse(b).has_value(); });
  check(proof{}.encode(), [](base::byte_view b) { return proof::parse(b).has_value(); });
}

TEST(sync_message, hello_with_a_wrong_name_or_role_is_refused) {
  for (auto name : {"", "Till", "a b", "../etc", "a-name-that-is-longer-than-allowed"}) {
    auto h = some_hello();
    h.till = name;
    EXPECT_FALSE(hello::parse(h.encode())) << name;
  }
  auto h = some_hello();
  h.expected_role = static_cast<role>(3);
  EXPECT_FALSE(hello::parse(h.encode()));
}

TEST(sync_message, batch_carries_records_as_they_are_stored) {
  auto sent = batch_of("till-1", 5, R"({"kind":"sale","text":"zażółć 猫"})");
  auto read = append::parse(sent.encode());
  ASSERT_TRUE(read) << to_string(read.error());
  ASSERT_EQ(read->records.size(), 5u);
  base::chain_follower follower("till-1");
  for (auto& r : read->records) EXPECT_TRUE(follower.take(r));
  EXPECT_EQ(follower.head().sequence, 5u);
}

TEST(sync_message, batch_with_an_impossible_count_reserves_nothing) {
  base::byte_string octets;
  base::byte_writer w(octets);
  w.bytes(base::hash256{});
  w.u64(1);
  w.u32(0xffffffff);
  EXPECT_FALSE(append::parse(octets));
}

TEST(sync_message, batch_with_a_header_that_is_no_header_is_damaged) {
  auto octets = batch_of("till-1", 1, "{}").encode();
  octets[append::fixed_size] = 9;  // record format
  auto read = append::parse(octets);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, errc::record_damaged);
}

TEST(sync_message, refusal_with_a_number_from_a_newer_peer_is_still_readable) {
  auto e = refusal{-32999, "too new", {}}.as_error();
  EXPECT_EQ(e.code, errc::internal);
  EXPECT_NE(e.detail.find("-32999"), std::string::npos);
  EXPECT_EQ((refusal{-32066, "stopped", {}}.as_error().code), errc::quarantined);
}

TEST(sync_signature, of_one_side_never_fits_the_other_and_covers_the_whole_hello) {
  auto h = some_hello();
  nonce n = counting<32>(77);
  auto key = counting<32>(60);
  EXPECT_NE(proof_text(h, n, key), challenge_text(h, n, key));
  auto other = h;
  other.start_counter += 1;
  EXPECT_NE(proof_text(h, n, key), proof_text(other, n, key));
  other = h;
  other.instance[0] ^= 1;
  EXPECT_NE(proof_text(h, n, key), proof_text(other, n, key));
  other = h;
  other.last.reset();
  EXPECT_NE(proof_text(h, n, key), proof_text(other, n, key));
}

TEST(sync_signature, text_kept_as_evidence_tells_the_head_that_was_signed) {
  auto h = some_hello();
  auto text = proof_text(h, counting<32>(1), counting<32>(2));
  EXPECT_EQ(head_in_proof_text(text, "till-1"), h.head);
  EXPECT_FALSE(head_in_proof_text(text, "till-2"));
  text.push_back(0);
  EXPECT_FALSE(head_in_proof_text(text, "till-1"));
  EXPECT_FALSE(head_in_proof_text(challenge_text(h, {}, {}), "till-1"));
}

std::string page() {
  std::ifstream in(TILLD_SOURCE_DIR "/docs/sync-protocol.md");
  return {std::istreambuf_iterator<char>(in), {}};
}

TEST(sync_page, shows_the_octets_that_are_sent) {
  auto text = page();
  ASSERT_FALSE(text.empty());
  EXPECT_NE(text.find("\n" + base::to_hex(*encode_frame(frame_type::ping, 7, {})) + "\n"), std::string::npos);
  auto call_frame = encode_frame(frame_type::call, 0x0102030405060708, base::as_bytes("hi"));
  EXPECT_NE(text.find("\n" + base::to_hex(*call_frame) + "\n"), std::string::npos);
  acknowledgement a{{1, 3, counting<32>(0)}, 9, counting<32>(32), {}};
  EXPECT_NE(text.find("\n" + base::to_hex(a.signed_text("t1")) + "\n"), std::string::npos);
}

// Golden values: a change here is a change of the protocol.
TEST(sync_signature, texts_have_the_octets_that_the_page_shows) {
  acknowledgement a;
  a.head = {1, 3, counting<32>(0)};
  a.central_sequence = 9;
  a.central_hash = counting<32>(32);
  EXPECT_EQ(base::to_hex(a.signed_text("t1")),
            "74696c6c642e61636b2e31"
            "7431000000000000000000000000000000000000000000000000000000000000"
            "00000001"
            "0000000000000003"
            "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
            "0000000000000009"
            "202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f");
}

}  // namespace
}  // namespace tilld::wire::sync

namespace tilld::wire {
namespace {

TEST(loopback, looks_at_the_whole_address_also_behind_a_zero) {
  EXPECT_FALSE(parse_loopback(std::string_view("127.0.0.1\0.example:7710", 23)));
  EXPECT_FALSE(parse_loopback(std::string_view("127.0.0.1\0:7710", 15)));
}

TEST(loopback, takes_the_addresses_of_this_machine) {
  EXPECT_EQ(parse_loopback("127.0.0.1:7710")->text(), "127.0.0.1:7710");
  EXPECT_EQ(parse_loopback("127.1.2.3:0")->text(), "127.1.2.3:0");
  EXPECT_EQ(parse_loopback("[::1]:7710")->text(), "[::1]:7710");
  EXPECT_EQ(parse_loopback("localhost:7710")->text(), "127.0.0.1:7710");
  EXPECT_EQ(parse_destination_url("tcp://127.0.0.1:7710")->text(), "127.0.0.1:7710");
}

TEST(loopback, refuses_every_other_machine_and_every_spelling_of_all_machines) {
  for (auto text : {"0.0.0.0:7710",
                    "0.0.0.0",
                    "0:7710",
                    "*:7710",
                    "*",
                    ":7710",
                    "",
                    "[::]:7710",
                    "[::0]:7710",
                    "::",
                    "[0:0::0]:7710",
                    "[::ffff:0.0.0.0]:7710",
                    "[::ffff:127.0.0.1]:7710",
                    "0x0:7710",
                    "000.000.000.000:7710",
                    "0.0:7710",
                    "00:7710",
                    "192.168.1.1:7710",
                    "10.0.0.1:7710",
                    "example.test:7710",
                    "127.0.0.1.example.test:7710",
                    "127.0.0.1 :7710",
                    " 127.0.0.1:7710",
                    "localhost.:7710",
                    "LOCALHOST:7710",
                    "127.1:7710",
                    "2130706433:7710",
                    "0177.0.0.1:7710",
                    "[fe80::1%lo]:7710",
                    "::1:7710",
                    "[::1%lo]:7710",
                    "255.255.255.255:1",
                    "1270.0.0.1:1"}) {
    auto read = parse_loopback(text);
    ASSERT_FALSE(read) << text;
    EXPECT_EQ(read.error().code, base::errc::listen_refused) << text;
  }
}

TEST(loopback, refuses_a_port_that_is_none) {
  for (auto text : {"127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1", "127.0.0.1:7710x", "[::1]",
                    "127.0.0.1: 1"}) {
    auto read = parse_loopback(text);
    ASSERT_FALSE(read) << text;
    EXPECT_EQ(read.error().code, base::errc::config_wrong_value) << text;
  }
  EXPECT_EQ(parse_destination_url("tcp://127.0.0.1:0").error().code, base::errc::config_wrong_value);
  EXPECT_EQ(parse_destination_url("127.0.0.1:7710").error().code, base::errc::config_wrong_value);
  EXPECT_EQ(parse_destination_url("tcp://0.0.0.0:7710").error().code, base::errc::listen_refused);
}

}  // namespace
}  // namespace tilld::wire
