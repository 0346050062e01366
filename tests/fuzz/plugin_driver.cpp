// A driver of the C++ SDK behind the functions of the ABI, called in any order with anything.
#include <memory>
#include <set>

#include <boost/describe.hpp>
#include <boost/json.hpp>

#include <tilld/plugin.hpp>
#include <tilld/printer.hpp>
#include <tilld/services.hpp>
#include <tilld/tender.hpp>

#include "tests/fuzz/target.hpp"

namespace tilld::fuzz {
namespace {

// Answers at once, later, never, twice, and asks the daemon.
class driver {
 public:
  struct config {
    std::string port;
    std::optional<int> width;
  };
  driver(tilld::host host, const config& settings) : host_(host) {
    if (settings.port == "gone") throw tilld::failure(TILLD_E_NO_DEVICE, "cannot open gone");
  }
  void print(const tilld::printer::print&, tilld::pending<tilld::printer::print> pending) {
    later_.push_back(std::move(pending));
  }
  tilld::printer::condition status(const tilld::printer::status&) {
    host_.ask(
        tilld::services::state::get{.key = "k"},
        [this](const tilld::answer<tilld::services::state::found>& answer) { heard_ += answer ? 1 : 0; });
    return {.online = true};
  }
  tilld::printer::rendered render(const tilld::printer::render& request) const {
    return {.media_type = "text/plain", .blob = {request.blob.bytes}};
  }
  void on_timer(std::uint32_t id) {
    if (id == 2) throw tilld::failure(TILLD_E_NO_DEVICE, "unplugged");
    if (!later_.empty()) {
      later_.back().answer({tilld::printer::confirmation::printed});
      later_.pop_back();
    }
  }
  using methods = std::tuple<tilld::method<&driver::print>, tilld::method<&driver::status>,
                             tilld::method<&driver::render>>;

 private:
  tilld::host host_;
  std::vector<tilld::pending<tilld::printer::print>> later_;
  int heard_ = 0;
};
BOOST_DESCRIBE_STRUCT(driver::config, (), (port, width))

struct counting_host : tilld_host {
  std::set<std::uint64_t> open;  // requests of the daemon that are not answered
  std::vector<std::uint64_t> asked;

  counting_host() : tilld_host{} {
    struct_size = sizeof(tilld_host);
    send = [](const tilld_host* host, const tilld_message* m) -> tilld_status {
      auto& self = *const_cast<counting_host*>(static_cast<const counting_host*>(host));
      if (m->kind == TILLD_REPLY) demand(self.open.erase(m->id) == 1, "a request is answered once");
      if (m->kind == TILLD_REQUEST) self.asked.push_back(m->id);
      std::string_view body(static_cast<const char*>(m->body.data), m->body.size);
      boost::json::error_code failed;
      if (!body.empty()) boost::json::parse(body, failed);
      demand(!failed, "what a driver says is JSON");
      return TILLD_OK;
    };
    log = [](const tilld_host*, std::int32_t, const char*) {};
    watch = [](const tilld_host*, int, std::int16_t) -> tilld_status { return TILLD_OK; };
    timer = [](const tilld_host*, std::uint32_t, std::uint32_t) -> tilld_status { return TILLD_OK; };
    now = [](const tilld_host*) { return std::uint64_t(5); };
  }
};

constexpr const char* names[] = {
    "tilld.printer/1.print", "tilld.printer/1.status", "tilld.printer/1.render", "tilld.printer/1.dance", "",
    "tilld.state/1.get"};

// Each request is answered once, before the driver is gone at the latest; nothing that the daemon or a
// stranger says makes the SDK throw or say what is no JSON.
void eat(std::string_view octets) {
  dice from(octets);
  using glue = tilld::detail::glue<driver>;
  counting_host host;
  void* instance = nullptr;
  auto section = from.octet() & 1 ? from.text() : std::string_view(R"({"port":"p"})");
  if (glue::start(&host, {section.data(), section.size()}, &instance) != TILLD_OK) {
    demand(instance == nullptr, "what did not start is not there");
    return;
  }
  std::uint64_t id = 0;
  for (int i = 0; i < 100 && !from.empty(); ++i) {
    auto what = from.up_to(5);
    auto name = names[from.up_to(5)];
    auto body = from.text(), blob = from.text();
    tilld_message m{sizeof(tilld_message),
                    TILLD_REQUEST,
                    ++id,
                    TILLD_OK,
                    from.octet(),
                    name,
                    {body.data(), body.size()},
                    {blob.data(), blob.size()}};
    switch (what) {
      case 0:
      case 1:
        host.open.insert(id);
        glue::on_message(instance, &m);
        break;
      case 2:
        m.kind = TILLD_REPLY;
        m.status = static_cast<tilld_status>(from.octet() % 16);
        m.id = host.asked.empty() ? from.number() : host.asked[from.up_to(host.asked.size() - 1)];
        glue::on_message(instance, &m);
        break;
      case 3:
        m.kind = TILLD_EVENT;
        glue::on_message(instance, &m);
        break;
      default: glue::on_timer(instance, static_cast<std::uint32_t>(from.up_to(2)));
    }
  }
  glue::stop(instance);
  demand(host.open.empty(), "every request was answered");
}

const target plugin_driver{"plugin_driver", eat};

}  // namespace
}  // namespace tilld::fuzz
