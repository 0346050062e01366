// One of every device, none of them real. For tests, for demonstrations, and to read before writing a plugin
// of your own: it uses everything that the SDK has. What a device *does* is in wallets.cpp and
// plain_text.cpp, which know nothing of tilld's messages going to and fro; this file ties them to the
// interfaces.
#include <algorithm>
#include <chrono>
#include <ctime>
#include <deque>
#include <functional>
#include <list>
#include <map>
#include <mutex>
#include <utility>

#include <tilld/card_reader.hpp>
#include <tilld/customer.hpp>
#include <tilld/display.hpp>
#include <tilld/plugin.hpp>
#include <tilld/printer.hpp>
#include <tilld/scanner.hpp>
#include <tilld/services.hpp>
#include <tilld/tender.hpp>

#include "plugins/simulated/config.hpp"
#include "plugins/simulated/paper.hpp"
#include "plugins/simulated/plain_text.hpp"
#include "plugins/simulated/wallets.hpp"

namespace simulated {

namespace {

constexpr std::uint32_t script_timer = 1;
constexpr std::uint32_t await_timer = 2;
constexpr const char* saved_key = "simulated";

std::string present_moment() {
  const auto now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  std::tm utc{};
  ::gmtime_r(&now, &utc);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc);
  return text;
}

}  // namespace

class driver {
 public:
  using config = settings;

  // Everything that can go wrong with the device goes wrong here, with a tilld::failure that says what. The
  // SDK has read the YAML section into the struct already and refused what does not fit.
  driver(tilld::host host, const config& from)
      : host_(host), config_(from), wallets_(config_.wallets.value_or(std::vector<wallet>())) {
    load();
    schedule_script();
  }

  // --- tilld.scanner/1. The simplest device: it says something, and can be told to be silent.

  tilld::nothing enable_scanner(const tilld::scanner::enable& request) {
    scanner_enabled_ = request.on;
    return {};
  }

  simulation::done scan(const simulation::scan& request) {
    if (scanner_enabled_) {
      tilld::scanner::scanned event;
      event.text = request.text;
      event.symbology = request.symbology;
      host_.emit(event);
    }
    return {scanner_enabled_};
  }

  // --- tilld.reader/1. A request that is answered later: await keeps the token until a card comes.

  void await_card(const tilld::card_reader::await& request,
                  tilld::pending<tilld::card_reader::await> pending) {
    if (card_ && proves_enough(*card_, request)) return pending.answer(*card_);
    {
      const std::lock_guard hold(awaiting_guard_);
      const auto deadline = pending.deadline_ms()
                                ? host_.now() + std::chrono::milliseconds(pending.deadline_ms())
                                : std::chrono::milliseconds::max();
      awaiting_.push_back({request, std::move(pending), deadline});
    }
    schedule_await_timer();
  }

  simulation::done present_card(const simulation::present_card& request) {
    remove_card({});
    auto& card = card_.emplace();
    card.presentation = ++presentations_;
    card.uid = request.uid;
    card.reference = request.reference;
    card.proof = request.proof;
    card.technology = request.technology.value_or(tilld::card_reader::technology::nfc_a);
    card.security_level = request.security_level.value_or(tilld::card_reader::security_level::uid_only);
    host_.emit(card);
    const std::lock_guard hold(awaiting_guard_);
    awaiting_.remove_if([&](awaiting& a) {
      if (!proves_enough(card, a.request)) return false;
      a.pending.answer(card);
      return true;
    });
    return {};
  }

  simulation::done remove_card(const simulation::remove_card&) {
    if (!card_) return {false};
    host_.emit(tilld::card_reader::removed{card_->presentation});
    card_.reset();
    return {};
  }

  // The one call that comes from another thread, at any moment: that is why awaiting_ has a lock. A pending
  // may be answered from any thread.
  void cancel(std::uint64_t id) {
    const std::lock_guard hold(awaiting_guard_);
    awaiting_.remove_if([id](awaiting& a) {
      if (a.pending.id() != id) return false;
      a.pending.fail(tilld::failure(TILLD_E_CANCELLED, "cancelled while waiting for a card"));
      return true;
    });
  }

  // --- tilld.printer/1. What changes something is stored with the daemon before it is answered, so that a
  // crash right after the answer loses nothing: see settle(). Faults that the cashier can mend have a kind.

