// The device in device.hpp. Apart from the plugins, so that it is compiled once.
#include "tests/plugin_check/bad/device.hpp"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <tuple>
#include <utility>

#include <tilld/card_reader.hpp>
#include <tilld/display.hpp>
#include <tilld/plugin.hpp>
#include <tilld/printer.hpp>
#include <tilld/scanner.hpp>
#include <tilld/services.hpp>
#include <tilld/tender.hpp>

namespace {

namespace printer = tilld::printer;
namespace tender = tilld::tender;

class right_driver {
 public:
  struct config {
    std::optional<std::string> port;
  };

  right_driver(tilld::host host, const config& from) : host_(host) {
    if (!from.port) return;
    fd_ = ::open(from.port->c_str(), O_RDONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    if (fd_ < 0) throw tilld::failure(TILLD_E_NO_DEVICE, "cannot open the port");
    host_.watch(fd_, POLLIN);
  }
  ~right_driver() {
    if (fd_ >= 0) ::close(fd_);
  }

  tilld::nothing enable(const tilld::scanner::enable& request) {
    tilld::scanner::scanned event;
    event.text = request.on ? "on" : "off";
    host_.emit(event);
    return {};
  }

  void await(const tilld::card_reader::await&, tilld::pending<tilld::card_reader::await> pending) {
    const std::lock_guard hold(guard_);
    host_.set_timer(1, std::chrono::milliseconds(pending.deadline_ms()));
    waiting_.push_back(std::move(pending));
  }
  void on_timer(std::uint32_t) {
    const std::lock_guard hold(guard_);
    for (auto& one : waiting_) one.fail(tilld::failure(TILLD_E_TIMEOUT, "no card came"));
    waiting_.clear();
  }
  void cancel(std::uint64_t id) {
    const std::lock_guard hold(guard_);
    waiting_.remove_if([id](auto& one) {
      if (one.id() != id) return false;
      one.fail(tilld::failure(TILLD_E_CANCELLED, "cancelled"));
      return true;
    });
  }

  tilld::nothing show(const tilld::display::show&) { return {}; }

  void print(const printer::print& request, tilld::pending<printer::print> pending) {
    const auto token = std::make_shared<tilld::pending<printer::print>>(std::move(pending));
    const auto id = request.operation_id;
    remembered(id, [this, id, token](std::optional<std::string> job) {
      if (job) return token->answer({.confirmation = printer::confirmation::stored, .job = job});
      const auto made =
          tilld::services::state::put{.key = id, .value = boost::json::string(id.substr(id.size() - 6))};
      jobs_[id] = id.substr(id.size() - 6);
      host_.ask(made, [this, id, token](const tilld::answer<tilld::nothing>&) {
        token->answer({.confirmation = printer::confirmation::stored, .job = jobs_[id]});
      });
    });
  }

  tender::authorized authorize(const tender::authorize&) {
    return {.decision = tender::decision::declined, .reason = tender::decline_reason::blocked};
  }

  void on_fd(int fd, std::int16_t) {
    char octets[64];
    if (::read(fd, octets, sizeof octets) <= 0)
      throw tilld::failure(TILLD_E_NO_DEVICE, "the scanner was unplugged");
  }

  using methods = std::tuple<tilld::method<&right_driver::enable>, tilld::method<&right_driver::await>,
                             tilld::method<&right_driver::show>, tilld::method<&right_driver::print>,
                             tilld::method<&right_driver::authorize>>;

 private:
  void remembered(const std::string& id, std::function<void(std::optional<std::string>)> then) {
    if (const auto found = jobs_.find(id); found != jobs_.end()) return then(found->second);
    using tilld::services::state::found;
    host_.ask(tilld::services::state::get{.key = id}, [then](const tilld::answer<found>& answer) {
      const bool known = answer && answer->value && answer->value->is_string();
      then(known ? std::optional<std::string>(answer->value->get_string()) : std::nullopt);
    });
  }

  tilld::host host_;
  int fd_ = -1;
  std::mutex guard_;
  std::list<tilld::pending<tilld::card_reader::await>> waiting_;
  std::map<std::string, std::string> jobs_;
};
BOOST_DESCRIBE_STRUCT(right_driver::config, (), (port))

constexpr tilld::description right_description{
    .id = "org.tilld.test.device",
    .version = "1.0.0",
    .summary = "Keeps every rule",
    .provides = {"tilld.scanner/1", "tilld.reader/1", "tilld.display/1", "tilld.printer/1", "tilld.tender/1"},
    .uses = {"tilld.state/1"}};

}  // namespace

const tilld_plugin& right() { return *tilld::detail::describe_plugin<right_driver>(right_description); }

tilld_plugin& copy() {
  static tilld_plugin it = right();
  return it;
}

const tilld_host* the_host = nullptr;

tilld_status start_and_keep_host(const tilld_host* host, tilld_bytes config, void** instance) {
  the_host = host;
  return right().start(host, config, instance);
}

tilld_status start_with_send(send_function send, const tilld_host* host, tilld_bytes config,
                             void** instance) {
  static tilld_host wrapped;
  the_host = host;
  wrapped.struct_size = sizeof wrapped;
  wrapped.abi_minor = host->abi_minor;
  wrapped.send = send;
  wrapped.log = [](const tilld_host*, std::int32_t level, const char* text) {
    the_host->log(the_host, level, text);
  };
  wrapped.watch = [](const tilld_host*, int fd, std::int16_t events) {
    return the_host->watch(the_host, fd, events);
  };
  wrapped.timer = [](const tilld_host*, std::uint32_t id, std::uint32_t ms) {
    return the_host->timer(the_host, id, ms);
  };
  wrapped.now = [](const tilld_host*) { return the_host->now(the_host); };
  return right().start(&wrapped, config, instance);
}

void send(const tilld_host* host, std::uint32_t kind, std::uint64_t id, tilld_status status, const char* name,
          std::string_view body) {
  tilld::detail::send(host, kind, id, status, 0, name, body, {});
}
