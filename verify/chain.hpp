// One file of records, followed from its first to its last: what a reader checks of a chain
// (docs/journal-format.md), the checkpoints in it and the words that stand behind it. Of the records only
// their hashes are kept, 32 octets each, so that files can be compared afterwards.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "verify/octets.hpp"

namespace tilld::verify {

enum class finding_kind {
  file_damaged,         // it does not have the shape of what it says it is
  record_changed,       // header, body or hash of a record are not what the chain covers
  record_missing,       // a number is left out
  record_moved,         // a record stands at another place
  checkpoint_wrong,     // it does not speak of the record before it, or is not signed by its key
  foreign_key,          // signed, but by a key that has no say here
  signature_wrong,      // somebody's word is not signed by the key that it names
  word_missing,         // whoever wrote the file did not sign it
  tail_cut,             // more was signed for than is there: a cut tail or an old copy
  not_what_was_signed,  // the record that was signed for had another hash
  files_differ,         // two files have different records under one number
  other_till,           // files of two tills cannot be compared
};
// "record_changed": stable, for scripts.
const char* name(finding_kind kind);

// "record 17"
std::string record_number(std::uint64_t sequence);

struct finding {
  finding_kind kind{};
  std::uint64_t record = 0;  // the first one that is not as it should be; 0 when it is about none
  std::string file;
  std::string sentence;
};

struct head {
  std::uint32_t epoch = 1;
  std::uint64_t sequence = 0;
  hash last{};
  bool operator==(const head&) const = default;
};

// Somebody's signed word on where a journal stands.
struct word {
  enum class signer { till = 1, server = 2 };
  signer by = signer::till;
  key who{};
  head where;
  std::uint64_t central_sequence = 0;
  hash central_hash{};
  verify::signature signature{};
  std::string file;  // in which it stands

  bool genuine(std::string_view till) const;
};

class chain {
 public:
  // An export is signed by whoever wrote it; a database is the till's own.
  enum class source { exported, database };
  chain(std::string file, source from) : file_(std::move(file)), source_(from) {}

  // In this order. After the first finding of a record the later ones are not judged any more, since they
  // chain to what is wrong; `take` still looks whether the missing one comes later.
  void begin(std::string till, const head& before);
  void take(std::string_view header, const hash& claimed, std::string_view body);
  void hear(word said);

  void find(finding_kind kind, std::uint64_t record, std::string sentence);

  source from() const { return source_; }
  const std::string& file() const { return file_; }
  const std::string& till() const { return till_; }
  const head& before() const { return before_; }
  const head& end() const { return at_; }
  std::uint64_t records() const { return hashes_.size(); }
  // Of a record that was judged good, or of the one before the first.
  std::optional<hash> hash_at(std::uint64_t sequence) const;
  const std::vector<word>& words() const { return words_; }
  const std::map<std::uint32_t, key>& checkpoint_keys() const { return checkpoint_keys_; }
  std::uint64_t checkpoints() const { return checkpoints_; }
  const std::vector<finding>& findings() const { return findings_; }
  bool broken() const { return broken_; }

 private:
  void take_checkpoint(std::string_view body);

  std::string file_, till_;
  source source_;
  head before_, at_;
  std::vector<hash> hashes_;
  std::vector<word> words_;
  std::map<std::uint32_t, key> checkpoint_keys_;  // which key signed in an epoch
  std::uint64_t checkpoints_ = 0;
  std::vector<finding> findings_;
  bool broken_ = false;
  std::optional<std::uint64_t> due_;  // the number that was left out, while it may still come
};

}  // namespace tilld::verify
