// A checkpoint: the till's own signature over where its journal stood. It is a record of the kind
// `checkpoint` in the chain itself, written every so many records, at the end of a day and when the daemon is
// stopped.
//
// What it shows: whoever computes the chain anew from some record on cannot make the checkpoints behind it
// without the till's key. What it cannot show is that a tail was cut, since it can be cut with it; that takes
// the word of somebody else who has seen more, which is what every destination signs
// (wire::sync::acknowledgement). docs/journal-format.md has the layout. [pure]
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/crypto.hpp"
#include "base/record.hpp"

namespace tilld::base {

inline constexpr std::string_view checkpoint_kind = "checkpoint";

// "tilld.checkpoint.1" | till (32, zero-padded) | epoch (4) | sequence (8) | hash (32)
byte_string checkpoint_text(std::string_view till, const chain_head& head);

struct checkpoint {
  chain_head head;  // the record before the checkpoint
  public_key by{};
  tilld::base::signature signature{};
  std::string reason;  // "count", "day", "stop"; for people

  // The body of the record: JSON with the members reason, epoch, sequence, hash, public_key, signature, in
  // this order and without white space.
  std::string body() const;
  // Nothing for a body that is not exactly one that body() makes.
  static std::optional<checkpoint> parse(std::string_view body);
};

checkpoint make_checkpoint(const signing_key& key, std::string_view till, const chain_head& head,
                           std::string reason);

// What is wrong with a record of this kind that follows `before`: record_damaged when its body is none, when
// it speaks of another record than the one before it, or when its signature is not that of the key that it
// names. Whether that key is the till's is the caller's question.
result<checkpoint> check_checkpoint(std::string_view till, const chain_head& before, std::string_view body);

}  // namespace tilld::base