  void print(const tilld::printer::print& request, tilld::pending<tilld::printer::print> pending) {
    const auto trouble = trouble_of("tilld.printer/1", paper_.remembers(request.operation_id));
    settle(std::move(pending), trouble, [this, request] { return paper_.print(request); });
  }
  void open_drawer(const tilld::printer::open_drawer& request,
                   tilld::pending<tilld::printer::open_drawer> pending) {
    const auto trouble = trouble_of("tilld.printer/1", paper_.remembers(request.operation_id));
    settle(std::move(pending), trouble, [this, request] { return paper_.open_drawer(request); });
  }
  void print_outcome(const tilld::printer::outcome& request,
                     tilld::pending<tilld::printer::outcome> pending) {
    when_loaded([this, request, token = share(std::move(pending))] {
      token->answer(paper_.outcome(request.operation_id));
    });
  }

  tilld::printer::condition printer_status(const tilld::printer::status&) const {
    tilld::printer::condition now;
    now.online = true;
    now.paper = has_trouble("tilld.printer/1", simulation::trouble::paper_out)
                    ? tilld::printer::paper::out
                    : tilld::printer::paper::enough;
    now.cover = has_trouble("tilld.printer/1", simulation::trouble::cover_open)
                    ? tilld::printer::cover::open
                    : tilld::printer::cover::closed;
    now.drawer = tilld::printer::drawer::closed;
    now.model = "simulated";
    return now;
  }

  // A reply with something beside the JSON: whatever is in blob travels as raw octets.
  tilld::printer::rendered render(const tilld::printer::render& request) const {
    if (request.format != tilld::printer::picture_format::text)
      throw tilld::failure(TILLD_E_UNSUPPORTED, "the simulated printer renders text only");
    tilld::printer::rendered reply;
    reply.media_type = "text/plain; charset=utf-8";
    for (const auto& line :
         plain_text(request.document, request.slots.value_or(tilld::printer::slots_by_name()))) {
      reply.blob.bytes += line + "\n";
      ++reply.height;
    }
    return reply;
  }

  // --- tilld.display/1

  tilld::nothing show(const tilld::display::show& request) {
    display_ = request.lines;
    return {};
  }
  tilld::nothing clear(const tilld::display::clear&) {
    display_.clear();
    return {};
  }

  // --- tilld.tender/1. A decline is an answer like any other.

  void authorize(const tilld::tender::authorize& request, tilld::pending<tilld::tender::authorize> pending) {
    const auto trouble = trouble_of("tilld.tender/1", wallets_.remembers(request.operation_id));
    const bool decline = trouble == simulation::trouble::decline;
    settle(std::move(pending), trouble,
           [this, request, decline] { return wallets_.authorize(request, decline); });
  }
  void capture(const tilld::tender::capture& request, tilld::pending<tilld::tender::capture> pending) {
    const auto trouble = trouble_of("tilld.tender/1", wallets_.remembers(request.operation_id));
    settle(std::move(pending), trouble, [this, request] { return wallets_.capture(request); });
  }
  void release(const tilld::tender::release& request, tilld::pending<tilld::tender::release> pending) {
    const auto trouble = trouble_of("tilld.tender/1", wallets_.remembers(request.operation_id));
    settle(std::move(pending), trouble, [this, request] { return wallets_.release(request); });
  }
  void reverse(const tilld::tender::reverse& request, tilld::pending<tilld::tender::reverse> pending) {
    const auto trouble = trouble_of("tilld.tender/1", wallets_.remembers(request.operation_id));
    settle(std::move(pending), trouble, [this, request] { return wallets_.reverse(request); });
  }
  void tender_outcome(const tilld::tender::outcome& request, tilld::pending<tilld::tender::outcome> pending) {
    when_loaded([this, request, token = share(std::move(pending))] {
      token->answer(wallets_.outcome(request.operation_id));
    });
  }

  // --- tilld.customer/1

