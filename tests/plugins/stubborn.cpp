// A device that works until somebody cancels it, and then says what it was told to say.
#include <list>
#include <mutex>

#include <tilld/plugin.hpp>

namespace {

enum class end { gives_up, has_done_it, breaks };
BOOST_DESCRIBE_ENUM(end, gives_up, has_done_it, breaks)

struct work {
  static constexpr const char* name = "org.tilld.test.stubborn/1.work";
  // Nobody but the caller knows; it gives a key or none.
  [[maybe_unused]] static constexpr bool changes_state = false;
  [[maybe_unused]] static constexpr std::uint32_t deadline_ms_default = 60'000;
  struct reply {
    std::string said;
  };
  end when_cancelled{};
};
BOOST_DESCRIBE_STRUCT(work::reply, (), (said))
BOOST_DESCRIBE_STRUCT(work, (), (when_cancelled))

class driver {
 public:
  struct config {};
  driver(tilld::host host, const config&) : host_(host) {}

  void on_work(const work& request, tilld::pending<work> pending) {
    const std::lock_guard hold(guard_);
    in_hand_.push_back({request, std::move(pending)});
    host_.emit(begun{});
  }

  void cancel(std::uint64_t id) {
    const std::lock_guard hold(guard_);
    in_hand_.remove_if([id](one& o) {
      if (o.pending.id() != id) return false;
      switch (o.request.when_cancelled) {
        case end::gives_up: o.pending.fail(tilld::failure(TILLD_E_CANCELLED, "gave up")); break;
        case end::has_done_it: o.pending.answer({"done"}); break;
        case end::breaks: o.pending.fail(tilld::failure(TILLD_E_IO, "broke")); break;
      }
      return true;
    });
  }

  using methods = std::tuple<tilld::method<&driver::on_work>>;

  struct begun {
    static constexpr const char* name = "org.tilld.test.stubborn/1.begun";
  };

 private:
  struct one {
    work request;
    tilld::pending<work> pending;
  };
  tilld::host host_;
  std::mutex guard_;
  std::list<one> in_hand_;
};
BOOST_DESCRIBE_STRUCT(driver::config, (), ())
BOOST_DESCRIBE_STRUCT(driver::begun, (), ())

}  // namespace

TILLD_PLUGIN(driver, {.id = "org.tilld.test.stubborn",
                      .version = "1.0.0",
                      .summary = "Works until it is cancelled",
                      .provides = {"org.tilld.test.stubborn/1"},
                      .uses = {}})
