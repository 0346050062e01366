// Messages of one plugin instance that did not fit their schema, counted by name. What is worth a line in the
// log is decided here: the first of each name in a shop, every one while somebody develops.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include <boost/json/object.hpp>

namespace tilld::daemon {

class violations {
 public:
  // Names beyond that are counted together as "others": a plugin chooses the names of its events.
  static constexpr std::size_t names_max = 64;

  // True for the first of its name.
  bool add(std::string_view name);
  bool any() const { return !counts_.empty(); }
  // {"tilld.printer/1.print": 3}
  boost::json::object as_json() const;

 private:
  std::map<std::string, std::uint32_t, std::less<>> counts_;
};

}  // namespace tilld::daemon