  tilld::customer::identified identify(const tilld::customer::identify& request) const {
    tilld::customer::identified reply;
    reply.as_of = config_.as_of ? *config_.as_of : present_moment();
    for (const auto& word :
         {request.uid, request.reference, request.proof, request.code, request.phone, request.email}) {
      if (!word || !config_.customers) continue;
      for (const auto& known : *config_.customers) {
        if (std::find(known.found_by.begin(), known.found_by.end(), *word) == known.found_by.end()) continue;
        reply.found = true;
        reply.customer = known.customer;
      }
    }
    return reply;
  }

  // --- org.tilld.simulation/1

  tilld::nothing set_fault(const simulation::fault& request) {
    if (request.interface != "tilld.printer/1" && request.interface != "tilld.tender/1")
      throw tilld::failure(TILLD_E_INVALID, "interface: must be tilld.printer/1 or tilld.tender/1");
    auto& waiting = troubles_[request.interface];
    waiting.clear();
    if (request.what != simulation::trouble::none)
      waiting.assign(std::min(request.count.value_or(1), 1000u), request.what);
    tell_condition();
    return {};
  }

  simulation::everything_seen look(const simulation::look&) const {
    return {{paper_.printouts().begin(), paper_.printouts().end()},
            display_,
            paper_.documents(),
            paper_.drawer_openings()};
  }

  void on_timer(std::uint32_t timer_id) {
    if (timer_id == script_timer) play_step();
    if (timer_id == await_timer) expire_awaiting();
  }

  using methods = std::tuple<
      tilld::method<&driver::enable_scanner>, tilld::method<&driver::await_card>,
      tilld::method<&driver::print>, tilld::method<&driver::open_drawer>,
      tilld::method<&driver::print_outcome>, tilld::method<&driver::printer_status>,
      tilld::method<&driver::render>, tilld::method<&driver::show>, tilld::method<&driver::clear>,
      tilld::method<&driver::authorize>, tilld::method<&driver::capture>, tilld::method<&driver::release>,
      tilld::method<&driver::reverse>, tilld::method<&driver::tender_outcome>,
      tilld::method<&driver::identify>, tilld::method<&driver::scan>, tilld::method<&driver::present_card>,
      tilld::method<&driver::remove_card>, tilld::method<&driver::set_fault>, tilld::method<&driver::look>>;

 private:
  struct awaiting {
    tilld::card_reader::await request;
    tilld::pending<tilld::card_reader::await> pending;
    std::chrono::milliseconds deadline;
  };

  static bool proves_enough(const tilld::card_reader::presented& card,
                            const tilld::card_reader::await& request) {
    return !request.at_least || card.security_level >= *request.at_least;
  }

  void schedule_await_timer() {
    const std::lock_guard hold(awaiting_guard_);
    auto earliest = std::chrono::milliseconds::max();
    for (const auto& a : awaiting_) earliest = std::min(earliest, a.deadline);
    if (earliest != std::chrono::milliseconds::max()) host_.set_timer(await_timer, earliest - host_.now());
  }

  void expire_awaiting() {
    {
      const std::lock_guard hold(awaiting_guard_);
      awaiting_.remove_if([now = host_.now()](awaiting& a) {
        if (a.deadline > now) return false;
        a.pending.fail(tilld::failure(TILLD_E_TIMEOUT, "no card came"));
        return true;
      });
    }
    schedule_await_timer();
  }

  // The trouble that somebody ordered for this request; none for one that was done before. Those that mean
  // failure are thrown.
  simulation::trouble trouble_of(const std::string& interface, bool done_before) {
    auto& waiting = troubles_[interface];
    if (waiting.empty() || done_before) return simulation::trouble::none;
    const auto trouble = waiting.front();
    waiting.pop_front();
    tell_condition();
    switch (trouble) {
      case simulation::trouble::paper_out: throw tilld::failure(TILLD_E_IO, "no paper", "paper_out");
      case simulation::trouble::cover_open:
        throw tilld::failure(TILLD_E_IO, "the cover is open", "cover_open");
      case simulation::trouble::no_device: throw tilld::failure(TILLD_E_NO_DEVICE, "unplugged");
      default: return trouble;
    }
  }
  // Paper and cover are another than last told.
  void tell_condition() {
    const auto now = printer_status({});
    if (told_ == std::pair(now.paper, now.cover)) return;
    told_ = std::pair(now.paper, now.cover);
    tilld::printer::status_changed event;
    static_cast<tilld::printer::condition&>(event) = now;
    host_.emit(event);
  }
  bool has_trouble(const std::string& interface, simulation::trouble what) const {
    const auto found = troubles_.find(interface);
    return found != troubles_.end() && !found->second.empty() && found->second.front() == what;
  }

