#include "daemon/store/row_check.hpp"

#include <algorithm>

#include "base/crypto.hpp"

namespace tilld::daemon {

using base::byte_string;
using base::byte_view;

namespace {

class columns_of_row {
 public:
  columns_of_row& add(byte_view v) {
    base::byte_writer w(octets_);
    w.u64(v.size());
    w.bytes(v);
    return *this;
  }
  columns_of_row& add(std::string_view v) { return add(base::as_bytes(v)); }
  columns_of_row& add(std::int64_t v) {
    base::byte_writer(octets_).u64(static_cast<std::uint64_t>(v));
    return *this;
  }
  check_octets check() const {
    auto hash = base::sha256({byte_view(octets_)});
    check_octets out;
    std::copy_n(hash.begin(), out.size(), out.begin());
    return out;
  }

 private:
  byte_string octets_;
};

}  // namespace

check_octets check_of(const operation_row& r, byte_view stored_answer) {
  return columns_of_row()
      .add(r.key.principal)
      .add(r.key.method)
      .add(r.key.key)
      .add(r.id.octets)
      .add(r.content_mac)
      .add(static_cast<std::int64_t>(r.state))
      .add(static_cast<std::int64_t>(r.kind))
      .add(stored_answer)
      .add(r.device)
      .add(static_cast<std::int64_t>(r.sequence))
      .add(r.changed_ms)
      .check();
}

check_octets check_of(const token_row& t) {
  columns_of_row row;
  row.add(t.id).add(t.role).add(t.note).add(t.hash).add(t.created_ms);
  if (!t.origin.empty()) row.add(t.origin);
  return row.check();
}

check_octets check_of_cursor(const std::string& destination, byte_view witness, std::int64_t sequence) {
  return columns_of_row().add(destination).add(witness).add(sequence).check();
}

check_octets check_of_state(const std::string& instance, const std::string& key, byte_view value) {
  return columns_of_row().add(instance).add(key).add(value).check();
}

check_octets check_of_fact(const std::string& name, byte_view value) {
  return columns_of_row().add(name).add(value).check();
}

// FNV-1a, each part behind its size. A SHA-256 would be a tenth of the time that a sale takes.
std::uint64_t trace_of(checked_table table, std::initializer_list<std::string_view> key) {
  std::uint64_t digest = 14695981039346656037u;
  auto mix = [&digest](std::uint64_t octet) { digest = (digest ^ octet) * 1099511628211u; };
  mix(static_cast<std::uint64_t>(table));
  for (auto part : key) {
    for (auto size = part.size(); size > 0; size >>= 8) mix(size & 0xff);
    mix(0xff);
    for (unsigned char octet : part) mix(octet);
  }
  return digest;
}

}  // namespace tilld::daemon
