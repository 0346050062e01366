// Whether a database still has the tables and indexes that the migrations make, to the letter: a flipped bit
// in a name or a type is in no row, and so in no check of one.
#pragma once

#include <span>

#include "base/sqlite.hpp"

namespace tilld::daemon {

// False when they differ. [the thread that owns the connection]
base::result<bool> has_schema_of(base::database& db, std::span<const base::migration> migrations);

}  // namespace tilld::daemon
