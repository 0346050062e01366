// The C++ SDK: a driver is a class, and TILLD_PLUGIN makes a plugin of it.
//
//   class scale {
//    public:
//     struct config { std::string port; };             // described; its YAML section, unknown keys refused
//     scale(tilld::host host, const config& config);   // opens the device, or throws tilld::failure
//     ~scale();                                        // lets go of everything
//     weighed weigh(const weigh& request);             // a method
//     void on_fd(int fd, std::int16_t events);         // optional, as are the next two
//     void on_timer(std::uint32_t timer_id);
//     void cancel(std::uint64_t id);                   // any thread, must not throw
//     using methods = std::tuple<tilld::method<&scale::weigh>>;
//   };
//   TILLD_PLUGIN(scale, {.id = "com.example.scale", .version = "1.0.0", .summary = "Shop scales",
//                        .provides = {"com.example.scale/1"}})
//
// The constructor may also take only the host, or boost::json::object instead of a config of its own; then
// the descriptor's config_schema says what is allowed in it. Whatever a driver throws stays inside: from a
// method it becomes the reply, from the constructor the reason why start failed, from on_fd and on_timer the
// end of the instance.
//
// Everything here runs on the plugin thread, one call at a time, except where [any-thread] is said.
#pragma once

#include <memory>
#include <string>
#include <system_error>
#include <tuple>

#include <boost/core/demangle.hpp>

#include <tilld/json_schema.hpp>
#include <tilld/method.hpp>

namespace tilld {

// What a plugin says of itself. At most 16 interfaces each way.
struct description {
  const char* id;
  const char* version;
  const char* summary;
  const char* provides[17] = {};
  const char* uses[17] = {};
  const char* config_schema = nullptr;  // printed from driver::config when left out
};

namespace detail {

// Messages of foreign exceptions may quote what they choked on, a card number for instance; only their type
// is told.
inline failure describe_exception() {
  try {
    throw;
  } catch (const failure& e) {
    return e;
  } catch (const std::bad_alloc&) {
    return failure(TILLD_E_INTERNAL, "out of memory");
  } catch (const std::system_error& e) {
    return failure(TILLD_E_INTERNAL, "unexpected error of the system: " + e.code().message());
  } catch (const std::exception& e) {
    return failure(TILLD_E_INTERNAL, "unexpected exception " + boost::core::demangle(typeid(e).name()));
  } catch (...) {
    return failure(TILLD_E_INTERNAL, "unexpected exception of an unknown type");
  }
}

template <class Driver>
class glue {
 public:
  static tilld_status start(const tilld_host* host, tilld_bytes section, void** instance) noexcept {
    auto self = std::unique_ptr<glue>(new glue(host));
    try {
      self->driver_ = self->make(parse_body(view(section)));
      *instance = self.release();
      return TILLD_OK;
    } catch (...) {
      const auto why = describe_exception();
      host->log(host, static_cast<std::int32_t>(log_level::error), why.what());
      return why.status() == TILLD_E_INVALID ? TILLD_E_CONFIG : why.status();
    }
  }

  static void stop(void* instance) noexcept { delete static_cast<glue*>(instance); }

  static void on_message(void* instance, const tilld_message* message) noexcept {
    auto& self = *static_cast<glue*>(instance);
    if (message->kind == TILLD_REQUEST) self.on_request(*message);
    if (message->kind == TILLD_REPLY) self.guarded([&] { self.on_reply(*message); });
  }

  static void on_fd(void* instance, int fd, std::int16_t events) noexcept {
    auto& self = *static_cast<glue*>(instance);
    if constexpr (requires(Driver & d) { d.on_fd(fd, events); })
      self.guarded([&] { self.driver_->on_fd(fd, events); });
  }

  static void on_timer(void* instance, std::uint32_t timer_id) noexcept {
    auto& self = *static_cast<glue*>(instance);
    if constexpr (requires(Driver & d) { d.on_timer(timer_id); })
      self.guarded([&] { self.driver_->on_timer(timer_id); });
  }

  static void cancel(void* instance, std::uint64_t id) noexcept {
    auto& self = *static_cast<glue*>(instance);
    if constexpr (requires(Driver & d) { d.cancel(id); }) self.driver_->cancel(id);
  }

 private:
  explicit glue(const tilld_host* host) : core_{host} {}

