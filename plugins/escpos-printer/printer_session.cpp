#include "plugins/escpos-printer/printer_session.hpp"

#include <utility>

namespace tilld::escpos {
namespace {

using namespace std::chrono_literals;
using namespace std::string_literals;

// A printer on the same network answers within a tenth of this; a busy one may take longer.
constexpr auto answer_time_max = 1500ms;

std::string process_question(const std::string& id) { return "\x1d(H\x06\0\x30\x30"s + id; }
const std::string sensor_question_bytes = "\x1dr\x01";
const std::string automatic_status_on =
    "\x1d"
    "a\xff";
const std::string model_question = "\x1dIC";

}  // namespace

printer_session::printer_session(std::optional<confirm_level> level, std::uint32_t id_seed)
    : told_level_(level), level_(level), next_id_(id_seed) {}

void printer_session::connected(milliseconds now, std::size_t unfinished_bytes) {
  reader_.forget();
  flags_ = {};
  level_ = told_level_;  // it may be another printer today
  knows_real_time_ = true;
  output_.assign(unfinished_bytes, '\0');
  ask_in_real_time();
  output_ += automatic_status_on + model_question;
  probe_level();
  give_up_at_ = now + answer_time_max;
}

void printer_session::closed() {
  output_.clear();
  give_up_at_.reset();
  real_time_questions_.clear();
  process_questions_.clear();
  sensor_questions_.clear();
  probe_id_.clear();
  level_asked_ = false;
}

void printer_session::eat(std::string_view bytes, milliseconds) {
  for (auto& message : reader_.eat(bytes)) take(message);
  settle();
}

void printer_session::advance(milliseconds now) {
  if (!give_up_at_ || now < *give_up_at_) return;
  give_up_at_.reset();
  if (!real_time_questions_.empty()) knows_real_time_ = false;
  real_time_questions_.clear();
  bool would_have_answered = !flags_.offline.value_or(false) && !flags_.paper_out.value_or(false) &&
                             !flags_.cover_open.value_or(false);
  if (!level_ && level_asked_ && would_have_answered) level_ = confirm_level::sent;
}

std::optional<printer_session::milliseconds> printer_session::wake_at() const { return give_up_at_; }

std::string printer_session::take_output() { return std::exchange(output_, {}); }

void printer_session::ask_condition(milliseconds now) {
  if (asking()) return;
  if (knows_real_time_) ask_in_real_time();
  if (!level_) probe_level();
  if (!output_.empty()) give_up_at_ = now + answer_time_max;
}

std::string printer_session::closing_question(std::uint64_t tag) {
  switch (level_.value_or(confirm_level::sent)) {
    case confirm_level::process_id: {
      auto id = next_id();
      process_questions_[id] = tag;
      return process_question(id);
    }
    case confirm_level::gs_r: sensor_questions_.push_back({tag}); return sensor_question_bytes;
    case confirm_level::sent: break;
  }
  return "";
}

std::vector<std::uint64_t> printer_session::take_confirmed() { return std::exchange(confirmed_, {}); }

void printer_session::take(const printer_message& message) {
  if (auto* it = std::get_if<automatic_status>(&message)) {
    flags_.update(it->flags);
  } else if (auto* bits = std::get_if<real_time_status>(&message)) {
    if (real_time_questions_.empty()) return;  // somebody else's answer, or one that came too late
    flags_.update(flags_of_real_time(real_time_questions_.front(), bits->bits));
    real_time_questions_.pop_front();
  } else if (auto* sensor = std::get_if<paper_sensor_status>(&message)) {
    if (sensor_questions_.empty()) return;
    flags_.update(sensor->flags);
    auto question = sensor_questions_.front();
    sensor_questions_.pop_front();
    if (question.tag)
      confirmed_.push_back(*question.tag);
    else
      answered_level(confirm_level::gs_r);
  } else if (auto* done = std::get_if<process_done>(&message)) {
    if (done->id == probe_id_) return answered_level(confirm_level::process_id);
    auto found = process_questions_.find(done->id);
    if (found == process_questions_.end()) return;
    // Only this one: a printer whose buffer was cleared answers a later question and never the earlier one.
    confirmed_.push_back(found->second);
    process_questions_.erase(found);
  } else if (auto* named = std::get_if<identity>(&message)) {
    model_ = named->text;
  }
}

void printer_session::answered_level(confirm_level level) {
  if (!level_ || (level_asked_ && level > *level_)) level_ = level;
}

// All questions of the round are answered: no need to wait for the time to run out.
void printer_session::settle() {
  if (!real_time_questions_.empty()) return;
  bool sensors_wait = false;
  for (auto& it : sensor_questions_) sensors_wait |= !it.tag.has_value();
  if (level_asked_ && sensors_wait && level_ != confirm_level::process_id) return;
  give_up_at_.reset();
}

std::string printer_session::next_id() {
  constexpr char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
  std::string id(4, '0');
  auto rest = next_id_++;
  for (auto& c : id) {
    c = digits[rest % 36];
    rest /= 36;
  }
  return id;
}

void printer_session::ask_in_real_time() {
  for (int n : {1, 2, 4}) {
    output_ += "\x10\x04"s + char(n);
    real_time_questions_.push_back(n);
  }
}

void printer_session::probe_level() {
  if (level_) return;
  probe_id_ = next_id();
  output_ += process_question(probe_id_) + sensor_question_bytes;
  sensor_questions_.push_back({});
  level_asked_ = true;
}

}  // namespace tilld::escpos
