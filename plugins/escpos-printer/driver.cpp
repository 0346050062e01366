#include "plugins/escpos-printer/driver.hpp"

#include <algorithm>
#include <utility>

#include <boost/json/array.hpp>

#include "plugins/escpos-printer/file_outlet.hpp"
#include "plugins/escpos-printer/picture.hpp"
#include "plugins/escpos-printer/raster.hpp"
#include "plugins/escpos-printer/tcp_outlet.hpp"
#include "plugins/escpos-printer/text.hpp"

namespace json = boost::json;

namespace tilld::escpos {
namespace {

using namespace std::chrono_literals;

constexpr std::uint32_t deadline_timer = 100;  // below are the outlet's
constexpr int preview_margin_dots = 16;
constexpr std::size_t doubtful_max = 64;

failure failure_of(const error& why) {
  return failure(TILLD_E_INVALID, why.detail, std::string(kind_of(why.code)));
}

template <class Value>
Value or_config_failure(result<Value> result) {
  if (!result) throw failure(TILLD_E_CONFIG, result.error().detail);
  return std::move(*result);
}

failure unknown_outcome(const std::string& why) { return failure(TILLD_E_IO, why, "outcome_unknown"); }

// A part of file names and keys, so nothing but harmless characters.
void check_operation_id(const std::string& id) {
  auto harmless = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_';
  };
  if (id.empty() || id.size() > 64 || !std::all_of(id.begin(), id.end(), harmless))
    throw failure(TILLD_E_INVALID, "operation_id: must be 1 to 64 letters, digits, - and _",
                  "invalid_params");
}

std::unique_ptr<outlet> open_outlet(tilld::host host, const printer_config& config, const paper& on,
                                    outlet_listener& listener) {
  if (config.output == output_kind::file) {
    if (!config.path)
      throw failure(TILLD_E_CONFIG, "path: is missing; it is the folder that output: file prints into");
    return or_config_failure(file_outlet::open(*config.path, listener));
  }
  if (!config.address) throw failure(TILLD_E_CONFIG, "address: is missing; it is the printer of output: tcp");
  auto timeout = config.connect_timeout_ms.value_or(3000);
  if (timeout < 100 || timeout > 60'000)
    throw failure(TILLD_E_CONFIG, "connect_timeout_ms: must be 100 to 60000");
  tcp_settings settings{.address = or_config_failure(tcp_address::parse(*config.address)),
                        .address_text = *config.address,
                        .connect_timeout = std::chrono::milliseconds(timeout),
                        .level = level_of(config),
                        .band_bytes_max = std::size_t((on.width_dots + 7) / 8 * band_rows_max)};
  if (config.drawer_open_pin) settings.drawer_is_open_when_high = *config.drawer_open_pin == pin_level::high;
  return std::make_unique<tcp_outlet>(host, std::move(settings), listener);
}

bool same(const printer::condition& a, const printer::condition& b) {
  return a.online == b.online && a.paper == b.paper && a.cover == b.cover && a.drawer == b.drawer &&
         a.confirmation == b.confirmation && a.model == b.model && a.detail == b.detail;
}

}  // namespace

printer_driver::printer_driver(tilld::host host, const printer_config& section)
    : host_(host),
      paper_(or_config_failure(paper_of(section))),
      mode_(mode_of(section)),
      keep_png_(section.png.value_or(true)),
      keep_text_(section.text.value_or(true)),
      type_(or_config_failure(
          typesetter::open(paper_, section.font.value_or(std::string(default_font_families))))),
      memory_(host) {
  memory_.load();
  outlet_ = open_outlet(host, section, paper_, *this);
}

printer_driver::~printer_driver() = default;

void printer_driver::print(const printer::print& request, tilld::pending<printer::print> pending) {
  try {
    check_operation_id(request.operation_id);
    auto found = jobs_.find(request.operation_id);
    if (found != jobs_.end()) {
      if (found->second->kind != operation_kind::print)
        throw failure(TILLD_E_INVALID, "operation_id: belongs to a drawer", "key_conflict");
      found->second->print_calls.push_back(std::move(pending));
      return;
    }
    auto receipt = draw(request.document, request.slots, request.blob.bytes);
    auto made = new_job(request.operation_id, operation_kind::print, pending.deadline_ms());
    made->receipt = std::move(receipt);
    made->print_calls.push_back(std::move(pending));
    submit(std::move(made));
  } catch (const failure& why) {
    pending.fail(why);
  }
}

void printer_driver::open_drawer(const printer::open_drawer& request,
                                 tilld::pending<printer::open_drawer> pending) {
  try {
    check_operation_id(request.operation_id);
    auto drawer = request.drawer.value_or(1);
    if (drawer != 1 && drawer != 2)
      throw failure(TILLD_E_INVALID, "drawer: must be 1 or 2", "invalid_params");
    auto found = jobs_.find(request.operation_id);
    if (found != jobs_.end()) {
      if (found->second->kind != operation_kind::open_drawer)
        throw failure(TILLD_E_INVALID, "operation_id: belongs to a receipt", "key_conflict");
      found->second->drawer_calls.push_back(std::move(pending));
      return;
    }
    auto made = new_job(request.operation_id, operation_kind::open_drawer, pending.deadline_ms());
    made->drawer_pin = drawer == 2 ? 5 : 2;
    made->drawer_calls.push_back(std::move(pending));
    submit(std::move(made));
  } catch (const failure& why) {
    pending.fail(why);
  }
}

void printer_driver::outcome(const printer::outcome& request, tilld::pending<printer::outcome> pending) {
  try {
    check_operation_id(request.operation_id);
  } catch (const failure& why) {
    return pending.fail(why);
  }
  if (jobs_.contains(request.operation_id)) return pending.answer({.state = operation_state::running});
  auto call = std::make_shared<tilld::pending<printer::outcome>>(std::move(pending));
  auto id = request.operation_id;
  memory_.look_up(
      id, [this, id, call](const std::optional<failure>& why, const std::optional<remembered>& before) {
        printer::outcome_known known{.state = operation_state::unknown};
        if (why) return call->answer(known);
        // It may have been asked for between the question and this answer.
        if (jobs_.contains(id)) {
          known.state = operation_state::running;
        } else if (!before) {
          if (!memory_.may_have_forgotten(id)) known.state = operation_state::not_done;
        } else if (before->at == remembered::phase::done) {
          known.state = operation_state::done;
          if (before->kind == operation_kind::print)
            known.result = from_json<printer::printed>(before->reply);
        } else if (before->at == remembered::phase::begun) {
          auto printed = outlet_->was_printed(id);
          if (printed) known.state = *printed ? operation_state::done : operation_state::not_done;
          if (printed.value_or(false) && before->kind == operation_kind::print)
            known.result = printer::printed{.confirmation = printer::confirmation::stored};
        }
        call->answer(known);
      });
}

void printer_driver::status(const printer::status&, tilld::pending<printer::status> pending) {
  status_calls_.push_back(std::move(pending));
  bool busy = active_ && active_->at != job::phase::readying;
  if (busy) return answer_status_calls();
  if (!active_) outlet_->prepare();
}

printer::rendered printer_driver::render(const printer::render& request) {
  if (request.format != printer::picture_format::png && request.format != printer::picture_format::text)
    throw failure(TILLD_E_UNSUPPORTED, "format: this printer renders png and text");
  auto receipt = draw(request.document, request.slots, request.blob.bytes);
  printer::rendered reply;
  reply.missing_glyphs = std::uint32_t(receipt.laid_out.missing_glyphs);
  if (request.format == printer::picture_format::text) {
    reply.blob.bytes = as_text(receipt.laid_out);
    reply.media_type = "text/plain; charset=utf-8";
    reply.width = std::uint32_t(paper_.columns);
    reply.height = std::uint32_t(std::count(reply.blob.bytes.begin(), reply.blob.bytes.end(), '\n'));
  } else {
    auto dots = paint(receipt.laid_out, type_, cut_marks::shown);
    auto png = write_png(dots, preview_margin_dots);
    if (!png) throw failure_of(png.error());
    reply.blob.bytes = std::move(*png);
    reply.media_type = "image/png";
    reply.width = std::uint32_t(dots.width + 2 * preview_margin_dots);
    reply.height = std::uint32_t(dots.height + 2 * preview_margin_dots);
  }
  return reply;
}

void printer_driver::on_timer(std::uint32_t timer_id) {
  if (timer_id == deadline_timer)
    pass_deadlines();
  else
    outlet_->on_timer(timer_id);
}

printer_driver::drawn_receipt printer_driver::draw(const json::object& document,
                                                   const std::optional<printer::slots_by_name>& slots,
                                                   const std::string& blob) {
  json::object fillings;
  if (slots)
    for (auto& [name, elements] : *slots) {
      auto& filling = fillings[name].emplace_array();
      for (auto& each : elements) filling.push_back(each);
    }
  auto read = read_document(document, slots ? &fillings : nullptr, blob);
  if (!read) throw failure_of(read.error());
  auto laid_out = lay_out(*read, paper_, type_);
  if (!laid_out) throw failure_of(laid_out.error());
  auto dots = paint(*laid_out, type_, cut_marks::hidden);
  return {std::move(*laid_out), std::move(dots), read->copies, read->drawer};
}

printer_driver::job_pointer printer_driver::new_job(const std::string& operation_id, operation_kind kind,
                                                    std::uint32_t deadline_ms) {
  auto it = std::make_shared<job>();
  it->tag = ++last_tag_;
  it->operation_id = operation_id;
  it->kind = kind;
  it->arrived = host_.now();
  // The answer must reach a caller who is still there.
  if (deadline_ms > 0)
    it->deadline = it->arrived + milliseconds(deadline_ms - std::min(deadline_ms / 8, 250u));
  return it;
}

void printer_driver::submit(job_pointer it) {
  jobs_[it->operation_id] = it;
  set_deadline_timer();
  memory_.look_up(it->operation_id,
                  [this, it](const std::optional<failure>& why, const std::optional<remembered>& before) {
                    if (it->over) return;
                    if (why) return not_printed(it, *why);
                    take_memory(it, before);
                  });
}

void printer_driver::take_memory(const job_pointer& it, const std::optional<remembered>& before) {
  if (before && before->kind != it->kind)
    return settle(it, failure(TILLD_E_INVALID, "operation_id: was used for something else", "key_conflict"),
                  {});
  if (before && before->at == remembered::phase::done) return settle(it, std::nullopt, before->reply);
  if (before) {
    auto printed =
        before->at == remembered::phase::begun ? outlet_->was_printed(it->operation_id) : std::nullopt;
    if (!printed) return settle(it, unknown_outcome("it was begun earlier and not confirmed"), {});
    if (*printed) {
      auto reply = reply_for(*it, {.confirmation = printer::confirmation::stored, .job = "", .preview = {}});
      return record(it, {remembered::phase::done, it->kind, reply}, std::nullopt);
    }
  }
  it->at = job::phase::waiting;
  queue_.push_back(it);
  start_next();
}

void printer_driver::start_next() {
  if (active_ || queue_.empty()) return;
  active_ = queue_.front();
  queue_.pop_front();
  active_->at = job::phase::readying;
  outlet_->prepare();
}

void printer_driver::on_ready() {
  answer_status_calls();
  if (active_ && active_->at == job::phase::readying) note_and_print();
}

void printer_driver::on_refused(const failure& why) {
  answer_status_calls();
  if (active_ && active_->at == job::phase::readying) not_printed(active_, why);
}

void printer_driver::note_and_print() {
  auto it = active_;
  it->at = job::phase::noting;
  memory_.write(it->operation_id, {remembered::phase::begun, it->kind, {}},
                [this, it](const std::optional<failure>& why) {
                  if (it->over) return memory_.forget(it->operation_id, [](auto&&) {});
                  if (why) return not_printed(it, *why);
                  put_out_active();
                });
}

void printer_driver::put_out_active() {
  active_->at = job::phase::printing;
  outlet_->put_out(printout_of(*active_));
}

printout printer_driver::printout_of(const job& it) {
  printout out{.tag = it.tag, .operation_id = it.operation_id};
  if (!it.receipt) {
    out.bytes = drawer_bytes(it.drawer_pin);
    return out;
  }
  auto& receipt = *it.receipt;
  auto drawer = receipt.drawer;
  if (drawer && host_.now() > it.arrived + std::chrono::seconds(drawer->ttl_s)) drawer.reset();
  out.bytes = as_escpos(receipt.laid_out, receipt.dots, mode_, receipt.copies, drawer);
  if (!outlet_->keeps_previews()) return out;
  if (keep_text_) out.text = as_text(receipt.laid_out);
  if (keep_png_) {
    auto png = write_png(paint(receipt.laid_out, type_, cut_marks::shown), preview_margin_dots);
    if (png) out.png = std::move(*png);
  }
  return out;
}

void printer_driver::on_done(std::uint64_t tag, const done_printout& how) {
  if (active_ && active_->tag == tag && active_->at == job::phase::printing) {
    active_->at = job::phase::recording;
    return record(active_, {remembered::phase::done, active_->kind, reply_for(*active_, how)}, std::nullopt);
  }
  auto late = doubtful_.extract(tag);
  if (late.empty()) return;
  auto& it = late.mapped();
  it.reply["confirmation"] = tilld::to_json(how.confirmation);
  memory_.write(it.operation_id, {remembered::phase::done, it.kind, it.reply}, [](auto&&) {});
  host_.log(log_level::notice, "the printer confirmed " + it.operation_id + " late");
}

void printer_driver::on_lost(std::uint64_t tag, bool anything_sent, const std::string& why) {
  if (!active_ || active_->tag != tag) return;
  if (!anything_sent) return not_printed(active_, failure(TILLD_E_BUSY, why, "device_gone"));
  active_->at = job::phase::recording;
  record(active_, {remembered::phase::unknown, active_->kind, {}}, unknown_outcome(why));
}

void printer_driver::on_condition_changed() {
  if (!outlet_) return;  // it is just being made
  auto now = outlet_->condition();
  if (told_ && same(*told_, now)) return;
  told_ = now;
  printer::status_changed event;
  static_cast<printer::condition&>(event) = now;
  host_.emit(event);
}

// Writes the outcome down and tells it then: what was told must still be known after a crash. If the daemon
// cannot write, the truth is told all the same.
void printer_driver::record(job_pointer it, remembered what, const std::optional<failure>& why) {
  auto reply = what.reply;
  memory_.write(it->operation_id, what, [this, it, why, reply](const std::optional<failure>& unwritten) {
    if (unwritten) host_.log(log_level::error, "cannot remember the outcome of " + it->operation_id);
    if (!it->over) settle(it, why, reply);
  });
}

void printer_driver::settle(job_pointer it, const std::optional<failure>& why, const json::object& reply) {
  jobs_.erase(it->operation_id);
  std::erase(queue_, it);
  if (active_ == it) active_.reset();
  it->over = true;
  for (auto& call : it->print_calls) {
    if (why)
      call.fail(*why);
    else
      call.answer(from_json<printer::printed>(reply));
  }
  for (auto& call : it->drawer_calls) {
    if (why)
      call.fail(*why);
    else
      call.answer({});
  }
  set_deadline_timer();
  start_next();
}

// Certainly nothing happened, so nothing stays written and the same operation may be tried again.
void printer_driver::not_printed(job_pointer it, const failure& why) {
  bool noted = it->at == job::phase::noting || it->at == job::phase::printing;
  if (!noted) return settle(it, why, {});
  it->at = job::phase::recording;
  memory_.forget(it->operation_id, [this, it, why](const std::optional<failure>&) {
    if (!it->over) settle(it, why, {});
  });
}

void printer_driver::answer_status_calls() {
  auto now = outlet_->condition();
  for (auto& call : std::exchange(status_calls_, {})) call.answer(now);
}

void printer_driver::pass_deadlines() {
  auto now = host_.now();
  std::vector<job_pointer> late;
  for (auto& [id, it] : jobs_)
    if (it->deadline && *it->deadline <= now) late.push_back(it);
  for (auto& it : late) {
    if (it->over) continue;
    it->deadline.reset();
    switch (it->at) {
      case job::phase::looking_up:
      case job::phase::waiting:
      case job::phase::readying:
      case job::phase::noting:  // the answer to the note takes it back
        settle(it, failure(TILLD_E_BUSY, "its time was over before it could begin", "device_timeout"), {});
        break;
      case job::phase::printing:
        if (!outlet_->abandon(it->tag)) {
          not_printed(it, failure(TILLD_E_BUSY, "the printer took nothing of it in time", "device_timeout"));
        } else if (!it->over && it->at == job::phase::printing) {
          if (doubtful_.size() >= doubtful_max) doubtful_.erase(doubtful_.begin());
          doubtful_[it->tag] = {it->operation_id, it->kind,
                                reply_for(*it, {.confirmation = printer::confirmation::unknown,
                                                .job = std::to_string(it->tag),
                                                .preview = {}})};
          it->at = job::phase::recording;
          record(it, {remembered::phase::unknown, it->kind, {}},
                 unknown_outcome("the printer did not confirm it in time"));
        }
        break;
      case job::phase::recording:
        break;  // the outcome is known, and the answer waits only for its being written down
    }
  }
  set_deadline_timer();
}

void printer_driver::set_deadline_timer() {
  std::optional<milliseconds> next;
  for (auto& [id, it] : jobs_)
    if (it->deadline && (!next || *it->deadline < *next)) next = it->deadline;
  if (next)
    host_.set_timer(deadline_timer, *next - host_.now());
  else
    host_.stop_timer(deadline_timer);
}

json::object printer_driver::reply_for(const job& it, const done_printout& how) const {
  if (it.kind != operation_kind::print) return {};
  printer::printed reply{.confirmation = how.confirmation};
  if (!how.job.empty()) reply.job = how.job;
  reply.preview = how.preview;
  if (it.receipt) {
    reply.lines = std::uint32_t(it.receipt->laid_out.lines());
    reply.height_dots = std::uint32_t(it.receipt->laid_out.height);
    reply.missing_glyphs = std::uint32_t(it.receipt->laid_out.missing_glyphs);
  }
  return tilld::to_json(reply).as_object();
}

}  // namespace tilld::escpos
