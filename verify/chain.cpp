#include "verify/chain.hpp"

#include <algorithm>

namespace tilld::verify {
namespace {

// Offsets of a record's header, docs/journal-format.md.
constexpr std::size_t header_size = 128, at_epoch = 4, at_sequence = 8, at_till = 64, at_kind = 96,
                      at_body_size = 120, at_zero = 124;

bool padded_name(std::string_view field, std::string& name) {
  auto end = field.find('\0');
  name = field.substr(0, end);
  return !name.empty() && (end == field.npos || field.find_first_not_of('\0', end) == field.npos);
}

std::string checkpoint_text(std::string_view till, const head& where) {
  return "tilld.checkpoint.1" + padded(till) + big(where.epoch, 4) + big(where.sequence, 8) +
         std::string(text_of(where.last));
}

// Takes a text apart that has one spelling.
class scanner {
 public:
  explicit scanner(std::string_view text) : left_(text) {}
  void literal(std::string_view expected) {
    fine_ = fine_ && left_.starts_with(expected);
    if (fine_) left_.remove_prefix(expected.size());
  }
  std::string_view until(char end) {
    auto size = std::min(left_.find(end), left_.size());
    auto taken = left_.substr(0, size);
    left_.remove_prefix(size);
    return taken;
  }
  std::uint64_t digits() {
    std::uint64_t value = 0;
    std::size_t count = 0;
    for (; !left_.empty() && left_[0] >= '0' && left_[0] <= '9' && count < 19; ++count) {
      value = value * 10 + static_cast<std::uint64_t>(left_[0] - '0');
      left_.remove_prefix(1);
    }
    fine_ = fine_ && count > 0;
    return value;
  }
  void fails_unless(bool good) { fine_ = fine_ && good; }
  bool at_end() const { return fine_ && left_.empty(); }

