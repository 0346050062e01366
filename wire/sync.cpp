#include "wire/sync.hpp"

#include <algorithm>

#include "base/id.hpp"

namespace tilld::wire::sync {
namespace {

using base::byte_reader;
using base::byte_string;
using base::byte_view;
using base::byte_writer;
using base::chain_head;
using base::errc;
using base::error;

constexpr std::size_t till_field_size = 32;
constexpr std::size_t software_size_max = 64;
constexpr std::size_t method_size_max = 64;
constexpr std::string_view proof_tag = "tilld.sync.1";
constexpr std::string_view question_tag = "tilld.sync.question.1";
constexpr std::string_view challenge_tag = "tilld.sync.central.1";
constexpr std::string_view acknowledgement_tag = "tilld.ack.1";

error malformed(const char* what) { return {errc::parse_error, std::string("a malformed ") + what}; }

// Names are of fixed size where they are signed: joined texts of free length could be cut at another place.
void till_field(byte_writer& w, std::string_view till) {
  std::array<std::uint8_t, till_field_size> field{};
  std::copy_n(till.begin(), std::min(till.size(), field.size()), field.begin());
  w.bytes(field);
}

void head_field(byte_writer& w, const chain_head& h) {
  w.u32(h.epoch);
  w.u64(h.sequence);
  w.bytes(h.hash);
}

chain_head read_head(byte_reader& r) {
  chain_head h;
  h.epoch = r.u32();
  h.sequence = r.u64();
  h.hash = r.array<32>();
  return h;
}

void acknowledgement_field(byte_writer& w, const acknowledgement& a) {
  head_field(w, a.head);
  w.u64(a.central_sequence);
  w.bytes(a.central_hash);
  w.bytes(a.signature);
}

acknowledgement read_acknowledgement(byte_reader& r) {
  acknowledgement a;
  a.head = read_head(r);
  a.central_sequence = r.u64();
  a.central_hash = r.array<32>();
  a.signature = r.array<64>();
  return a;
}

// 0 and 1 and nothing else: a message has one spelling, since its octets are signed.
bool read_flag(byte_reader& r, bool& wrong) {
  auto v = r.u8();
  wrong = wrong || v > 1;
  return v == 1;
}

std::optional<role> role_of(std::uint8_t v) {
  if (v != static_cast<std::uint8_t>(role::ledger) && v != static_cast<std::uint8_t>(role::witness))
    return {};
  return static_cast<role>(v);
}

byte_string handshake_text(std::string_view tag, const hello& h, const nonce& central_nonce,
                           const base::public_key& central_key) {
  byte_string out;
  byte_writer w(out);
  w.bytes(base::as_bytes(tag));
  w.bytes(h.till_nonce);
  w.bytes(central_nonce);
  w.bytes(central_key);
  till_field(w, h.till);
  head_field(w, h.head);
  auto whole = h.encode();
  w.bytes(base::sha256({whole}));
  return out;
}

}  // namespace

std::string_view name(role r) { return r == role::ledger ? "ledger" : "witness"; }

std::optional<role> parse_role(std::string_view text) {
  if (text == "ledger") return role::ledger;
  if (text == "witness") return role::witness;
  return std::nullopt;
}

byte_string acknowledgement::signed_text(std::string_view till) const {
  byte_string out;
  byte_writer w(out);
  w.bytes(base::as_bytes(acknowledgement_tag));
  till_field(w, till);
  head_field(w, head);
  w.u64(central_sequence);
  w.bytes(central_hash);
  return out;
}

byte_string acknowledgement::encode() const {
  byte_string out;
  byte_writer w(out);
  acknowledgement_field(w, *this);
  return out;
}

base::result<acknowledgement> acknowledgement::parse(byte_view payload) {
  byte_reader r(payload);
  auto a = read_acknowledgement(r);
  if (r.failed() || !r.at_end()) return malformed("acknowledgement");
  return a;
}

byte_string witness::encode() const {
  byte_string out;
  byte_writer w(out);
  w.bytes(central_key);
  acknowledgement_field(w, last);
  return out;
}

base::result<witness> witness::parse(byte_view octets) {
  byte_reader r(octets);
  witness v;
  v.central_key = r.array<32>();
  v.last = read_acknowledgement(r);
  if (r.failed() || !r.at_end()) return malformed("witness");
  return v;
}

byte_string hello::encode() const {
  byte_string out;
  byte_writer w(out);
  w.u8(protocol_min);
  w.u8(protocol_max);
  w.text(std::string_view(software).substr(0, software_size_max));
  w.text(merchant);
  w.text(till);
  w.bytes(key);
  w.u8(static_cast<std::uint8_t>(expected_role));
  head_field(w, head);
  w.u8(last ? 1 : 0);
  if (last) acknowledgement_field(w, *last);
  w.u64(start_counter);
  w.bytes(instance);
  w.bytes(till_nonce);
  return out;
}

base::result<hello> hello::parse(byte_view payload) {
  byte_reader r(payload);
  hello h;
  bool wrong = false;
  h.protocol_min = r.u8();
  h.protocol_max = r.u8();
  h.software = r.text();
  h.merchant = r.text();
  h.till = r.text();
  h.key = r.array<32>();
  auto expected = role_of(r.u8());
  h.head = read_head(r);
  if (read_flag(r, wrong)) h.last = read_acknowledgement(r);
  h.start_counter = r.u64();
  h.instance = r.array<16>();
  h.till_nonce = r.array<32>();
  if (r.failed() || !r.at_end() || wrong || !expected || h.software.size() > software_size_max ||
      !base::is_short_name(h.merchant) || !base::is_short_name(h.till))
    return malformed("hello");
  h.expected_role = *expected;
  return h;
}

byte_string challenge::encode() const {
  byte_string out;
  byte_writer w(out);
  w.bytes(central_nonce);
  w.bytes(central_key);
  w.bytes(signature);
  return out;
}

base::result<challenge> challenge::parse(byte_view payload) {
  byte_reader r(payload);
  challenge c;
  c.central_nonce = r.array<32>();
  c.central_key = r.array<32>();
  c.signature = r.array<64>();
  if (r.failed() || !r.at_end()) return malformed("challenge");
  return c;
}

byte_string proof::encode() const { return {signature.begin(), signature.end()}; }

base::result<proof> proof::parse(byte_view payload) {
  byte_reader r(payload);
  proof p;
  p.signature = r.array<64>();
  if (r.failed() || !r.at_end()) return malformed("proof");
  return p;
}

byte_string challenge_text(const hello& h, const nonce& central_nonce, const base::public_key& central_key) {
  return handshake_text(challenge_tag, h, central_nonce, central_key);
}

byte_string proof_text(const hello& h, const nonce& central_nonce, const base::public_key& central_key) {
  return handshake_text(proof_tag, h, central_nonce, central_key);
}

std::optional<chain_head> head_in_proof_text(byte_view text, std::string_view till) {
  byte_reader r(text);
  auto tag = r.bytes(proof_tag.size());
  r.bytes(3 * 32);
  byte_string expected;
  byte_writer w(expected);
  till_field(w, till);
  auto named = r.bytes(till_field_size);
  auto head = read_head(r);
  r.bytes(32);
  if (r.failed() || !r.at_end() || base::as_text(tag) != proof_tag ||
      !std::equal(named.begin(), named.end(), expected.begin()))
    return std::nullopt;
  return head;
}

byte_string welcome::encode() const {
  byte_string out;
  byte_writer w(out);
  w.u8(protocol);
  w.u8(static_cast<std::uint8_t>(role_here));
  w.text(std::string_view(software).substr(0, software_size_max));
  w.u32(epoch_allowed);
  acknowledgement_field(w, standing);
  w.u32(static_cast<std::uint32_t>(notice ? static_cast<int>(*notice) : 0));
  w.text(notice_text);
  return out;
}

base::result<welcome> welcome::parse(byte_view payload) {
  byte_reader r(payload);
  welcome m;
  m.protocol = r.u8();
  auto role_here = role_of(r.u8());
  m.software = r.text();
  m.epoch_allowed = r.u32();
  m.standing = read_acknowledgement(r);
  auto notice = static_cast<int>(r.u32());
  m.notice_text = r.text();
  if (r.failed() || !r.at_end() || !role_here || m.software.size() > software_size_max)
    return malformed("welcome");
  m.role_here = *role_here;
  if (notice) m.notice = static_cast<errc>(notice);
  return m;
}

error refusal::as_error() const {
  if (base::find_error(code)) return {static_cast<errc>(code), text};
  return {errc::internal, "refused with the unknown number " + std::to_string(code) + ": " + text};
}

byte_string refusal::encode() const {
  byte_string out;
  byte_writer w(out);
  w.u32(static_cast<std::uint32_t>(code));
  w.text(text);
  w.u8(head ? 1 : 0);
  if (head) head_field(w, *head);
  return out;
}

base::result<refusal> refusal::parse(byte_view payload) {
  byte_reader r(payload);
  refusal m;
  bool wrong = false;
  m.code = static_cast<int>(r.u32());
  m.text = r.text();
  if (read_flag(r, wrong)) m.head = read_head(r);
  if (r.failed() || !r.at_end() || wrong) return malformed("refusal");
  return m;
}

byte_string append::encode() const {
  std::size_t size = fixed_size;
  for (auto& record : records) size += record.wire_size();
  byte_string out;
  out.reserve(size);
  byte_writer w(out);
  w.bytes(previous);
  w.u64(first);
  w.u32(static_cast<std::uint32_t>(records.size()));
  for (auto& record : records) {
    w.bytes(record.header);
    w.bytes(record.hash);
    w.bytes(base::as_bytes(record.body));
  }
  return out;
}

base::result<append> append::parse(byte_view payload) {
  byte_reader r(payload);
  append m;
  m.previous = r.array<32>();
  m.first = r.u64();
  auto count = r.u32();
  // Every record has at least header and hash: a count that cannot be true reserves no memory.
  if (r.failed() || count > r.rest().size() / (base::record_header_size + 32)) return malformed("batch");
  m.records.reserve(count);
  for (std::uint32_t i = 0; i < count; ++i) {
    base::record record;
    record.header = r.array<base::record_header_size>();
    record.hash = r.array<32>();
    if (r.failed()) return malformed("batch");
    auto header = record.decoded();
    if (!header) return header.error();
    record.body = std::string(base::as_text(r.bytes(header->body_size)));
    m.records.push_back(std::move(record));
  }
  if (r.failed() || !r.at_end()) return malformed("batch");
  return m;
}

byte_string call::encode() const {
  byte_string out;
  byte_writer w(out);
  w.text(std::string_view(method).substr(0, method_size_max));
  w.bytes(base::as_bytes(params));
  return out;
}

base::result<call> call::parse(byte_view payload) {
  byte_reader r(payload);
  call m;
  m.method = r.text();
  m.params = std::string(base::as_text(r.rest()));
  if (r.failed() || m.method.empty() || m.method.size() > method_size_max) return malformed("call");
  return m;
}

byte_string question::signed_text(const hello& h, const nonce& central_nonce,
                                  const base::public_key& central_key, std::uint64_t request) const {
  auto out = handshake_text(question_tag, h, central_nonce, central_key);
  byte_writer w(out);
  w.u64(request);
  w.text(method);
  w.bytes(base::sha256({base::as_bytes(params)}));
  return out;
}

byte_string question::encode() const {
  byte_string out;
  byte_writer w(out);
  w.bytes(signature);
  w.text(std::string_view(method).substr(0, method_size_max));
  w.bytes(base::as_bytes(params));
  return out;
}

base::result<question> question::parse(byte_view payload) {
  byte_reader r(payload);
  question m;
  m.signature = r.array<64>();
  m.method = r.text();
  m.params = std::string(base::as_text(r.rest()));
  if (r.failed() || m.method.empty() || m.method.size() > method_size_max) return malformed("question");
  return m;
}

}  // namespace tilld::wire::sync
