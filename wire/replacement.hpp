// The order by which a new device goes on as a till whose old one is lost: central's signed word on which key
// has the name from now on, in which epoch, and behind which record it begins. A person carries it from
// central's machine to the new device. docs/replacing.md tells the whole story and has worked octets. [pure]
#pragma once

#include <string>
#include <string_view>

#include "base/crypto.hpp"
#include "base/record.hpp"

namespace tilld::wire {

struct replacement {
  std::string till;
  base::public_key key{};       // of the new device
  std::uint32_t epoch = 2;      // of its records
  base::chain_head after;       // the last record that central holds of the old device
  base::public_key central{};   // who says so
  base::signature signature{};  // by `central`, over signed_text()

  // "tilld.replace.1" | till (32, zero-padded) | key (32) | epoch (4) | after: epoch (4), sequence (8), hash
  // (32)
  base::byte_string signed_text() const;
  bool genuine() const { return base::verify_signature(central, signed_text(), signature); }

  // One line of JSON.
  std::string text() const;
  // file_refused for what is not such a line, and when the signature is not that of the key that it names.
  static base::result<replacement> parse(std::string_view text);
  bool operator==(const replacement&) const = default;
};

}  // namespace tilld::wire
