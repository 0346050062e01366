// The check that every row beside the journal carries: the first 8 octets of a SHA-256 over its columns.
// Enough to notice a flipped bit, not meant against an intruder; the journal has its chain for that.
//
// Pure functions. [any thread]
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

#include "daemon/store/rows.hpp"

namespace tilld::daemon {

using check_octets = std::array<std::uint8_t, 8>;

// The tables whose rows carry a check, in the order in which they are looked through.
enum class checked_table { operation, destination, plugin_state, token, fact };

// `stored_answer` as it lies in the table: sealed answers are checked sealed.
check_octets check_of(const operation_row& row, base::byte_view stored_answer);
check_octets check_of(const token_row& row);
check_octets check_of_cursor(const std::string& destination, base::byte_view witness, std::int64_t sequence);
check_octets check_of_state(const std::string& instance, const std::string& key, base::byte_view value);
check_octets check_of_fact(const std::string& name, base::byte_view value);

// 64 bits that stand for a row in memory: two rows of one till never have the same ones in practice.
std::uint64_t trace_of(checked_table table, std::initializer_list<std::string_view> key);
inline std::uint64_t trace_of(const operation_key& key) {
  return trace_of(checked_table::operation, {key.principal, key.method, key.key});
}

}  // namespace tilld::daemon
