#include "daemon/plugins/violations.hpp"

namespace tilld::daemon {

bool violations::add(std::string_view name) {
  auto found = counts_.find(name);
  if (found == counts_.end() && counts_.size() >= names_max) found = counts_.emplace("others", 0).first;
  if (found == counts_.end()) found = counts_.emplace(std::string(name), 0).first;
  return found->second++ == 0;
}

boost::json::object violations::as_json() const {
  boost::json::object all;
  for (auto& [name, count] : counts_) all[name] = count;
  return all;
}

}  // namespace tilld::daemon
