// Figures as people say them. [pure, but for the time zone]
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <boost/json/array.hpp>

namespace tilld::ctl {

// "7 s", "4 min", "3 h 12 min", "5 days 2 h"; "0 s" for nothing and for what lies in the future.
std::string duration(std::int64_t ms);

// "2026-11-21 14:05:11" in the time zone of the machine (TZ).
std::string moment(std::int64_t unix_ms);

// "1 record", "1,204 records".
std::string count(std::int64_t n, std::string_view one, std::string_view many);
// "1,204"
std::string figure(std::int64_t n);

// "412.30 EUR + 5.00 USD" of [{"minor":..,"currency":..}, ...]; empty for an empty list.
std::string money(const boost::json::array& amounts);

// "3b5c0f…9f01": enough of a hash to compare by eye.
std::string short_hash(std::string_view hex);

// Text of elsewhere (a plugin's words, a file name) without control characters, which could rewrite the
// terminal.
std::string harmless(std::string_view text);

}  // namespace tilld::ctl