  std::unique_ptr<Driver> make(const boost::json::value& section) {
    if constexpr (requires { typename Driver::config; }) {
      return std::make_unique<Driver>(host(core_),
                                      from_json<typename Driver::config>(section, unknown_members::refused));
    } else if constexpr (std::is_constructible_v<Driver, host, const boost::json::object&>) {
      return std::make_unique<Driver>(host(core_), from_json<boost::json::object>(section));
    } else {
      return std::make_unique<Driver>(host(core_));
    }
  }

  void on_request(const tilld_message& message) noexcept {
    try {
      bool known = false;
      boost::mp11::mp_for_each<boost::mp11::mp_transform<boost::mp11::mp_identity, typename Driver::methods>>(
          [&](auto candidate) {
            using method = typename decltype(candidate)::type;
            if (known || std::string_view(method::request::name) != message.name) return;
            known = true;
            method::answer(*driver_, core_.abi, message);
          });
      if (!known) throw failure(TILLD_E_UNSUPPORTED, std::string("no such method: ") + message.name);
    } catch (...) {
      const auto why = describe_exception();
      send(core_.abi, TILLD_REPLY, message.id, why.status(), 0, message.name,
           failure_body(why.what(), why.kind()), {});
    }
  }

  void on_reply(const tilld_message& message) {
    const auto found = core_.asked.find(message.id);
    if (found == core_.asked.end()) return;
    const auto continuation = std::move(found->second);
    core_.asked.erase(found);
    continuation(message);
  }

  template <class Work>
  void guarded(Work work) noexcept {
    try {
      work();
    } catch (...) {
      host(core_).give_up(describe_exception());
    }
  }

  instance_core core_;
  std::unique_ptr<Driver> driver_;
};

// Whether each method of the driver belongs to an interface that the description provides: a slip of the pen
// there would be a method that nobody can ever call.
template <class Driver>
constexpr bool provides_every_method(const description& of) {
  bool all = true;
  boost::mp11::mp_for_each<boost::mp11::mp_transform<boost::mp11::mp_identity, typename Driver::methods>>(
      [&](auto candidate) {
        std::string_view name = decltype(candidate)::type::request::name;
        name = name.substr(0, name.rfind('.'));
        bool found = false;
        for (const char* provided : of.provides) found = found || (provided && name == provided);
        all = all && found;
      });
  return all && !of.provides[16] && !of.uses[16];
}

template <class Driver>
const char* config_schema(const description& of) {
  if (of.config_schema) return of.config_schema;
  if constexpr (requires { typename Driver::config; }) {
    // Lives as long as the library, also while other static objects are destroyed.
    static const auto& text = *new std::string(
        boost::json::serialize(schema_of<typename Driver::config>(unknown_members::refused)));
    return text.c_str();
  }
  return R"({"type":"object","additionalProperties":false})";
}

template <class Driver>
const tilld_plugin* describe_plugin(const description& of) {
  static const tilld_plugin plugin{.struct_size = sizeof(tilld_plugin),
                                   .abi = TILLD_ABI,
                                   .id = of.id,
                                   .version = of.version,
                                   .summary = of.summary,
                                   .provides = of.provides,
                                   .uses = of.uses,
                                   .config_schema = config_schema<Driver>(of),
                                   .start = &glue<Driver>::start,
                                   .stop = &glue<Driver>::stop,
                                   .on_message = &glue<Driver>::on_message,
                                   .on_fd = &glue<Driver>::on_fd,
                                   .on_timer = &glue<Driver>::on_timer,
                                   .cancel = &glue<Driver>::cancel};
  return &plugin;
}

}  // namespace detail
}  // namespace tilld

// Once a plugin, outside every namespace. The second part is a tilld::description in braces.
#define TILLD_PLUGIN(driver, ...)                                                         \
  namespace {                                                                             \
  constexpr ::tilld::description tilld_plugin_description __VA_ARGS__;                    \
  static_assert(::tilld::detail::provides_every_method<driver>(tilld_plugin_description), \
                "a method belongs to an interface that `provides` does not name");        \
  }                                                                                       \
  extern "C" const tilld_plugin* tilld_plugin_v1(void) {                                  \
    return ::tilld::detail::describe_plugin<driver>(tilld_plugin_description);            \
  }
