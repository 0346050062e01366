// A card reader on a serial port that says the number of each card as hexadecimal digits and a line end, as
// many keyboard-type readers do when they are switched to serial.
#include <poll.h>

#include <list>
#include <mutex>
#include <optional>
#include <string>

#include <tilld/card_reader.hpp>
#include <tilld/plugin.hpp>
#include <tilld/serial_port.hpp>

namespace card_reader = tilld::card_reader;

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

  // Answered later, by the next card: the token is kept until then.
  void await(const card_reader::await& request, tilld::pending<card_reader::await> pending) {
    {
      const std::lock_guard hold(guard_);
      const auto deadline = pending.deadline_ms()
                                ? host_.now() + std::chrono::milliseconds(pending.deadline_ms())
                                : std::chrono::milliseconds::max();
      waiting_.push_back({request, std::move(pending), deadline});
    }
    set_timer();
  }

  void on_timer(std::uint32_t) {
    {
      const std::lock_guard hold(guard_);
      waiting_.remove_if([now = host_.now()](waiting& w) {
        if (w.deadline > now) return false;
        w.pending.fail(tilld::failure(TILLD_E_TIMEOUT, "no card came"));
        return true;
      });
    }
    set_timer();
  }

  // Comes on another thread, at any moment; hence the lock.
  void cancel(std::uint64_t id) {
    const std::lock_guard hold(guard_);
    waiting_.remove_if([id](waiting& w) {
      if (w.pending.id() != id) return false;
      w.pending.fail(tilld::failure(TILLD_E_CANCELLED, "cancelled"));
      return true;
    });
  }

  void on_fd(int, std::int16_t) {
    for (char c : port_.read()) take(c);
  }

  using methods = std::tuple<tilld::method<&driver::await>>;

 private:
  struct waiting {
    card_reader::await request;
    tilld::pending<card_reader::await> pending;
    std::chrono::milliseconds deadline;
  };

  void take(char c) {
    if (c >= 'a' && c <= 'f') c = static_cast<char>(c - 'a' + 'A');
    if ((c >= '0' && c <= '9') || (c >= 'A' && c <= 'F')) {
      if (uid_.size() < uid_size_max) uid_ += c;
    } else if (c == '\r' || c == '\n') {
      if (!uid_.empty()) present();
      uid_.clear();
    }
  }

  void present() {
    card_reader::presented card;
    card.presentation = ++presentations_;
    card.technology = card_reader::technology::unknown;
    // A number that anybody can copy proves nothing. Say more only where the card proved more.
    card.security_level = card_reader::security_level::uid_only;
    card.uid = uid_;
    host_.emit(card);
    const std::lock_guard hold(guard_);
    waiting_.remove_if([&](waiting& w) {
      if (w.request.at_least && card.security_level < *w.request.at_least) return false;
      w.pending.answer(card);
      return true;
    });
  }

  void set_timer() {
    const std::lock_guard hold(guard_);
    auto earliest = std::chrono::milliseconds::max();
    for (const auto& w : waiting_) earliest = std::min(earliest, w.deadline);
    if (earliest != std::chrono::milliseconds::max()) host_.set_timer(1, earliest - host_.now());
  }

  static constexpr std::size_t uid_size_max = 20;  // ten octets, the longest of ISO/IEC 14443

  tilld::host host_;
  tilld::serial_port port_;
  std::string uid_;
  std::uint64_t presentations_ = 0;
  std::mutex guard_;
  std::list<waiting> waiting_;
};
BOOST_DESCRIBE_STRUCT(driver::config, (), (port, baud))

TILLD_PLUGIN(driver, {.id = "com.example.my-device",
                      .version = "1.0.0",
                      .summary = "Card readers on a serial port",
                      .provides = {"tilld.reader/1"}})
