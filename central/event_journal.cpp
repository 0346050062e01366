#include "central/event_journal.hpp"

#include <algorithm>

#include <boost/json/serialize.hpp>

#include "base/crypto.hpp"

namespace tilld::central {

using base::result;

namespace {

constexpr std::size_t events_at_once = 256;

// The same for the same event, whenever it is asked for.
base::uuid id_of(const stored_entry& e) {
  base::uuid id;
  std::copy_n(e.place.hash.begin(), id.octets.size(), id.octets.begin());
  base::store_big(id.octets.data(), static_cast<std::uint64_t>(e.recorded_ms) << 16);
  id.octets[6] = static_cast<std::uint8_t>(0x70 | (e.place.hash[6] & 0x0f));
  id.octets[7] = e.place.hash[7];
  id.octets[8] = static_cast<std::uint8_t>(0x80 | (e.place.hash[8] & 0x3f));
  return id;
}

}  // namespace

base::record event_journal::make(const stored_entry& e, const base::chain_head& before) const {
  // The event's text is put in as it is stored: it is what central's own chain covers.
  auto body = R"({"central_sequence":)" + std::to_string(e.place.sequence) + R"(,"central_hash":")" +
              base::to_hex(e.place.hash) + R"(","kind":")" + std::string(name(e.kind)) + R"(","till":")" +
              e.till + R"(","event":)" + e.text + "}";
  base::record_header h;
  h.epoch = 1;
  h.sequence = before.sequence + 1;
  h.id = id_of(e);
  h.happened.unix_ms = e.recorded_ms;
  h.till = name_;
  h.kind = "central." + std::string(name(e.kind));
  h.body_size = static_cast<std::uint32_t>(body.size());
  auto header = base::encode(h);
  return {header, base::record_hash(before.hash, header, base::as_bytes(body)), std::move(body)};
}

result<> event_journal::follow() {
  for (;;) {
    auto after = places_.empty() ? 0 : places_.back().central_sequence;
    auto some = store_.events_after(after, events_at_once);
    if (!some) return some.error();
    for (auto& e : *some) {
      auto r = make(e, head_);
      head_ = {1, head_.sequence + 1, r.hash};
      places_.push_back({e.place.sequence, r.hash});
    }
    if (some->size() < events_at_once) return {};
  }
}

base::hash256 event_journal::hash_at(std::uint64_t sequence) const {
  return sequence == 0 || sequence > places_.size() ? base::hash256{} : places_[sequence - 1].hash;
}

result<std::vector<base::record>> event_journal::read(std::uint64_t from, std::size_t count_max) {
  std::vector<base::record> all;
  if (from == 0 || from > places_.size()) return all;
  auto some = store_.events_after(from == 1 ? 0 : places_[from - 2].central_sequence, count_max);
  if (!some) return some.error();
  base::chain_head before{1, from - 1, hash_at(from - 1)};
  for (auto& e : *some) {
    if (before.sequence == head_.sequence) break;
    all.push_back(make(e, before));
    before = {1, before.sequence + 1, all.back().hash};
  }
  return all;
}

}  // namespace tilld::central
