// A serial device on a pseudo-terminal: plugged in below a fixed name, unplugged, plugged in again, as
// /dev/serial/by-id does it.
#pragma once

#include <string>
#include <string_view>

namespace tilld::tests {

class serial_device {
 public:
  // `name` becomes a link to the terminal whenever it is plugged in.
  explicit serial_device(std::string name) : name_(std::move(name)) {}
  ~serial_device() { unplug(); }
  serial_device(const serial_device&) = delete;

  void plug_in();
  void unplug();  // whoever has it open sees it gone
  void say(std::string_view octets) const;

  const std::string& name() const { return name_; }

 private:
  std::string name_;
  int master_ = -1;
};

}  // namespace tilld::tests
