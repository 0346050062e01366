#include "base/record.hpp"

#include <gtest/gtest.h>

#include <map>
#include <regex>

#include "base/file.hpp"

using namespace tilld::base;

// The golden values of format 1. They were computed by a program of its own in another language; from the
// first release on they never change. docs/journal-format.md shows the same octets, and a test below compares
// them.
namespace {

constexpr auto boot = "00112233445566778899aabbccddeeff";
constexpr auto first_body = R"({"total":{"minor":1250,"currency":"EUR"},"lines":[{"text":"Brötchen"}]})";
constexpr auto first_header =
    "0102000000000001"                                                  // format, trust, reserved, epoch
    "0000000000000001"                                                  // sequence
    "018bcfe568007abc8123456789abcdef"                                  // id
    "0000018bcfe56800"                                                  // happened
    "00000000000003e8"                                                  // monotonic
    "00112233445566778899aabbccddeeff"                                  // boot
    "74696c6c2d310000000000000000000000000000000000000000000000000000"  // till
    "73616c650000000000000000000000000000000000000000"                  // kind
    "0000004800000000";                                                 // body size, reserved
constexpr auto first_hash = "1a1712dc19c4303dce6cc0efac58ed8cdb5f08fabc7bba77dadf0e27fdd3990c";
constexpr auto second_body = R"({"reason":"纸用完了"})";
constexpr auto second_header =
    "0101000000000001"
    "0000000000000002"
    "018bcfe56be87def9fedcba987654321"
    "0000018bcfe56be8"
    "00000000000007d0"
    "00112233445566778899aabbccddeeff"
    "74696c6c2d310000000000000000000000000000000000000000000000000000"
    "706c7567696e2e6661696c656400000000000000000000000000001900000000";
constexpr auto second_hash = "183ba8436497fde8eb77de17fd421e4cf2270f9b4e3d4cdd48825bbc591923f0";

template <std::size_t N>
std::array<std::uint8_t, N> octets(std::string_view hex) {
  std::array<std::uint8_t, N> out{};
  auto from = from_hex(hex).value();
  EXPECT_EQ(from.size(), N);
  std::copy_n(from.begin(), std::min(from.size(), N), out.begin());
  return out;
}

record_header golden_header(int which) {
  record_header h;
  h.epoch = 1;
  h.sequence = static_cast<std::uint64_t>(which);
  h.id = uuid::parse(which == 1 ? "018bcfe5-6800-7abc-8123-456789abcdef"
                                : "018bcfe5-6be8-7def-9fed-cba987654321")
             .value();
  h.happened.unix_ms = which == 1 ? 1'700'000'000'000 : 1'700'000'001'000;
  h.happened.monotonic_ms = which == 1 ? 1000 : 2000;
  h.happened.boot_id = octets<16>(boot);
  h.happened.trust = which == 1 ? clock_trust::synchronised : clock_trust::unsynchronised;
  h.till = "till-1";
  h.kind = which == 1 ? "sale" : "plugin.failed";
  h.body_size = static_cast<std::uint32_t>(std::string_view(which == 1 ? first_body : second_body).size());
  return h;
}

record golden_record(int which) {
  record r;
  r.header = encode(golden_header(which));
  r.body = which == 1 ? first_body : second_body;
  r.hash = octets<32>(which == 1 ? first_hash : second_hash);
  return r;
}

// The next record of a chain, as a till would write it.
record follow(const chain_head& head, std::uint32_t epoch, std::string till = "till-1",
              std::string body = "{}") {
  record_header h = golden_header(1);
  h.epoch = epoch;
  h.sequence = head.sequence + 1;
  h.till = std::move(till);
  h.body_size = static_cast<std::uint32_t>(body.size());
  record r;
  r.header = encode(h);
  r.body = std::move(body);
  r.hash = record_hash(head.hash, r.header, as_bytes(r.body));
  return r;
}

}  // namespace

TEST(record, has_the_golden_octets_of_format_1) {
  EXPECT_EQ(to_hex(encode(golden_header(1))), first_header);
  EXPECT_EQ(to_hex(encode(golden_header(2))), second_header);
}

TEST(record, has_the_golden_hashes_of_format_1) {
  auto one = record_hash({}, octets<128>(first_header), as_bytes(first_body));
  EXPECT_EQ(to_hex(one), first_hash);
  EXPECT_EQ(to_hex(record_hash(one, octets<128>(second_header), as_bytes(second_body))), second_hash);
}

