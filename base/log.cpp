#include "base/log.hpp"

#include <sys/uio.h>

#include <algorithm>
#include <cstdlib>
#include <vector>

#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>
#include <systemd/sd-journal.h>

namespace tilld::base {
namespace {

bool under_systemd() {
  static const bool it_is = std::getenv("JOURNAL_STREAM") != nullptr;
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

// A value from outside must not be able to start a line of its own.
std::string one_line(std::string text) {
  std::replace_if(text.begin(), text.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; }, ' ');
  return text;
}

bool debug_lines = false;

void write(log_level level, std::string_view sentence, const std::vector<log_field>& fields) {
  if (level == log_level::debug && !debug_lines) return;
  if (under_systemd()) {
    std::vector<std::string> entries{"MESSAGE=" + one_line(std::string(sentence)),
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
  auto text = one_line(std::string(sentence));
  for (auto& f : fields) text += " " + std::string(f.name) + "=" + one_line(f.value);
  static constexpr spdlog::level::level_enum levels[] = {spdlog::level::err, spdlog::level::warn, spdlog::level::info,
                                                         spdlog::level::debug};
  auto& logger = terminal();
  logger.set_level(debug_lines ? spdlog::level::debug : spdlog::level::info);
  logger.log(levels[static_cast<int>(level)], "{}", text);
}

}  // namespace

void log_debug_lines(bool wanted) { debug_lines = wanted; }

void log(log_level level, std::string_view sentence, std::initializer_list<log_field> fields) {
  write(level, sentence, std::vector<log_field>(fields));
}

void log(log_level level, std::string_view sentence, const error& e, std::initializer_list<log_field> fields) {
  std::vector<log_field> all(fields);
  all.emplace_back("code", describe(e.code).kind);
  if (!e.detail.empty()) all.emplace_back("detail", e.detail);
  write(level, sentence, all);
}

}  // namespace tilld::base
