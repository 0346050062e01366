#include "daemon/store/schema_check.hpp"

#include <memory>
#include <string>

namespace tilld::daemon {

using base::errc;
using base::error;
using base::result;

namespace {

constexpr std::string_view whole_schema =
    "SELECT coalesce(group_concat(line, char(10)), '') FROM (SELECT type || ' ' || name || ' ' || tbl_name "
    "|| ' ' "
    "|| coalesce(sql, '') AS line FROM sqlite_schema ORDER BY name)";

// What the migrations make of nothing.
result<std::string> schema_of(std::span<const base::migration> migrations) {
  sqlite3* opened = nullptr;
  int code = sqlite3_open(":memory:", &opened);
  std::unique_ptr<sqlite3, decltype(&sqlite3_close)> memory(opened, sqlite3_close);
  for (auto& m : migrations)
    if (code == SQLITE_OK) code = sqlite3_exec(opened, std::string(m.sql).c_str(), nullptr, nullptr, nullptr);
  std::string text;
  auto take = [](void* to, int, char** columns, char**) {
    *static_cast<std::string*>(to) = columns[0] ? columns[0] : "";
    return 0;
  };
  if (code == SQLITE_OK) code = sqlite3_exec(opened, std::string(whole_schema).c_str(), take, &text, nullptr);
  if (code != SQLITE_OK) return error{errc::internal, "the migrations cannot be run in memory"};
  return text;
}

}  // namespace

result<bool> has_schema_of(base::database& db, std::span<const base::migration> migrations) {
  auto made = schema_of(migrations);
  if (!made) return made.error();
  auto read = db.prepare(whole_schema);
  if (!read) return read.error();
  auto row = read->step();
  if (!row) return row.error();
  return *row && read->text(0) == *made;
}

}  // namespace tilld::daemon