  void schedule_script() {
    if (!config_.script || config_.script->empty()) return;
    if (next_step_ == config_.script->size()) {
      if (!config_.repeat_script.value_or(false)) return;
      next_step_ = 0;
    }
    host_.set_timer(script_timer, std::chrono::milliseconds((*config_.script)[next_step_].after_ms));
  }
  void play_step() {
    const auto& step = (*config_.script)[next_step_++];
    if (step.scan) scan(*step.scan);
    if (step.present_card) present_card(*step.present_card);
    if (step.remove_card) remove_card(*step.remove_card);
    schedule_script();
  }

  // A std::function copies what it holds, and a pending cannot be copied.
  template <class Request>
  static std::shared_ptr<tilld::pending<Request>> share(tilld::pending<Request> pending) {
    return std::make_shared<tilld::pending<Request>>(std::move(pending));
  }

  // Asks the daemon for what this instance stored in an earlier life. Requests that need it wait meanwhile.
  void load() {
    using tilld::services::state::found;
    host_.ask(tilld::services::state::get{.key = saved_key}, [this](const tilld::answer<found>& answer) {
      if (!answer) host_.log(tilld::log_level::notice, "nothing can be stored: " + answer.detail());
      if (answer && answer->value && answer->value->is_object()) {
        try {
          const auto& saved = answer->value->get_object();
          wallets_.load(saved.at("wallets").as_object());
          paper_.load(saved.at("paper").as_object());
        } catch (const std::exception&) {
          host_.log(tilld::log_level::warning, "what an earlier version stored does not fit; starting anew");
        }
      }
      loaded_ = true;
      tell_condition();
      for (auto& work : std::exchange(waiting_for_load_, {})) work();
    });
  }
  void when_loaded(std::function<void()> work) {
    if (loaded_)
      work();
    else
      waiting_for_load_.push_back(std::move(work));
  }

  // Does the work, stores what it changed, and answers when that is stored: written down before it is said,
  // so that the same operation gets the same answer from the next life of this process as well.
  template <class Request, class Work>
  void settle(tilld::pending<Request> pending, simulation::trouble trouble, Work work) {
    const auto token = share(std::move(pending));
    const bool silent =
        trouble == simulation::trouble::timeout || trouble == simulation::trouble::lost_answer;
    // A token that is kept is a request without an answer.
    if (silent) never_answered_.push_back(token);
    if (trouble == simulation::trouble::timeout) return;
    when_loaded([this, token, silent, work] {
      try {
        const auto reply = work();
        const boost::json::object saved{{"wallets", wallets_.save()}, {"paper", paper_.save()}};
        host_.ask(tilld::services::state::put{.key = saved_key, .value = saved},
                  [token, silent, reply](const tilld::answer<tilld::nothing>&) {
                    if (!silent) token->answer(reply);
                  });
      } catch (const tilld::failure& why) {
        token->fail(why);
      }
    });
  }

  tilld::host host_;
  const config config_;

  bool scanner_enabled_ = true;

  std::optional<tilld::card_reader::presented> card_;
  std::uint64_t presentations_ = 0;
  std::mutex awaiting_guard_;
  std::list<awaiting> awaiting_;

  paper paper_;
  std::optional<std::pair<tilld::printer::paper, tilld::printer::cover>> told_;
  std::vector<std::string> display_;

  wallets wallets_;
  bool loaded_ = false;
  std::vector<std::function<void()>> waiting_for_load_;

  std::map<std::string, std::deque<simulation::trouble>> troubles_;
  std::vector<std::shared_ptr<void>> never_answered_;
  std::size_t next_step_ = 0;
};

}  // namespace simulated

TILLD_PLUGIN(simulated::driver,
             {.id = "org.tilld.simulated",
              .version = "1.0.0",
              .summary = "One of every device, none of them real",
              .provides = {"tilld.scanner/1", "tilld.reader/1", "tilld.printer/1", "tilld.display/1",
                           "tilld.tender/1", "tilld.customer/1", "org.tilld.simulation/1"},
              .uses = {"tilld.state/1"}})
