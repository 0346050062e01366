#include "central/verification.hpp"

#include "base/checkpoint.hpp"

namespace tilld::central {

namespace sync = wire::sync;
using base::result;

namespace {

std::string place(const stored_entry& e) {
  auto text = "entry " + std::to_string(e.place.sequence);
  if (e.kind == entry_kind::record)
    text += ", till " + e.till + ", record " + std::to_string(e.till_sequence);
  else
    text += ", " + std::string(name(e.kind)) + " of till " + e.till;
  return text;
}

constexpr std::size_t slice_octets_max = 4 << 20;

}  // namespace

result<verification> verification::begin(store& from, const base::public_key& own_key) {
  verification v(from);
  auto own = from.own();
  if (!own) return own.error();
  v.end_ = *own;
  auto standings = from.standings();
  if (!standings) return standings.error();
  v.standings_ = std::move(*standings);
  auto evidence = from.evidence();
  if (!evidence) return evidence.error();
  v.evidence_ = std::move(*evidence);

  for (auto& [till, e] : v.evidence_) {
    if (e.acknowledged) {
      ++v.report_.signatures;
      auto& a = *e.acknowledged;
      if (!base::verify_signature(own_key, a.signed_text(till), a.signature))
        v.problem("till " + till + ": the last acknowledgement is not signed with central's key");
      v.till_places_[till].emplace(a.head.sequence, signed_place{a.head.hash, "central's acknowledgement"});
      v.own_places_.emplace(a.central_sequence,
                            signed_place{a.central_hash, "the acknowledgement for till " + till});
    }
    if (!e.proof_text.empty()) {
      ++v.report_.signatures;
      auto head = sync::head_in_proof_text(e.proof_text, till);
      if (!head || !base::verify_signature(e.proof_key, e.proof_text, e.proof_signature))
        v.problem("till " + till + ": the proof with which it signed on is not signed with its key");
      else if (head->sequence <= v.standings_[till].head.sequence)
        v.till_places_[till].emplace(head->sequence, signed_place{head->hash, "the till itself"});
    }
  }
  return v;
}

result<bool> verification::step(std::size_t entries_max) {
  auto from = report_.own.sequence + 1;
  auto slice = store_->entries(from, entries_max, slice_octets_max);
  if (!slice) return slice.error();
  for (auto& e : *slice) {
    if (e.place.sequence > end_.sequence) break;
    take(e);
  }
  if (!slice->empty() && report_.own.sequence < end_.sequence) return false;
  finish();
  return true;
}

void verification::take(const stored_entry& e) {
  if (e.place.sequence != report_.own.sequence + 1)
    problem("entries " + std::to_string(report_.own.sequence + 1) + " to " +
            std::to_string(e.place.sequence - 1) + " are missing");
  if (e.kind == entry_kind::record)
    take_record(e);
  else
    ++report_.events;
  auto content = e.kind == entry_kind::record ? base::byte_view(e.record.hash) : base::as_bytes(e.text);
  if (entry_hash(report_.own.hash, e.place.sequence, e.kind, e.till, content) != e.place.hash)
    problem(place(e) + ": is not what central's chain covers");
  for (auto [at, end] = own_places_.equal_range(e.place.sequence); at != end; ++at) {
    at->second.seen = true;
    if (at->second.hash != e.place.hash) problem(place(e) + ": is not what " + at->second.who + " signed");
  }
  ++report_.entries;
  // Going on from what stands there, so that one broken entry is one problem and not the end of the search.
  report_.own = e.place;
}

void verification::take_record(const stored_entry& e) {
  auto& follower = followers_.try_emplace(e.till, e.till).first->second;
  auto before = follower.head();
  auto taken = follower.take(e.record);
  if (!taken) problem(place(e) + ": " + taken.error().detail);
  if (taken && taken->kind == base::checkpoint_kind) {
    auto held = base::check_checkpoint(e.till, before, e.record.body);
    if (!held) problem(place(e) + ": " + held.error().detail);
    ++report_.signatures;
  }
  auto header = e.record.decoded();
  if (header && header->sequence != e.till_sequence)
    problem(place(e) + ": its header says " + std::to_string(header->sequence));
  if (!taken)
    follower = base::chain_follower(e.till, {std::max(follower.head().epoch, header ? header->epoch : 1),
                                             e.till_sequence, e.record.hash});
  auto& places = till_places_[e.till];
  for (auto [at, end] = places.equal_range(e.till_sequence); at != end; ++at) {
    at->second.seen = true;
    if (at->second.hash != e.record.hash) problem(place(e) + ": is not what " + at->second.who + " signed");
  }
  ++report_.records;
  auto& till = report_.tills[e.till];
  ++till.records;
  till.head = follower.head();
}

void verification::finish() {
  if (report_.own != end_)
    problem("central's chain ends with entry " + std::to_string(report_.own.sequence) + ", it had reached " +
            std::to_string(end_.sequence) +
            (report_.own.sequence == end_.sequence ? " with another hash" : ""));
  for (auto& [till, s] : standings_) {
    auto& found = report_.tills[till].head;
    if (found.sequence != s.head.sequence || found.hash != s.head.hash)
      problem("till " + till + ": its records end with " + std::to_string(found.sequence) +
              ", they had reached " + std::to_string(s.head.sequence) +
              (found.sequence == s.head.sequence ? " with another hash" : ""));
  }
  for (auto& [till, verified] : report_.tills)
    if (!standings_.count(till)) problem("till " + till + ": has records and no standing");
  for (auto& [till, places] : till_places_)
    for (auto& [sequence, p] : places)
      if (sequence != 0 && !p.seen)
        problem("till " + till + ", record " + std::to_string(sequence) + ": " + p.who +
                " signed it and it is not there");
  for (auto& [sequence, p] : own_places_)
    if (sequence != 0 && !p.seen)
      problem("entry " + std::to_string(sequence) + ": " + p.who + " names it and it is not there");
}

void verification::problem(std::string text) {
  if (report_.problems.size() < verification_report::problems_max)
    report_.problems.push_back(std::move(text));
}

}  // namespace tilld::central
