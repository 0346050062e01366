#include "daemon/router/router.hpp"

#include <cassert>

namespace tilld::daemon {

void router::add(method m) {
  assert(!m.quick != !m.slow);
  auto name = m.name;
  methods_.emplace(std::move(name), std::move(m));
}

base::result<const method*> router::find(const std::string& name, role r) {
  const method* found = nullptr;
  if (auto at = methods_.find(name); at != methods_.end()) {
    found = &at->second;
  } else if (rest_) {
    if (auto other = rest_(name)) {
      found_rest_ = std::move(*other);
      found = &found_rest_;
    }
  }
  if (!found) return base::error{base::errc::unknown_method, "there is no method " + name.substr(0, 64)};
  if (!(found->allowed & only(r)))
    return base::error{base::errc::forbidden,
                       "the role " + std::string(daemon::name(r)) + " may not call " + name};
  return found;
}

std::vector<std::string> router::names() const {
  std::vector<std::string> all;
  for (auto& [name, m] : methods_) all.push_back(name);
  return all;
}

}  // namespace tilld::daemon
