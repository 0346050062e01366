#include "base/record.hpp"

#include <algorithm>

#include "base/crypto.hpp"

namespace tilld::base {
namespace {

// Offsets of format 1.
enum offset : std::size_t {
  at_format = 0,
  at_trust = 1,
  at_reserved_1 = 2,
  at_epoch = 4,
  at_sequence = 8,
  at_id = 16,
  at_happened = 32,
  at_monotonic = 40,
  at_boot = 48,
  at_till = 64,
  at_kind = 96,
  at_body_size = 120,
  at_reserved_2 = 124,
};
constexpr std::size_t till_size = 32;
constexpr std::size_t kind_size = 24;

// A name is padded with zeros; nothing but zeros may follow the first one.
bool padded_name(byte_view field, std::string& out) {
  auto end = std::find(field.begin(), field.end(), 0);
  out.assign(field.begin(), end);
  return std::all_of(end, field.end(), [](auto b) { return b == 0; });
}

error damaged(const std::string& why) { return {errc::record_damaged, why}; }

}  // namespace

bool record_header::operator==(const record_header& o) const { return encode(*this) == encode(o); }

bool is_record_kind(std::string_view text) {
  auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
  };
  return !text.empty() && text.size() <= kind_size && std::all_of(text.begin(), text.end(), allowed);
}

record_header_bytes encode(const record_header& h) {
  record_header_bytes out{};
  out[at_format] = record_format;
  out[at_trust] = static_cast<std::uint8_t>(h.happened.trust);
  store_big(&out[at_epoch], h.epoch);
  store_big(&out[at_sequence], h.sequence);
  std::copy(h.id.octets.begin(), h.id.octets.end(), out.begin() + at_id);
  store_big(&out[at_happened], static_cast<std::uint64_t>(h.happened.unix_ms));
  store_big(&out[at_monotonic], h.happened.monotonic_ms);
  std::copy(h.happened.boot_id.begin(), h.happened.boot_id.end(), out.begin() + at_boot);
  std::copy_n(h.till.begin(), std::min(h.till.size(), till_size), out.begin() + at_till);
  std::copy_n(h.kind.begin(), std::min(h.kind.size(), kind_size), out.begin() + at_kind);
  store_big(&out[at_body_size], h.body_size);
  return out;
}

result<record_header> decode_record_header(byte_view in) {
  if (in.size() != record_header_size) return damaged("a record header has 128 octets");
  if (in[at_format] != record_format)
    return damaged("record format " + std::to_string(in[at_format]) + " is not known");
  if (in[at_trust] > static_cast<std::uint8_t>(clock_trust::synchronised))
    return damaged("clock trust is not known");
  if (in[at_reserved_1] || in[at_reserved_1 + 1] || load_big<std::uint32_t>(&in[at_reserved_2]))
    return damaged("reserved octets of a record header are not zero");
  record_header h;
  h.happened.trust = static_cast<clock_trust>(in[at_trust]);
  h.epoch = load_big<std::uint32_t>(&in[at_epoch]);
  h.sequence = load_big<std::uint64_t>(&in[at_sequence]);
  std::copy_n(in.begin() + at_id, 16, h.id.octets.begin());
  h.happened.unix_ms = static_cast<std::int64_t>(load_big<std::uint64_t>(&in[at_happened]));
  h.happened.monotonic_ms = load_big<std::uint64_t>(&in[at_monotonic]);
  std::copy_n(in.begin() + at_boot, 16, h.happened.boot_id.begin());
  h.body_size = load_big<std::uint32_t>(&in[at_body_size]);
  if (!padded_name(in.subspan(at_till, till_size), h.till) || !is_short_name(h.till))
    return damaged("the till's name in a record header is not well-formed");
  if (!padded_name(in.subspan(at_kind, kind_size), h.kind) || !is_record_kind(h.kind))
    return damaged("the kind in a record header is not well-formed");
  if (h.sequence == 0 || h.epoch == 0) return damaged("sequence and epoch of a record start at 1");
  if (h.body_size > record_body_size_max) return damaged("the body of a record is larger than 1 MiB");
  return h;
}

hash256 record_hash(const hash256& previous, byte_view header, byte_view body) {
  auto body_hash = sha256({body});
  return sha256({as_bytes("tilld.journal.1"), previous, header, body_hash});
}

result<record_header> chain_follower::take(const record& next) {
  auto header = next.decoded();
  if (!header) return header.error();
  auto number = "record " + std::to_string(header->sequence);
  if (header->till != till_) return damaged(number + " belongs to till " + header->till + ", not " + till_);
  if (header->sequence != head_.sequence + 1)
    return error{errc::record_gap, number + " came where " + std::to_string(head_.sequence + 1) + " was due"};
  if (header->epoch < head_.epoch)
    return damaged(number + " goes back to epoch " + std::to_string(header->epoch));
  if (header->body_size != next.body.size())
    return damaged(number + " has a body of another size than its header says");
  if (record_hash(head_.hash, next.header, as_bytes(next.body)) != next.hash)
    return damaged(number + " is not what its hash covers");
  head_ = {header->epoch, header->sequence, next.hash};
  return header;
}

}  // namespace tilld::base
