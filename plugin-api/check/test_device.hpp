// A device of the check's own, for configurations that have ${pty} or ${tcp} in them: it takes everything,
// says nothing, and can be taken away.
#pragma once

#include <cstddef>
#include <string>

#include <boost/json/object.hpp>

#include "base/file.hpp"

namespace tilld::plugin_check {

class test_devices {
 public:
  // Makes what the configuration names.
  explicit test_devices(const boost::json::object& config);

  // The configuration with "/dev/pts/3" and "127.0.0.1:40000" in it.
  boost::json::object put_into(const boost::json::object& config) const;
  bool any() const { return static_cast<bool>(terminal_) || static_cast<bool>(listener_); }
  const std::string& terminal_path() const { return terminal_path_; }

  // Takes what was sent and whoever connects; to be called often.
  void serve();
  std::size_t octets_taken() const { return taken_; }
  bool connected() const { return static_cast<bool>(connection_); }
  // Unplugged: the terminal hangs up, the connection is reset, and nobody listens any more.
  void vanish();

 private:
  base::unique_fd terminal_, listener_, connection_;
  std::string terminal_path_, address_;
  std::size_t taken_ = 0;
};

}  // namespace tilld::plugin_check
