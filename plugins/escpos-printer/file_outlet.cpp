#include "plugins/escpos-printer/file_outlet.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <filesystem>

#include "plugins/escpos-printer/durable_file.hpp"

namespace fs = std::filesystem;

namespace tilld::escpos {
namespace {

constexpr std::size_t number_digits = 4;

// "0042-018f2c3e.bin": the 42.
int number_of(const std::string& name) {
  int number = 0;
  auto [end, failed] = std::from_chars(name.data(), name.data() + name.size(), number);
  return failed == std::errc{} && *end == '-' ? number : 0;
}

}  // namespace

file_outlet::file_outlet(std::string folder, outlet_listener& listener)
    : folder_(std::move(folder)), listener_(listener) {}

result<std::unique_ptr<file_outlet>> file_outlet::open(std::string folder, outlet_listener& listener) {
  if (!fs::exists(folder)) {
    std::error_code failed;
    fs::create_directories(folder, failed);
    fs::permissions(folder, fs::perms::owner_all, failed);
  }
  if (::access(folder.c_str(), W_OK | X_OK) != 0)
    return error{errc::plugin_config, "path: cannot write into " + folder + ": " + errno_text(errno)};
  return std::unique_ptr<file_outlet>(new file_outlet(std::move(folder), listener));
}

void file_outlet::prepare() { listener_.on_ready(); }

void file_outlet::put_out(const printout& job) {
  auto number = next_number();
  if (!number) return listener_.on_lost(job.tag, false, number.error().detail);
  auto stem = folder_ + "/" + *number + "-" + job.operation_id;
  // The pictures first: a job that is there is there with everything.
  auto written = job.png.empty() ? result<>() : write_durably(stem + ".png", job.png);
  if (written && !job.text.empty()) written = write_durably(stem + ".txt", job.text);
  if (written) written = write_durably(stem + ".bin", job.bytes);
  if (!written) {
    for (auto* ending : {".png", ".txt"}) ::unlink((stem + ending).c_str());
    // The sync behind the rename may be what failed, so the folder knows best.
    bool printed = was_printed(job.operation_id).value_or(true);
    return listener_.on_lost(job.tag, printed, written.error().detail);
  }
  done_printout done{printer::confirmation::stored, *number, std::nullopt};
  if (!job.png.empty()) done.preview = stem + ".png";
  listener_.on_done(job.tag, done);
}

std::optional<bool> file_outlet::was_printed(const std::string& operation_id) const {
  std::error_code failed;
  auto ending = "-" + operation_id + ".bin";
  for (auto it = fs::directory_iterator(folder_, failed); !failed && it != fs::directory_iterator();
       it.increment(failed)) {
    auto name = it->path().filename().string();
    if (number_of(name) > 0 && name.size() > ending.size() && name.ends_with(ending)) return true;
  }
  if (failed) return std::nullopt;
  return false;
}

printer::condition file_outlet::condition() const {
  printer::condition it;
  it.online = ::access(folder_.c_str(), W_OK | X_OK) == 0;
  it.paper = it.online ? printer::paper::enough : printer::paper::unknown;
  it.cover = printer::cover::closed;
  it.drawer = printer::drawer::unknown;
  it.confirmation = printer::confirmation::stored;
  it.detail = "prints into the folder " + folder_;
  return it;
}

result<std::string> file_outlet::next_number() const {
  std::error_code failed;
  int last = 0;
  for (auto it = fs::directory_iterator(folder_, failed); !failed && it != fs::directory_iterator();
       it.increment(failed))
    last = std::max(last, number_of(it->path().filename().string()));
  if (failed) return error{errc::storage_failed, "cannot read " + folder_ + ": " + failed.message()};
  auto number = std::to_string(last + 1);
  if (number.size() < number_digits) number.insert(0, number_digits - number.size(), '0');
  return number;
}

}  // namespace tilld::escpos