TEST(record, is_read_back_from_its_golden_octets) {
  for (int which : {1, 2}) {
    auto h = decode_record_header(from_hex(which == 1 ? first_header : second_header).value());
    ASSERT_TRUE(h) << h.error().detail;
    auto expected = golden_header(which);
    EXPECT_EQ(*h, expected);
    EXPECT_EQ(h->epoch, expected.epoch);
    EXPECT_EQ(h->sequence, expected.sequence);
    EXPECT_EQ(h->id, expected.id);
    EXPECT_EQ(h->happened.unix_ms, expected.happened.unix_ms);
    EXPECT_EQ(h->happened.monotonic_ms, expected.happened.monotonic_ms);
    EXPECT_EQ(h->happened.boot_id, expected.happened.boot_id);
    EXPECT_EQ(h->happened.trust, expected.happened.trust);
    EXPECT_EQ(h->till, expected.till);
    EXPECT_EQ(h->kind, expected.kind);
    EXPECT_EQ(h->body_size, expected.body_size);
  }
}

TEST(record, carries_the_largest_names_and_numbers_and_a_time_before_1970) {
  auto h = golden_header(1);
  h.epoch = 0xffffffff;
  h.sequence = 0xffffffffffffffff;
  h.happened.unix_ms = -1;
  h.happened.monotonic_ms = 0xffffffffffffffff;
  h.till = std::string(32, 'z');
  h.kind = std::string(24, 'k');
  h.body_size = record_body_size_max;
  auto back = decode_record_header(encode(h));
  ASSERT_TRUE(back) << back.error().detail;
  EXPECT_EQ(*back, h);
  EXPECT_EQ(back->happened.unix_ms, -1);
  EXPECT_EQ(back->till, h.till);
  EXPECT_EQ(back->kind, h.kind);
}

TEST(record, of_a_format_or_a_trust_that_is_not_known_is_refused) {
  for (int value = 0; value < 256; ++value) {
    auto bent = octets<128>(first_header);
    bent[0] = static_cast<std::uint8_t>(value);
    EXPECT_EQ(decode_record_header(bent).has_value(), value == 1) << value;
    bent = octets<128>(first_header);
    bent[1] = static_cast<std::uint8_t>(value);
    EXPECT_EQ(decode_record_header(bent).has_value(), value <= 2) << value;
  }
}

TEST(record, is_refused_when_any_reserved_bit_is_set) {
  for (std::size_t at : {2u, 3u, 124u, 125u, 126u, 127u})
    for (int bit = 0; bit < 8; ++bit) {
      auto bent = octets<128>(first_header);
      bent[at] = static_cast<std::uint8_t>(1 << bit);
      auto refused = decode_record_header(bent);
      ASSERT_FALSE(refused) << at << " bit " << bit;
      EXPECT_EQ(refused.error().code, errc::record_damaged);
    }
}

TEST(record, is_refused_when_something_lies_in_the_padding_of_a_name) {
  for (std::size_t at = 64 + 7; at < 96; ++at) {
    auto bent = octets<128>(first_header);
    bent[at] = 'x';
    EXPECT_FALSE(decode_record_header(bent)) << at;
  }
  for (std::size_t at = 96 + 5; at < 120; ++at) {
    auto bent = octets<128>(first_header);
    bent[at] = 'x';
    EXPECT_FALSE(decode_record_header(bent)) << at;
  }
}

TEST(record, is_refused_when_a_name_a_number_or_a_size_cannot_be) {
  auto refused = [](auto bend) {
    auto bent = octets<128>(first_header);
    bend(bent);
    auto h = decode_record_header(bent);
    return !h && h.error().code == errc::record_damaged;
  };
  EXPECT_TRUE(refused([](auto& b) { b[64] = 0; })) << "no till";
  EXPECT_TRUE(refused([](auto& b) { b[64] = 'T'; })) << "capital letter in the till";
  EXPECT_TRUE(refused([](auto& b) { b[96] = 0; })) << "no kind";
  EXPECT_TRUE(refused([](auto& b) { b[96] = 'S'; })) << "capital letter in the kind";
  EXPECT_TRUE(refused([](auto& b) { b[7] = 0; })) << "epoch 0";
  EXPECT_TRUE(refused([](auto& b) { b[15] = 0; })) << "sequence 0";
  EXPECT_TRUE(refused([](auto& b) { store_big<std::uint32_t>(&b[120], record_body_size_max + 1); }))
      << "body over 1 MiB";
  EXPECT_FALSE(refused([](auto& b) { store_big<std::uint32_t>(&b[120], record_body_size_max); }));
  for (std::size_t size : {0u, 1u, 127u, 129u, 256u})
    EXPECT_FALSE(decode_record_header(byte_string(size, 1))) << size;
}

