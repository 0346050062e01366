// A driver on the C++ SDK that does everything wrong that a driver can do there.
#include <condition_variable>
#include <mutex>
#include <stdexcept>

#include <tilld/plugin.hpp>
#include <tilld/services.hpp>

namespace {

struct word {
  [[maybe_unused]] static constexpr bool changes_state = false;
  [[maybe_unused]] static constexpr std::uint32_t deadline_ms_default = 1000;
  using reply = tilld::nothing;
};

struct throw_int : word {
  static constexpr const char* name = "org.tilld.test.misbehaving/1.throw_int";
};
BOOST_DESCRIBE_STRUCT(throw_int, (), ())

struct throw_later : word {
  static constexpr const char* name = "org.tilld.test.misbehaving/1.throw_later";
};
BOOST_DESCRIBE_STRUCT(throw_later, (), ())

struct lose_device : word {
  static constexpr const char* name = "org.tilld.test.misbehaving/1.lose_device";
};
BOOST_DESCRIBE_STRUCT(lose_device, (), ())

struct too_much : word {
  static constexpr const char* name = "org.tilld.test.misbehaving/1.too_much";
  struct reply {
    std::string text;
  };
};
BOOST_DESCRIBE_STRUCT(too_much, (), ())
BOOST_DESCRIBE_STRUCT(too_much::reply, (), (text))

struct block : word {
  static constexpr const char* name = "org.tilld.test.misbehaving/1.block";
};
BOOST_DESCRIBE_STRUCT(block, (), ())

struct ask_often : word {
  static constexpr const char* name = "org.tilld.test.misbehaving/1.ask_often";
  struct reply {
    int asked = 0;
  };
};
BOOST_DESCRIBE_STRUCT(ask_often, (), ())
BOOST_DESCRIBE_STRUCT(ask_often::reply, (), (asked))

class driver {
 public:
  struct config {
    std::optional<std::string> start_with;
  };

  driver(tilld::host host, const config& from) : host_(host) {
    if (from.start_with == "no_device") throw tilld::failure(TILLD_E_NO_DEVICE, "not plugged in");
    if (from.start_with == "exception") throw std::logic_error("a secret word");
  }

  tilld::nothing on_throw_int(const throw_int&) { throw 42; }
  tilld::nothing on_throw_later(const throw_later&) {
    host_.set_timer(1, std::chrono::milliseconds(1));
    return {};
  }
  tilld::nothing on_lose_device(const lose_device&) { throw tilld::failure(TILLD_E_NO_DEVICE, "pulled out"); }
  too_much::reply on_too_much(const too_much&) { return {std::string(2 * TILLD_BODY_SIZE_MAX, 'x')}; }
  // Blocks the plugin's thread as a library without time-outs does; cancel() wakes it.
  tilld::nothing on_block(const block&, const tilld::call& call) {
    std::unique_lock hold(guard_);
    woken_.wait(hold, [&] { return cancelled_ == call.id; });
    throw tilld::failure(TILLD_E_CANCELLED, "woken");
  }
  ask_often::reply on_ask_often(const ask_often&) {
    ask_often::reply done;
    try {
      for (; done.asked < 1000; ++done.asked)
        host_.ask(tilld::services::state::get{.key = "k"}, [](const auto&) {});
    } catch (const tilld::failure&) {
    }
    return done;
  }

  void on_timer(std::uint32_t) { throw std::runtime_error("a secret word"); }

  void cancel(std::uint64_t id) {
    const std::lock_guard hold(guard_);
    cancelled_ = id;
    woken_.notify_all();
  }

  using methods = std::tuple<tilld::method<&driver::on_throw_int>, tilld::method<&driver::on_throw_later>,
                             tilld::method<&driver::on_lose_device>, tilld::method<&driver::on_too_much>,
                             tilld::method<&driver::on_block>, tilld::method<&driver::on_ask_often>>;

 private:
  tilld::host host_;
  std::mutex guard_;
  std::condition_variable woken_;
  std::uint64_t cancelled_ = 0;
};
BOOST_DESCRIBE_STRUCT(driver::config, (), (start_with))

}  // namespace

TILLD_PLUGIN(driver, {.id = "org.tilld.test.misbehaving",
                      .version = "1.0.0",
                      .summary = "Misbehaves on the C++ SDK",
                      .provides = {"org.tilld.test.misbehaving/1"},
                      .uses = {"tilld.state/1"}})
