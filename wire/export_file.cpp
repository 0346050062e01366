#include "wire/export_file.hpp"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include <cerrno>

namespace tilld::wire {

using base::errc;
using base::error;
using base::result;

namespace {

constexpr std::size_t buffer_size = 1 << 20;

}  // namespace

error export_file::refusal(const std::string& doing, int error_number) const {
  return {errc::file_refused, doing + ": " + base::errno_text(error_number)};
}

result<std::unique_ptr<export_file>> export_file::create(const std::string& path, present how,
                                                         const export_head& head) {
  std::unique_ptr<export_file> f(new export_file(path, how));
  // Asked early, so that a long export is not made in vain; decided at the end, without a gap between look
  // and rename.
  if (how == present::refuse && ::access(path.c_str(), F_OK) == 0) return f->refusal(path, EEXIST);
  auto beside = path + ".XXXXXX";
  f->fd_.reset(::mkostemp(beside.data(), O_CLOEXEC));  // mode 0600
  if (!f->fd_) return f->refusal("make a file beside " + path, errno);
  f->beside_ = beside;
  f->end_.last = head.before.hash;
  if (auto written = f->write(encode(head)); !written) return written.error();
  return f;
}

export_file::~export_file() {
  if (!beside_.empty()) ::unlink(beside_.c_str());
}

result<> export_file::add(const base::record& record) {
  ++end_.records;
  end_.last = record.hash;
  return write(encode(record));
}

result<> export_file::add(const export_statement& statement) { return write(encode(statement)); }

result<> export_file::finish() {
  if (auto written = write(encode(end_)); !written) return written;
  if (auto flushed = flush(); !flushed) return flushed;
  if (::fsync(fd_.get()) != 0) return refusal("sync " + path_, errno);
  int renamed = how_ == present::refuse
                    ? ::renameat2(AT_FDCWD, beside_.c_str(), AT_FDCWD, path_.c_str(), RENAME_NOREPLACE)
                    : ::rename(beside_.c_str(), path_.c_str());
  // A file system without RENAME_NOREPLACE (network shares) still has link(), which never replaces.
  if (renamed != 0 && errno == EINVAL && how_ == present::refuse) {
    renamed = ::link(beside_.c_str(), path_.c_str());
    if (renamed == 0) ::unlink(beside_.c_str());
  }
  if (renamed != 0) return refusal(path_, errno);
  beside_.clear();
  return base::sync_folder_of(path_);
}

result<> export_file::write(std::string_view octets) {
  buffer_ += octets;
  octets_ += octets.size();
  return buffer_.size() >= buffer_size ? flush() : result<>();
}

result<> export_file::flush() {
  for (std::string_view left = buffer_; !left.empty();) {
    auto n = ::write(fd_.get(), left.data(), left.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return refusal("write " + path_, errno);
    left.remove_prefix(static_cast<std::size_t>(n));
  }
  buffer_.clear();
  return {};
}

result<chain_report> verify_export(const std::string& path) {
  auto refuse = [&](int error_number) {
    return error{errc::file_refused, path + ": " + base::errno_text(error_number)};
  };
  base::unique_fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return refuse(errno);
  export_reader reader;
  std::optional<chain_report> report;
  std::string chunk(buffer_size, '\0');
  for (;;) {
    auto n = ::read(fd.get(), chunk.data(), chunk.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return refuse(errno);
    if (n == 0) break;
    reader.feed(std::string_view(chunk.data(), static_cast<std::size_t>(n)));
    for (;;) {
      auto part = reader.next();
      if (!part && !report) return error{errc::export_damaged, path + ": " + part.error().detail};
      if (!part) {
        report->break_off(part.error().detail);
        return std::move(*report);
      }
      if (!*part) break;
      if (**part == export_reader::part::head) report.emplace(reader.head().till, reader.head().before);
      if (**part == export_reader::part::record && !report->take(reader.record())) return std::move(*report);
      if (**part == export_reader::part::statement) report->hear(reader.statement());
      if (**part == export_reader::part::end &&
          (reader.end().records != report->records() || reader.end().last != report->head().hash))
        report->break_off("the end names " + std::to_string(reader.end().records) + " records up to " +
                          base::to_hex(reader.end().last) + "; the file has others");
    }
  }
  if (!report) return error{errc::export_damaged, path + ": this is no export of a journal"};
  if (!reader.at_end())
    report->break_off("octet " + std::to_string(reader.offset()) + ": the file ends before its end mark");
  return std::move(*report);
}

}  // namespace tilld::wire
