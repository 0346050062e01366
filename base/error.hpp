// How tilld reports that something went wrong: one error type, one registry of codes (errors.def).
//
// A function that can fail returns result<T>. A refusal that the business expects ("limit exceeded") is a
// value of the reply and not an error. Exceptions are bugs; they end at the session, the plugin trampoline
// and main.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include <boost/system/result.hpp>

namespace tilld::base {

// The values are the protocol's numbers, so that a code in a log and a code on the socket are the same thing.
enum class errc : int {
#define TILLD_ERROR(name, number, retryable, english, german, hint) name = number,
#include "base/errors.def"
#undef TILLD_ERROR
};

struct [[nodiscard]] error {
  errc code = errc::internal;
  // For the log and IT staff: what exactly, where. Never a card number, a PIN, a token or a name.
  std::string detail;
};

template <class T = void>
using result = boost::system::result<T, error>;

// What .value() on an error throws; reaching it is a bug of the caller.
[[noreturn]] void throw_exception_from_error(const error& e, const boost::source_location& where);

enum class language { english, german };

// One line of the registry.
struct error_entry {
  errc code;
  std::string_view kind;  // the name, as it stands in the member "kind" of the protocol
  bool retryable;         // whether the same call with the same key may succeed later
  std::string_view english;
  std::string_view german;
  std::string_view hint;

  std::string_view sentence(language l) const { return l == language::german ? german : english; }
};

// Never fails: a code that is not in the registry is described as errc::internal.
const error_entry& describe(errc code);

// By kind; nullptr when no such kind exists. Plugins name their faults by kind.
const error_entry* find_error(std::string_view kind);

// By the protocol's number; nullptr when no such number exists.
const error_entry* find_error(int number);

std::span<const error_entry> error_registry();

// "kind: detail", for logs and for people at a terminal.
std::string to_string(const error& e);

}  // namespace tilld::base
