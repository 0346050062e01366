// How a file becomes a chain that can be judged. Nothing is written and no file is changed.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "verify/chain.hpp"

namespace tilld::verify {

// Why a file could not be looked at; that is no verdict.
struct unreadable {
  std::string why;
};

struct read_file {
  std::unique_ptr<chain> what;  // or
  std::optional<unreadable> failed;
};

// An export (docs/export-format.md) or a till's journal.db, told apart by their first octets. The database is
// copied first, with its log, and is refused while a daemon has it open.
read_file read(const std::string& path);

read_file read_export(const std::string& path);
read_file read_database(const std::string& path);

}  // namespace tilld::verify
