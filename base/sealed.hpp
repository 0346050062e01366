// Sealed rows: an answer that holds a bearer code or a name is stored encrypted, each row under a key of its
// own, and the keys lie in a file that copies of the database do not contain. Destroying a key erases the
// row's content in every copy and backup, without touching a journal.
//
// XChaCha20-Poly1305 (libsodium). The key file is a list of 48-octet slots: a 32-octet key and a 16-octet
// check. A sealed text is: slot (8, big-endian) | nonce (24) | ciphertext and tag. [one thread at a time]
#pragma once

#include <string>

#include "base/bytes.hpp"
#include "base/error.hpp"
#include "base/file.hpp"

namespace tilld::base {

class seal_keys {
 public:
  // Makes the file (mode 0600) when missing. A last slot that was torn by a crash is cut off: its key was not
  // durable, so no row can depend on it.
  static result<seal_keys> open(const std::string& path);

  // The key is durable before this returns, so the row may be committed at once. `bound_to` (the operation's
  // id) must be given again to open the row: a sealed text cannot be moved to another row.
  result<byte_string> seal(std::string_view plain, byte_view bound_to);

  // record_damaged when the text was altered or belongs to another row; answer_expired when its key was
  // destroyed or is not in this key file.
  result<std::string> open(byte_view sealed, byte_view bound_to) const;

  // Overwrites the key and syncs. The content is gone for good.
  result<> destroy(byte_view sealed);

 private:
  unique_fd file_;
  std::uint64_t slots_ = 0;
};

}  // namespace tilld::base
