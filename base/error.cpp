#include "base/error.hpp"

#include <algorithm>
#include <array>
#include <stdexcept>

namespace tilld::base {
namespace {

constexpr std::array registry{
#define TILLD_ERROR(name, number, retryable, english, german, hint) \
  error_entry{errc::name, #name, retryable, english, german, hint},
#include "base/errors.def"
#undef TILLD_ERROR
};

}  // namespace

void throw_exception_from_error(const error& e, const boost::source_location& where) {
  throw std::logic_error(std::string(where.file_name()) + ":" + std::to_string(where.line()) +
                         ": value of a failed result: " + to_string(e));
}

const error_entry& describe(errc code) {
  auto* found = find_error(static_cast<int>(code));
  return found ? *found : *find_error("internal");
}

const error_entry* find_error(std::string_view kind) {
  auto at = std::find_if(registry.begin(), registry.end(), [&](auto& e) { return e.kind == kind; });
  return at == registry.end() ? nullptr : &*at;
}

const error_entry* find_error(int number) {
  auto at = std::find_if(registry.begin(), registry.end(),
                         [&](auto& e) { return static_cast<int>(e.code) == number; });
  return at == registry.end() ? nullptr : &*at;
}

std::span<const error_entry> error_registry() { return registry; }

std::string to_string(const error& e) {
  std::string text(describe(e.code).kind);
  if (!e.detail.empty()) text += ": " + e.detail;
  return text;
}

}  // namespace tilld::base
