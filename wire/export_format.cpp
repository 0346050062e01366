#include "wire/export_format.hpp"

#include <algorithm>

#include "base/checkpoint.hpp"
#include "wire/sync.hpp"

namespace tilld::wire {

using base::byte_reader;
using base::byte_string;
using base::byte_writer;
using base::errc;
using base::error;
using base::result;

namespace {

constexpr std::size_t till_size = 32;
constexpr std::size_t record_prefix_size = base::record_header_size + sizeof(base::hash256);
constexpr char record_format_octet = static_cast<char>(base::record_format);

}  // namespace

std::string encode(const export_head& head) {
  byte_string octets;
  byte_writer out(octets);
  out.bytes(base::as_bytes(export_magic));
  out.u8(0);
  out.bytes(base::as_bytes(head.till));
  octets.resize(16 + till_size);
  out.u32(head.before.epoch);
  out.u32(0);
  out.u64(head.before.sequence);
  out.bytes(head.before.hash);
  return std::string(base::as_text(octets));
}

std::string encode(const base::record& record) {
  std::string out(base::as_text(record.header));
  out += base::as_text(record.hash);
  out += record.body;
  return out;
}

std::string encode(const export_statement& s) {
  byte_string octets;
  byte_writer out(octets);
  out.bytes(base::as_bytes(export_statement_magic));
  out.u8(static_cast<std::uint8_t>(s.by));
  octets.resize(24);
  out.bytes(s.key);
  out.u32(s.head.epoch);
  out.u64(s.head.sequence);
  out.bytes(s.head.hash);
  out.u64(s.central_sequence);
  out.bytes(s.central_hash);
  out.bytes(s.signature);
  return std::string(base::as_text(octets));
}

bool export_statement::genuine(std::string_view till) const {
  if (by == signer::till)
    return central_sequence == 0 && central_hash == base::hash256{} &&
           base::verify_signature(key, base::checkpoint_text(till, head), signature);
  sync::acknowledgement said{head, central_sequence, central_hash, signature};
  return base::verify_signature(key, said.signed_text(till), signature);
}

std::string encode(const export_end& end) {
  byte_string octets;
  byte_writer out(octets);
  out.bytes(base::as_bytes(export_end_magic));
  out.u64(end.records);
  out.bytes(end.last);
  return std::string(base::as_text(octets));
}

error export_reader::damaged(const std::string& why) const {
  return {errc::export_damaged, "octet " + std::to_string(offset_) + ": " + why};
}

void export_reader::take(std::size_t size) {
  taken_ += size;
  offset_ += size;
  // Moved down rarely: records are small and pieces large.
  if (taken_ > (1 << 20)) {
    buffer_.erase(0, taken_);
    taken_ = 0;
  }
}

result<std::optional<export_reader::part>> export_reader::next() {
  switch (state_) {
    case state::before_head: return next_head();
    case state::in_records:
    case state::in_statements: return next_record();
    case state::done: break;
  }
  if (!ahead().empty()) return damaged("there is something behind the end");
  return std::optional<part>();
}

result<std::optional<export_reader::part>> export_reader::next_head() {
  auto from = ahead();
  auto known = std::min(from.size(), export_magic.size());
  if (from.substr(0, known) != export_magic.substr(0, known))
    return damaged("this is no export of a journal");
  if (from.size() < export_head_size) return std::optional<part>();
  byte_reader in(base::as_bytes(from.substr(export_magic.size(), export_head_size - export_magic.size())));
  if (in.u8() != 0) return damaged("this is an export of another format");
  auto till = base::as_text(in.bytes(till_size));
  head_.till = std::string(till.substr(0, till.find('\0')));
  if (!base::is_short_name(head_.till) || till.find_first_not_of('\0', head_.till.size()) != till.npos)
    return damaged("the name of the till is not well-formed");
  head_.before.epoch = in.u32();
  auto reserved = in.u32();
  head_.before.sequence = in.u64();
  head_.before.hash = in.array<32>();
  if (reserved != 0) return damaged("a reserved octet of the head is not zero");
  if (head_.before.epoch == 0) return damaged("the epoch of the head is zero");
  if (head_.before.sequence == 0 && head_.before != base::chain_head())
    return damaged("an export from the first record on chains to zeros and begins in epoch 1");
  state_ = state::in_records;
  take(export_head_size);
  return std::optional(part::head);
}

result<std::optional<export_reader::part>> export_reader::next_record() {
  auto from = ahead();
  if (from.empty()) return std::optional<part>();
  if (from.front() == export_end_magic.front()) return next_behind_records();
  if (from.front() != record_format_octet || state_ == state::in_statements)
    return damaged("neither a record nor the end begins here");
  if (from.size() < record_prefix_size) return std::optional<part>();
  std::copy_n(base::as_bytes(from).begin(), base::record_header_size, record_.header.begin());
  auto header = record_.decoded();
  if (!header) return damaged(header.error().detail);
  auto size = record_prefix_size + header->body_size;
  if (from.size() < size) return std::optional<part>();
  std::copy_n(base::as_bytes(from).begin() + base::record_header_size, record_.hash.size(),
              record_.hash.begin());
  record_.body.assign(from.substr(record_prefix_size, header->body_size));
  take(size);
  return std::optional(part::record);
}

result<std::optional<export_reader::part>> export_reader::next_behind_records() {
  auto from = ahead();
  auto begins = [&](std::string_view magic) {
    auto known = std::min(from.size(), magic.size());
    return from.substr(0, known) == magic.substr(0, known);
  };
  if (!begins(export_statement_magic) && !begins(export_end_magic))
    return damaged("neither a record nor the end begins here");
  if (from.size() < export_end_magic.size()) return std::optional<part>();
  bool is_end = begins(export_end_magic);
  auto size = is_end ? export_end_size : export_statement_size;
  if (from.size() < size) return std::optional<part>();
  byte_reader in(base::as_bytes(from.substr(export_end_magic.size(), size - export_end_magic.size())));
  if (is_end) {
    end_.records = in.u64();
    end_.last = in.array<32>();
    state_ = state::done;
    take(size);
    return std::optional(part::end);
  }
  auto by = in.u8();
  auto reserved = in.bytes(7);
  if (by < 1 || by > 2 || std::any_of(reserved.begin(), reserved.end(), [](auto b) { return b != 0; }))
    return damaged("a statement is of a kind that is not known");
  statement_.by = static_cast<export_statement::signer>(by);
  statement_.key = in.array<32>();
  statement_.head.epoch = in.u32();
  statement_.head.sequence = in.u64();
  statement_.head.hash = in.array<32>();
  statement_.central_sequence = in.u64();
  statement_.central_hash = in.array<32>();
  statement_.signature = in.array<64>();
  state_ = state::in_statements;
  take(size);
  return std::optional(part::statement);
}

}  // namespace tilld::wire
