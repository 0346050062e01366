#include "plugins/escpos-printer/result.hpp"

#include <stdexcept>

namespace tilld::escpos {

std::string_view kind_of(errc code) {
  switch (code) {
    case errc::invalid_params: return "invalid_params";
    case errc::code_too_wide: return "code_too_wide";
    case errc::device_gone: return "device_gone";
    case errc::storage_failed: return "storage_failed";
    case errc::plugin_config: return "plugin_config";
    case errc::internal: break;
  }
  return "internal";
}

std::string to_string(const error& e) { return std::string(kind_of(e.code)) + ": " + e.detail; }

void throw_exception_from_error(const error& e, const boost::source_location& where) {
  throw std::logic_error(std::string(where.file_name()) + ":" + std::to_string(where.line()) +
                         ": value of a failed result: " + to_string(e));
}

}  // namespace tilld::escpos
