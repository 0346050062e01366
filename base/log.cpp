#include "base/log.hpp"

#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <systemd/sd-journal.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <vector>

namespace tilld::base {
namespace {

// The variable alone says little: whatever a desktop's service starts inherits it. It names the stream as
// device:inode.
bool under_systemd() {
  static const bool it_is = [] {
    auto* stream = std::getenv("JOURNAL_STREAM");
    struct stat found {};
    if (!stream || ::fstat(STDERR_FILENO, &found) != 0) return false;
    return std::to_string(found.st_dev) + ":" + std::to_string(found.st_ino) == stream;
  }();
  return it_is;
}

spdlog::logger& terminal() {
  static auto logger = [] {
    auto made = spdlog::stderr_color_mt("tilld");
    made->set_pattern("%Y-%m-%d %H:%M:%S.%e %^%l%$ %v");
    made->flush_on(spdlog::level::trace);
    return made;
  }();
  return *logger;
}

int syslog_priority(log_level level) {
  switch (level) {
    case log_level::error: return 3;
    case log_level::warning: return 4;
    case log_level::info: return 6;
    case log_level::debug: return 7;
  }
  return 6;
}

// How many octets the UTF-8 character at the start of the text has; 0 when it is none.
std::size_t character_size(std::string_view text) {
  auto first = static_cast<unsigned char>(text[0]);
  std::size_t size = first < 0x80                    ? 1
                     : first >= 0xc2 && first < 0xe0 ? 2
                     : first >= 0xe0 && first < 0xf0 ? 3
                     : first >= 0xf0 && first < 0xf5 ? 4
                                                     : 0;
  if (size > text.size()) return 0;
  for (std::size_t i = 1; i < size; ++i)
    if ((static_cast<unsigned char>(text[i]) & 0xc0) != 0x80) return 0;
  return size;
}

// A value from outside must not be able to start a line of its own or to steer a terminal: the control
// characters of ASCII and of Latin-1 (U+0080 to U+009F) and the line and paragraph separators become spaces.
std::string one_line(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    auto size = character_size(text);
    auto c = text.substr(0, size == 0 ? 1 : size);
    auto first = static_cast<unsigned char>(c[0]);
    bool control = size == 1 ? first < 0x20 || first == 0x7f
                             : (size == 2 && first == 0xc2 && static_cast<unsigned char>(c[1]) < 0xa0) ||
                                   c == "\xe2\x80\xa8" || c == "\xe2\x80\xa9";
    out += size == 0 ? "?" : control ? " " : c;
    text.remove_prefix(c.size());
  }
  return out;
}

std::atomic<bool> debug_lines = false;

void write(log_level level, std::string_view sentence, const std::vector<log_field>& fields) {
  if (level == log_level::debug && !debug_lines) return;
  if (under_systemd()) {
    std::vector<std::string> entries{"MESSAGE=" + one_line(sentence),
                                     "PRIORITY=" + std::to_string(syslog_priority(level))};
    for (auto& f : fields) {
      std::string entry = "TILLD_";
      for (char c : f.name) entry += static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
      entries.push_back(entry + "=" + one_line(f.value));
      entries[0] += " " + std::string(f.name) + "=" + one_line(f.value);
    }
    std::vector<iovec> vectors;
    for (auto& e : entries) vectors.push_back({e.data(), e.size()});
    sd_journal_sendv(vectors.data(), static_cast<int>(vectors.size()));
    return;
  }
  auto text = one_line(sentence);
  for (auto& f : fields) text += " " + std::string(f.name) + "=" + one_line(f.value);
  static constexpr spdlog::level::level_enum levels[] = {spdlog::level::err, spdlog::level::warn,
                                                         spdlog::level::info, spdlog::level::debug};
  auto& logger = terminal();
  logger.set_level(debug_lines ? spdlog::level::debug : spdlog::level::info);
  logger.log(levels[static_cast<int>(level)], "{}", text);
}

}  // namespace

void log_debug_lines(bool wanted) { debug_lines = wanted; }

void log(log_level level, std::string_view sentence, std::initializer_list<log_field> fields) {
  write(level, sentence, std::vector<log_field>(fields));
}

void log(log_level level, std::string_view sentence, const error& e,
         std::initializer_list<log_field> fields) {
  std::vector<log_field> all(fields);
  all.emplace_back("code", describe(e.code).kind);
  if (!e.detail.empty()) all.emplace_back("detail", e.detail);
  write(level, sentence, all);
}

}  // namespace tilld::base
