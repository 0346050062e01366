#include "plugins/escpos-printer/tcp_outlet.hpp"

#include <algorithm>
#include <random>

namespace tilld::escpos {
namespace {

using namespace std::chrono_literals;

enum timer : std::uint32_t { connect_timer = 1, session_timer, reconnect_timer, drain_timer };

constexpr auto reconnect_delay_min = 1000ms, reconnect_delay_max = 30'000ms;
constexpr auto drain_poll_interval = 25ms;

printer::confirmation confirmation_of(confirm_level level) {
  switch (level) {
    case confirm_level::process_id: return printer::confirmation::printed;
    case confirm_level::gs_r: return printer::confirmation::processed;
    case confirm_level::sent: break;
  }
  return printer::confirmation::sent;
}

}  // namespace

tcp_outlet::tcp_outlet(tilld::host host, tcp_settings settings, outlet_listener& listener)
    : host_(host),
      settings_(std::move(settings)),
      listener_(listener),
      session_(settings_.level, std::random_device()()),
      reconnect_delay_(reconnect_delay_min) {
  connect();
}

tcp_outlet::~tcp_outlet() { stop_watching(); }

void tcp_outlet::prepare() {
  wanted_ = true;
  switch (link_.now()) {
    case tcp_link::state::closed: return connect();
    case tcp_link::state::connecting: return;
    case tcp_link::state::open: break;
  }
  // The answers would come after the receipt that is on its way, so what is known must do.
  if (!current_) session_.ask_condition(host_.now());
  pump();
  check_ready();
}

void tcp_outlet::put_out(const printout& job) {
  if (link_.now() != tcp_link::state::open) return listener_.on_lost(job.tag, false, last_trouble_);
  link_.send(session_.take_output());
  auto begin = link_.sent_total() + link_.unsent();
  link_.send(job.bytes);
  link_.send(session_.closing_question(job.tag));
  current_ = under_way{job.tag, begin, link_.sent_total() + link_.unsent()};
  pump();
  check_drained();
}

bool tcp_outlet::abandon(std::uint64_t tag) {
  if (!current_ || current_->tag != tag) return true;
  bool anything_sent = link_.sent_total() > current_->first_byte;
  bool everything_sent = link_.sent_total() >= current_->end && link_.everything_acknowledged();
  current_.reset();
  // What is still held back on this side must never be printed: by then somebody may have printed it anew.
  if (anything_sent && !everything_sent) {
    ended_inside_a_job_ = true;
    stop_watching();
    link_.abort();
    lose_link("gave up in the middle of a receipt");
  } else if (everything_sent && session_.level() == confirm_level::gs_r) {
    // An answer to GS r has no name. If this one came late it would be taken for that of the next receipt.
    lose_link("the printer did not confirm a receipt in time");
  } else if (!anything_sent) {
    link_.drop_unsent();
  }
  return anything_sent;
}

printer::condition tcp_outlet::condition() const {
  printer::condition it;
  auto& flags = session_.flags();
  bool connected = link_.now() == tcp_link::state::open;
  it.online = connected && !flags.offline.value_or(false);
  if (connected && flags.paper_out)
    it.paper = *flags.paper_out                  ? printer::paper::out
               : flags.paper_low.value_or(false) ? printer::paper::low
                                                 : printer::paper::enough;
  if (connected && flags.cover_open)
    it.cover = *flags.cover_open ? printer::cover::open : printer::cover::closed;
  if (connected && flags.drawer_pin_high && settings_.drawer_is_open_when_high)
    it.drawer = *flags.drawer_pin_high == *settings_.drawer_is_open_when_high ? printer::drawer::open
                                                                              : printer::drawer::closed;
  if (connected && session_.level()) it.confirmation = confirmation_of(*session_.level());
  if (!session_.model().empty()) it.model = session_.model();
  if (!connected) it.detail = settings_.address_text + ": " + last_trouble_;
  if (connected && flags.in_error.value_or(false))
    it.detail = "the printer reports an error of its mechanism";
  return it;
}

void tcp_outlet::on_fd(int, std::int16_t events) {
  bool was_connecting = link_.now() == tcp_link::state::connecting;
  auto handled = link_.on_ready(events);
  if (was_connecting && handled) return connected();
  take_news();
  if (!handled) return lose_link(handled.error().detail);
  pump();
  check_drained();
  check_ready();
}

void tcp_outlet::on_timer(std::uint32_t timer_id) {
  switch (timer_id) {
    case connect_timer:
      if (link_.now() == tcp_link::state::connecting) lose_link("does not answer");
      break;
    case reconnect_timer:
      if (link_.now() == tcp_link::state::closed) connect();
      break;
    case drain_timer: check_drained(); break;
    case session_timer:
      session_.advance(host_.now());
      pump();
      listener_.on_condition_changed();
      check_ready();
      break;
    default: break;
  }
}

void tcp_outlet::connect() {
  host_.stop_timer(reconnect_timer);
  auto begun = link_.connect(settings_.address);
  if (!begun) return lose_link(begun.error().detail);
  if (link_.now() == tcp_link::state::open) return connected();
  host_.set_timer(connect_timer, settings_.connect_timeout);
  watch();
}

void tcp_outlet::connected() {
  host_.stop_timer(connect_timer);
  reconnect_delay_ = reconnect_delay_min;
  session_.connected(host_.now(), ended_inside_a_job_ ? settings_.band_bytes_max : 0);
  ended_inside_a_job_ = false;
  pump();
}

void tcp_outlet::lose_link(const std::string& why) {
  stop_watching();
  host_.stop_timer(connect_timer);
  host_.stop_timer(session_timer);
  host_.stop_timer(drain_timer);
  link_.close();
  session_.closed();
  last_trouble_ = why;
  host_.set_timer(reconnect_timer, reconnect_delay_);
  reconnect_delay_ = std::min(reconnect_delay_ * 2, std::chrono::milliseconds(reconnect_delay_max));

  auto job = std::exchange(current_, std::nullopt);
  bool was_wanted = std::exchange(wanted_, false);
  bool anything_sent = job && link_.sent_total() > job->first_byte;
  if (anything_sent && link_.sent_total() < job->end) ended_inside_a_job_ = true;
  listener_.on_condition_changed();
  if (job) listener_.on_lost(job->tag, anything_sent, why);
  if (was_wanted)
    listener_.on_refused(failure(TILLD_E_BUSY, settings_.address_text + ": " + why, "device_gone"));
}

void tcp_outlet::pump() {
  if (link_.now() != tcp_link::state::open) return;
  link_.send(session_.take_output());
  auto written = link_.flush();
  if (!written) return lose_link(written.error().detail);
  watch();
  set_session_timer();
}

void tcp_outlet::watch() {
  if (watched_ == link_.descriptor() && watched_events_ == link_.events()) return;
  watched_ = link_.descriptor();
  watched_events_ = link_.events();
  host_.watch(watched_, watched_events_);
}

void tcp_outlet::stop_watching() {
  if (watched_ >= 0) host_.unwatch(std::exchange(watched_, -1));
}

void tcp_outlet::set_session_timer() {
  auto at = session_.wake_at();
  if (at)
    host_.set_timer(session_timer, *at - host_.now());
  else
    host_.stop_timer(session_timer);
}

void tcp_outlet::take_news() {
  session_.eat(link_.take_received(), host_.now());
  listener_.on_condition_changed();
  for (auto tag : session_.take_confirmed()) {
    if (current_ && current_->tag == tag) current_.reset();
    listener_.on_done(
        tag, {confirmation_of(session_.level().value_or(confirm_level::sent)), std::to_string(tag), {}});
  }
}

void tcp_outlet::check_ready() {
  if (!wanted_ || link_.now() != tcp_link::state::open || session_.asking()) return;
  wanted_ = false;
  auto obstacle = why_not_ready();
  if (obstacle)
    listener_.on_refused(*obstacle);
  else
    listener_.on_ready();
}

// At the level `sent` nothing will come back, so the receipt is done when the printer's network side has
// taken it.
void tcp_outlet::check_drained() {
  if (!current_ || session_.level().value_or(confirm_level::sent) != confirm_level::sent) return;
  if (link_.sent_total() >= current_->end && link_.everything_acknowledged()) {
    auto tag = current_->tag;
    current_.reset();
    host_.stop_timer(drain_timer);
    listener_.on_done(tag, {printer::confirmation::sent, std::to_string(tag), {}});
  } else {
    host_.set_timer(drain_timer, drain_poll_interval);
  }
}

std::optional<failure> tcp_outlet::why_not_ready() const {
  auto& flags = session_.flags();
  if (flags.cover_open.value_or(false)) return failure(TILLD_E_BUSY, "the cover is open", "cover_open");
  if (flags.paper_out.value_or(false)) return failure(TILLD_E_BUSY, "no paper", "paper_out");
  if (flags.in_error.value_or(false))
    return failure(TILLD_E_BUSY, "the printer reports an error", "device_fault");
  if (flags.offline.value_or(false)) return failure(TILLD_E_BUSY, "the printer is offline", "device_fault");
  return std::nullopt;
}

}  // namespace tilld::escpos