TEST(record_kind, is_1_to_24_of_a_small_alphabet) {
  for (auto good : {"sale", "plugin.failed", "a", "config_changed-2", "123456789012345678901234"})
    EXPECT_TRUE(is_record_kind(good)) << good;
  for (auto wrong : {"", "Sale", "sale refund", "käse", "1234567890123456789012345"})
    EXPECT_FALSE(is_record_kind(wrong)) << wrong;
}

TEST(chain, follows_the_golden_records) {
  chain_follower chain("till-1");
  ASSERT_TRUE(chain.take(golden_record(1)));
  EXPECT_EQ(to_hex(chain.head().hash), first_hash);
  ASSERT_TRUE(chain.take(golden_record(2)));
  EXPECT_EQ(chain.head().sequence, 2u);
  EXPECT_EQ(to_hex(chain.head().hash), second_hash);
}

// Every single bit of header, body and hash, of a record that is not the first.
TEST(chain, sees_every_flipped_bit) {
  const auto good = golden_record(2);
  chain_follower chain("till-1");
  ASSERT_TRUE(chain.take(golden_record(1)));
  const auto before = chain.head();
  auto refused = [&](const record& bent) {
    auto taken = chain.take(bent);
    return !taken && chain.head() == before &&
           (taken.error().code == errc::record_damaged || taken.error().code == errc::record_gap);
  };
  for (std::size_t bit = 0; bit < good.header.size() * 8; ++bit) {
    auto bent = good;
    bent.header[bit / 8] ^= static_cast<std::uint8_t>(1 << bit % 8);
    EXPECT_TRUE(refused(bent)) << "header bit " << bit;
  }
  for (std::size_t bit = 0; bit < good.body.size() * 8; ++bit) {
    auto bent = good;
    bent.body[bit / 8] = static_cast<char>(bent.body[bit / 8] ^ (1 << bit % 8));
    EXPECT_TRUE(refused(bent)) << "body bit " << bit;
  }
  for (std::size_t bit = 0; bit < good.hash.size() * 8; ++bit) {
    auto bent = good;
    bent.hash[bit / 8] ^= static_cast<std::uint8_t>(1 << bit % 8);
    EXPECT_TRUE(refused(bent)) << "hash bit " << bit;
  }
  EXPECT_TRUE(chain.take(good)) << "the good one is still the next";
}

TEST(chain, sees_a_body_that_is_longer_or_shorter_than_its_header_says) {
  chain_follower chain("till-1");
  auto r = golden_record(1);
  r.body += ' ';
  EXPECT_EQ(chain.take(r).error().code, errc::record_damaged);
  r.body.resize(r.body.size() - 2);
  EXPECT_EQ(chain.take(r).error().code, errc::record_damaged);
}

TEST(chain, sees_a_gap_a_repetition_and_a_start_in_the_middle) {
  chain_follower chain("till-1");
  auto gap = chain.take(golden_record(2));
  ASSERT_FALSE(gap);
  EXPECT_EQ(gap.error().code, errc::record_gap);
  EXPECT_NE(gap.error().detail.find("record 2 came where 1 was due"), std::string::npos)
      << gap.error().detail;
  ASSERT_TRUE(chain.take(golden_record(1)));
  EXPECT_EQ(chain.take(golden_record(1)).error().code, errc::record_gap);
}

TEST(chain, refuses_the_records_of_another_till) {
  chain_follower chain("till-2");
  auto foreign = chain.take(golden_record(1));
  ASSERT_FALSE(foreign);
  EXPECT_EQ(foreign.error().code, errc::record_damaged);
  EXPECT_NE(foreign.error().detail.find("till-1"), std::string::npos);
}

TEST(chain, refuses_a_record_that_was_chained_to_another_past) {
  chain_follower chain("till-1");
  ASSERT_TRUE(chain.take(golden_record(1)));
  chain_head other_past{1, 1, {}};
  EXPECT_EQ(chain.take(follow(other_past, 1)).error().code, errc::record_damaged);
}

TEST(chain, runs_on_over_epochs_and_never_back) {
  chain_follower chain("till-1");
  ASSERT_TRUE(chain.take(follow(chain.head(), 1)));
  ASSERT_TRUE(chain.take(follow(chain.head(), 3)));
  EXPECT_EQ(chain.head().epoch, 3u);
  EXPECT_EQ(chain.head().sequence, 2u);
  EXPECT_EQ(chain.take(follow(chain.head(), 2)).error().code, errc::record_damaged);
  EXPECT_TRUE(chain.take(follow(chain.head(), 3)));
}

