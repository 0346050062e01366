// In the place of daemon/store/fresh_copy.cpp: a disk that takes no copy either, so that a till whose flush
// failed stores nothing any more until it is started again. What a copy does is tried on SQLite itself
// (daemon/store/store_test.cpp, tests/disks).
#include "daemon/store/fresh_copy.hpp"

namespace tilld::daemon {

using base::errc;
using base::error;
using base::result;

namespace {

error no_copy() { return {errc::storage_failed, "this disk takes no copy"}; }

}  // namespace

fresh_copy::fresh_copy(std::string folder, base::database& from, const char* vfs,
                       acknowledged_state must_hold)
    : folder_(std::move(folder)), from_(from), vfs_(vfs), must_hold_(std::move(must_hold)) {}
fresh_copy::~fresh_copy() = default;

result<std::unique_ptr<fresh_copy>> fresh_copy::begin(const std::string&, base::database&, const char*,
                                                      acknowledged_state) {
  return no_copy();
}

result<bool> fresh_copy::step() { return no_copy(); }

result<std::unique_ptr<base::database>> fresh_copy::put_in_place() { return no_copy(); }

// Its files have one name each, and they are in memory: there is nothing to rename. What a new process may
// believe of them the disk itself decides.
result<> settle_files(const std::string&) { return {}; }
void note_distrust(const std::string&) {}
bool is_distrusted(const std::string&) { return false; }

}  // namespace tilld::daemon
