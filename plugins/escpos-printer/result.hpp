// How the parts of this plugin say that something went wrong: as a value, with the name that the daemon's
// registry of errors knows (docs/errors.md) and a sentence for IT staff. A plugin stands on the SDK alone, so
// this is its own.
#pragma once

#include <string>
#include <string_view>

#include <boost/system/result.hpp>

namespace tilld::escpos {

enum class errc { invalid_params, code_too_wide, device_gone, storage_failed, plugin_config, internal };

std::string_view kind_of(errc code);  // "code_too_wide"

struct [[nodiscard]] error {
  errc code = errc::internal;
  std::string detail;  // never what stands on a receipt
};

std::string to_string(const error& e);

template <class T = void>
using result = boost::system::result<T, error>;

// What .value() on an error throws; reaching it is a bug of the caller.
[[noreturn]] void throw_exception_from_error(const error& e, const boost::source_location& where);

}  // namespace tilld::escpos