TEST(chain, goes_on_from_a_head_that_was_kept) {
  chain_follower first("till-1");
  ASSERT_TRUE(first.take(golden_record(1)));
  chain_follower later("till-1", first.head());
  EXPECT_TRUE(later.take(golden_record(2)));
}

TEST(chain, takes_an_empty_body_and_the_largest_one) {
  chain_follower chain("till-1");
  EXPECT_TRUE(chain.take(follow(chain.head(), 1, "till-1", "")));
  EXPECT_TRUE(chain.take(follow(chain.head(), 1, "till-1", std::string(record_body_size_max, ' '))));
}

// The page shows each octet in rows of sixteen, as "0000  01 02 ...", and bodies and hashes in lines of their
// own.
TEST(journal_format_page, shows_the_golden_octets) {
  auto content = read_file(TILLD_SOURCE_DIR "/docs/journal-format.md");
  ASSERT_TRUE(content) << content.error().detail;
  std::string page(as_text(*content));
  std::vector<std::string> headers;
  std::regex row(R"(^\s*([0-9]{4})  ((?:[0-9a-f]{2} ?){16}))", std::regex::multiline);
  for (std::sregex_iterator at(page.begin(), page.end(), row), end; at != end; ++at) {
    if ((*at)[1] == "0000") headers.emplace_back();
    ASSERT_FALSE(headers.empty());
    for (char c : (*at)[2].str())
      if (c != ' ') headers.back() += c;
  }
  ASSERT_EQ(headers.size(), 2u);
  EXPECT_EQ(headers[0], first_header);
  EXPECT_EQ(headers[1], second_header);
  for (auto text : {first_body, second_body, first_hash, second_hash})
    EXPECT_NE(page.find(text), page.npos) << text;
}

// The offset table of the page against the code: a field is set, and only its own octets may differ.
TEST(journal_format_page, has_the_offsets_that_the_code_writes) {
  auto content = read_file(TILLD_SOURCE_DIR "/docs/journal-format.md");
  ASSERT_TRUE(content);
  std::string page(as_text(*content));
  std::map<std::string, std::pair<std::size_t, std::size_t>> fields;
  std::regex row(R"(^\| *([0-9]+) *\| *([0-9]+) *\| *`([a-z_0-9]+)`)", std::regex::multiline);
  std::size_t covered = 0;
  for (std::sregex_iterator at(page.begin(), page.end(), row), end; at != end; ++at) {
    std::size_t offset = std::stoul((*at)[1]), size = std::stoul((*at)[2]);
    EXPECT_EQ(offset, covered) << (*at)[3];
    covered = offset + size;
    fields[(*at)[3]] = {offset, size};
  }
  EXPECT_EQ(covered, record_header_size);
  auto changes_only = [&](const std::string& field, auto change) {
    ASSERT_TRUE(fields.count(field)) << field;
    auto h = golden_header(1);
    auto before = encode(h);
    change(h);
    auto after = encode(h);
    bool changed = false;
    for (std::size_t i = 0; i < before.size(); ++i) {
      bool inside = i >= fields[field].first && i < fields[field].first + fields[field].second;
      changed = changed || before[i] != after[i];
      if (!inside) {
        EXPECT_EQ(before[i], after[i]) << field << " reaches octet " << i;
      }
    }
    EXPECT_TRUE(changed) << field;
  };
  changes_only("clock_trust", [](auto& h) { h.happened.trust = clock_trust::unknown; });
  changes_only("epoch", [](auto& h) { h.epoch = 0xfefefefe; });
  changes_only("sequence", [](auto& h) { h.sequence = 0xfefefefefefefefe; });
  changes_only("id", [](auto& h) { h.id.octets.fill(0xfe); });
  changes_only("happened_ms", [](auto& h) { h.happened.unix_ms = -2; });
  changes_only("monotonic_ms", [](auto& h) { h.happened.monotonic_ms = 0xfefefefefefefefe; });
  changes_only("boot_id", [](auto& h) { h.happened.boot_id.fill(0xfe); });
  changes_only("till", [](auto& h) { h.till = std::string(32, 'z'); });
  changes_only("kind", [](auto& h) { h.kind = std::string(24, 'z'); });
  changes_only("body_size", [](auto& h) { h.body_size = 0xfefefefe; });
}
