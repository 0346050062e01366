// What the daemon offers to plugins, kept in memory: tilld.state/1 that outlives a process, a journal that
// counts, a central server that cannot be reached.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include <boost/json/value.hpp>

#include "wire/plugin_frame.hpp"

namespace tilld::plugin_check {

class services {
 public:
  // The reply to a question; id and name are those of the question. What is not named in `uses` is refused,
  // as the daemon does.
  wire::plugin_message answer(const wire::plugin_message& question, const std::vector<std::string>& uses);

 private:
  std::map<std::string, boost::json::value> state_;
  std::uint64_t journal_ = 0;
};

}  // namespace tilld::plugin_check