 private:
  std::string_view left_;
  bool fine_ = true;
};

}  // namespace

std::string record_number(std::uint64_t sequence) { return "record " + std::to_string(sequence); }

const char* name(finding_kind kind) {
  switch (kind) {
    case finding_kind::file_damaged: return "file_damaged";
    case finding_kind::record_changed: return "record_changed";
    case finding_kind::record_missing: return "record_missing";
    case finding_kind::record_moved: return "record_moved";
    case finding_kind::checkpoint_wrong: return "checkpoint_wrong";
    case finding_kind::foreign_key: return "foreign_key";
    case finding_kind::signature_wrong: return "signature_wrong";
    case finding_kind::word_missing: return "word_missing";
    case finding_kind::tail_cut: return "tail_cut";
    case finding_kind::not_what_was_signed: return "not_what_was_signed";
    case finding_kind::files_differ: return "files_differ";
    case finding_kind::other_till: return "other_till";
  }
  return "unknown";
}

bool word::genuine(std::string_view till) const {
  if (by == signer::till)
    return central_sequence == 0 && central_hash == hash{} &&
           signed_by(who, checkpoint_text(till, where), signature);
  auto text = "tilld.ack.1" + padded(till) + big(where.epoch, 4) + big(where.sequence, 8) +
              std::string(text_of(where.last)) + big(central_sequence, 8) +
              std::string(text_of(central_hash));
  return signed_by(who, text, signature);
}

void chain::begin(std::string till, const head& before) {
  till_ = std::move(till);
  before_ = at_ = before;
}

void chain::find(finding_kind kind, std::uint64_t record, std::string sentence) {
  findings_.push_back({kind, record, file_, std::move(sentence)});
}

void chain::take(std::string_view header, const hash& claimed, std::string_view body) {
  auto due = at_.sequence + 1;
  bool readable = header.size() == header_size && header[0] == 1;
  auto sequence = readable ? number_at(header, at_sequence, 8) : 0;
  if (broken_) {
    // Left out, or only at another place?
    if (due_ && sequence == *due_) {
      findings_.back().kind = finding_kind::record_moved;
      findings_.back().sentence += "; it stands further behind";
      due_.reset();
    }
    return;
  }
  auto changed = [&](const std::string& why) {
    broken_ = true;
    find(finding_kind::record_changed, due, record_number(due) + ": " + why);
  };
  std::string till, kind;
  if (!readable || static_cast<unsigned char>(header[1]) > 2 || header[2] != 0 || header[3] != 0 ||
      number_at(header, at_zero, 4) != 0 || !padded_name(header.substr(at_till, 32), till) ||
      !padded_name(header.substr(at_kind, 24), kind))
    return changed("its header is not one of format 1");
  if (till != till_) return changed("it belongs to till " + till + ", the file to " + till_);
  if (sequence > due) {
    broken_ = true;
    due_ = due;
    return find(finding_kind::record_missing, due,
                record_number(sequence) + " stands where " + record_number(due) + " was due");
  }
  if (sequence < due) {
    broken_ = true;
    return find(finding_kind::record_moved, due,
                record_number(sequence) + " stands where " + record_number(due) + " was due");
  }
  auto epoch = static_cast<std::uint32_t>(number_at(header, at_epoch, 4));
  if (epoch == 0 || epoch < at_.epoch) return changed("its epoch goes back to " + std::to_string(epoch));
  if (number_at(header, at_body_size, 4) != body.size())
    return changed("its body is of another size than its header says");
  std::string covered = "tilld.journal.1";
  covered += text_of(at_.last);
  covered += header;
  auto body_hash = sha256(body);
  covered += text_of(body_hash);
  if (sha256(covered) != claimed) return changed("it is not what its hash covers");
  if (kind == "checkpoint") {
    take_checkpoint(body);
    if (broken_) return;
  }
  at_ = {epoch, sequence, claimed};
  hashes_.push_back(claimed);
}

// {"reason":"count","epoch":1,"sequence":100,"hash":"...","public_key":"...","signature":"..."}
void chain::take_checkpoint(std::string_view body) {
  auto place = at_.sequence + 1;
  auto wrong = [&](const std::string& why) {
    broken_ = true;
    find(finding_kind::checkpoint_wrong, place, record_number(place) + ": the checkpoint " + why);
  };
  head where;
  key who{};
  verify::signature s{};
  scanner in(body);
  in.literal(R"({"reason":")");
  in.until('"');
  in.literal(R"(","epoch":)");
  where.epoch = static_cast<std::uint32_t>(in.digits());
  in.literal(R"(,"sequence":)");
  where.sequence = in.digits();
  in.literal(R"(,"hash":")");
  in.fails_unless(read_hex(in.until('"'), where.last));
  in.literal(R"(","public_key":")");
  in.fails_unless(read_hex(in.until('"'), who));
  in.literal(R"(","signature":")");
  in.fails_unless(read_hex(in.until('"'), s));
  in.literal("\"}");
  if (!in.at_end()) return wrong("cannot be read");
  if (where != at_) return wrong("speaks of another record than the one before it");
  if (!signed_by(who, checkpoint_text(till_, where), s))
    return wrong("is not signed by the key that it names");
  auto [known, first] = checkpoint_keys_.try_emplace(where.epoch, who);
  if (!first && known->second != who) {
    broken_ = true;
    return find(finding_kind::foreign_key, place,
                record_number(place) + ": the checkpoint is signed with another key than those before it");
  }
  ++checkpoints_;
}

void chain::hear(word said) {
  said.file = file_;
  words_.push_back(std::move(said));
}

std::optional<hash> chain::hash_at(std::uint64_t sequence) const {
  if (sequence == before_.sequence) return before_.last;
  if (sequence < before_.sequence || sequence - before_.sequence > hashes_.size()) return std::nullopt;
  return hashes_[sequence - before_.sequence - 1];
}

}  // namespace tilld::verify
