// Looks into the till's database while the daemon is stopped, without touching it: the file and its
// write-ahead log are copied into a folder of their own, and the copy is read.
#pragma once

#include <string>

#include "base/error.hpp"
#include "wire/chain_report.hpp"

namespace tilld::ctl {

// Follows the chain in the database. storage_locked while a daemon has it open (a copy made meanwhile could
// be torn), file_refused when it cannot be read or copied, journal_damaged when it is no journal.
base::result<wire::chain_report> verify_database(const std::string& path);

}  // namespace tilld::ctl
