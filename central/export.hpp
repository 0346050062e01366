// till-central export: a till's records as central holds them, or only central's word on where it stands, in
// a file that anybody can verify (docs/export-format.md). Through the running server, else from its database.
// [one thread]
#pragma once

#include <string>

#include "central/config.hpp"

namespace tilld::central {

struct export_wish {
  std::string till, path;
  std::uint64_t from = 1;
  bool statement_only = false;
  bool force = false;
};

// The head for which the file ends with central's signature. record_gap when there is nothing from that
// number on; journal_damaged when the records do not verify.
base::result<base::chain_head> export_till(const config& c, const export_wish& wish);

}  // namespace tilld::central
