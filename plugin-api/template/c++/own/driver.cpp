// Something new: an interface of your own. A till calls the word `measure` of it as
// com.example.my-device.measure and subscribes to com.example.my-device.measured. Once others use it, it
// grows by optional members only.
#include <poll.h>

#include <optional>
#include <string>

#include <tilld/plugin.hpp>
#include <tilld/serial_port.hpp>

// The messages. Put them into a header of their own when another program needs them.
struct measured {
  static constexpr const char* name = "com.example.my-device/1.measured";
  std::int64_t value = 0;
};
BOOST_DESCRIBE_STRUCT(measured, (), (value))

struct measure {
  static constexpr const char* name = "com.example.my-device/1.measure";
  static constexpr bool changes_state = false;
  static constexpr std::uint32_t deadline_ms_default = 2'000;
  using reply = measured;
};
BOOST_DESCRIBE_STRUCT(measure, (), ())

class driver {
 public:
  struct config {
    std::string port;
    std::optional<std::uint32_t> baud;
  };

  driver(tilld::host host, const config& from)
      : host_(host), port_(from.port, {.baud = from.baud.value_or(9600)}) {
    host_.watch(port_.descriptor(), POLLIN);
  }

  measured last(const measure&) {
    if (!last_) throw tilld::failure(TILLD_E_BUSY, "the device has said nothing yet", "device_busy");
    return {*last_};
  }

  // Each line of the device is a number.
  void on_fd(int, std::int16_t) {
    for (char c : port_.read()) {
      if (c >= '0' && c <= '9' && line_.size() < 9) line_ += c;
      if (c != '\n' || line_.empty()) continue;
      last_ = std::stoll(line_);
      host_.emit(measured{*last_});
      line_.clear();
    }
  }

  using methods = std::tuple<tilld::method<&driver::last>>;

 private:
  tilld::host host_;
  tilld::serial_port port_;
  std::string line_;
  std::optional<std::int64_t> last_;
};
BOOST_DESCRIBE_STRUCT(driver::config, (), (port, baud))

TILLD_PLUGIN(driver, {.id = "com.example.my-device",
                      .version = "1.0.0",
                      .summary = "Measures something",
                      .provides = {"com.example.my-device/1"}})
