// An export on disk: written so that it is there whole or not at all, and read back without a daemon.
#pragma once

#include <memory>
#include <string>

#include "base/file.hpp"
#include "wire/chain_report.hpp"
#include "wire/export_format.hpp"

namespace tilld::wire {

// Writes beside the target, and finish() makes it durable under its name. An object that goes without
// finish() leaves nothing behind. Mode 0600: the records are the shop's books.
class export_file {
 public:
  enum class present { refuse, replace };  // what to do when the target exists

  // file_refused when the target exists and must not be replaced, or cannot be made.
  static base::result<std::unique_ptr<export_file>> create(const std::string& path, present how,
                                                           const export_head& head);
  ~export_file();
  export_file(const export_file&) = delete;

  base::result<> add(const base::record& record);
  // After all records.
  base::result<> add(const export_statement& statement);
  base::result<> finish();
  std::uint64_t octets() const { return octets_; }

 private:
  export_file(std::string path, present how) : path_(std::move(path)), how_(how) {}
  base::result<> write(std::string_view octets);
  base::result<> flush();
  base::error refusal(const std::string& doing, int error_number) const;

  std::string path_, beside_;
  present how_;
  base::unique_fd fd_;
  std::string buffer_;
  export_end end_;
  std::uint64_t octets_ = 0;
};

// Reads the file and follows its chain. file_refused when it cannot be read, export_damaged when it is no
// export at all; what is damaged further in stands in the report.
base::result<chain_report> verify_export(const std::string& path);

}  // namespace tilld::wire
