#include "ctl/phrase.hpp"

#include <cstdio>
#include <ctime>

#include "base/money.hpp"
#include "ctl/members.hpp"

namespace tilld::ctl {

std::string duration(std::int64_t ms) {
  auto seconds = ms < 0 ? 0 : ms / 1000;
  if (seconds < 60) return std::to_string(seconds) + " s";
  auto minutes = seconds / 60;
  if (minutes < 60) return std::to_string(minutes) + " min";
  auto hours = minutes / 60;
  if (hours < 24)
    return std::to_string(hours) + " h" + (minutes % 60 ? " " + std::to_string(minutes % 60) + " min" : "");
  auto days = hours / 24;
  return count(days, "day", "days") + (hours % 24 ? " " + std::to_string(hours % 24) + " h" : "");
}

std::string moment(std::int64_t unix_ms) {
  // Rounded down, before 1970 as well.
  auto seconds = static_cast<std::time_t>(unix_ms >= 0 ? unix_ms / 1000 : (unix_ms - 999) / 1000);
  std::tm local{};
  if (!::localtime_r(&seconds, &local)) return "?";
  char text[64];
  std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &local);
  return text;
}

std::string figure(std::int64_t n) {
  auto text = std::to_string(n);
  for (auto at = static_cast<std::ptrdiff_t>(text.size()) - 3; at > (n < 0 ? 1 : 0); at -= 3)
    text.insert(static_cast<std::size_t>(at), 1, ',');
  return text;
}

std::string count(std::int64_t n, std::string_view one, std::string_view many) {
  return figure(n) + " " + std::string(n == 1 ? one : many);
}

std::string money(const boost::json::array& amounts) {
  std::string text;
  for (auto& amount : amounts) {
    if (!amount.is_object()) continue;
    auto minor = integer_of(amount.get_object(), "minor");
    auto currency = text_of(amount.get_object(), "currency");
    if (!minor || !base::is_currency_code(currency)) continue;
    if (!text.empty()) text += " + ";
    text += base::money{*minor, currency}.text();
  }
  return text;
}

std::string short_hash(std::string_view hex) {
  if (hex.size() <= 14) return harmless(hex);
  return harmless(hex.substr(0, 6)) + "…" + harmless(hex.substr(hex.size() - 6));
}

std::string harmless(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    auto c = static_cast<unsigned char>(text[i]);
    // U+0080 to U+009F are control characters as well: two octets in UTF-8, C2 80 to C2 9F.
    bool control_of_utf8 = c == 0xc2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xa0;
    if (control_of_utf8) ++i;
    out += c < 0x20 || c == 0x7f || control_of_utf8 ? ' ' : text[i];
  }
  return out;
}

}  // namespace tilld::ctl
