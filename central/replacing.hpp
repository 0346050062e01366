// The commands with which a person gives a till's name to another device, and brings one server what another
// has: till-central replace and complete. docs/replacing.md tells when. [one thread]
#pragma once

#include <string>
#include <vector>

#include "central/config.hpp"

namespace tilld::central {

struct replace_options {
  std::string till, public_key, reason;
  std::vector<std::string> seen;  // exports or statements of other servers
  std::string order_in;           // of the ledger, on another server
  std::string order_out;          // to write
  bool accept_loss = false;
};
// Asks the running server, else works on its database. The order is in the file when it returned;
// file_refused when the file exists.
base::result<wire::replacement> replace_till(const config& c, const replace_options& o);

// Takes the records of an export that follow what the database holds; the server must be stopped. The export
// must be signed by the till's own key or by `signer`, 64 hexadecimal digits of another server's key. How
// many were taken.
base::result<std::uint64_t> complete_till(const config& c, const std::string& till, const std::string& file,
                                          const std::string& signer, const std::string& reason);

// The body of POST /v1/tills/TILL/replace.
base::result<replacement_wish> read_replacement_wish(const std::string& body);

}  // namespace tilld::central
