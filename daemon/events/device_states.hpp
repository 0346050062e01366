// What devices said of themselves last, so that who subscribes knows how things stand without asking a device
// that may be slow or hang. A memory of what was told, no more: what was never said is unknown, and with the
// end of a plugin all that it said.
//
// Of a card it is kept that it lies there, not which. [I/O thread]
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include <boost/json/object.hpp>

namespace tilld::daemon {

class device_states {
 public:
  // An event of a device that fits its schema. Those that tell no state are passed over.
  void said(std::string_view topic, const std::string& device, std::string_view data, std::int64_t unix_ms);
  void forget(const std::string& device) { all_.erase(device); }

  // As printer.status_changed says it, with said_ms; paper, cover and drawer unknown when nothing was said.
  boost::json::object printer(const std::string& device) const;
  // {"card": "present", "none" or "unknown", "presentation"?, "said_ms"?}
  boost::json::object reader(const std::string& device) const;

 private:
  struct state {
    std::optional<boost::json::object> printer, reader;
  };
  std::map<std::string, state> all_;
};

}  // namespace tilld::daemon
