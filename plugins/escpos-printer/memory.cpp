#include "plugins/escpos-printer/memory.hpp"

#include <algorithm>
#include <utility>

namespace json = boost::json;
namespace state = tilld::services::state;

namespace tilld::escpos {
namespace {

constexpr std::string_view prefix = "operation/";
constexpr std::size_t kept_max = 1000;

std::string key_of(const std::string& operation_id) { return std::string(prefix) + operation_id; }

json::object note_of(const remembered& what) {
  json::object note;
  note["phase"] = what.at == remembered::phase::begun  ? "begun"
                  : what.at == remembered::phase::done ? "done"
                                                       : "unknown";
  note["kind"] = what.kind == operation_kind::print ? "print" : "open_drawer";
  if (!what.reply.empty()) note["reply"] = what.reply;
  return note;
}

// A note that cannot be read says that something was there, and what is not known is unknown.
remembered read_note(const json::value& value) {
  remembered it{remembered::phase::unknown, operation_kind::print, {}};
  auto* note = value.if_object();
  if (!note) return it;
  auto is = [&](const char* member, std::string_view word) {
    auto* found = note->if_contains(member);
    return found && found->is_string() && found->get_string() == word;
  };
  if (is("kind", "open_drawer")) it.kind = operation_kind::open_drawer;
  if (is("phase", "begun")) it.at = remembered::phase::begun;
  if (is("phase", "done")) it.at = remembered::phase::done;
  if (auto* reply = note->if_contains("reply"); reply && reply->is_object()) it.reply = reply->get_object();
  return it;
}

template <class Reply>
std::optional<failure> failed(const tilld::answer<Reply>& answer) {
  if (answer) return std::nullopt;
  return failure(TILLD_E_BUSY, "the daemon's memory does not answer: " + answer.detail(), "device_busy");
}

failure not_asked(const failure& why) {
  return failure(TILLD_E_BUSY, std::string("the daemon cannot be asked: ") + why.what(), "device_busy");
}

}  // namespace

void operation_memory::load() { load_after(""); }

void operation_memory::load_after(std::string after) {
  state::list request{.prefix = std::string(prefix)};
  if (!after.empty()) request.after = std::move(after);
  auto take = [this](const tilld::answer<state::listed>& answer) {
    if (!answer) return host_.log(log_level::warning, "cannot list earlier operations: " + answer.detail());
    for (auto& key : answer->keys) keep(key.substr(prefix.size()));
    if (answer->more && !answer->keys.empty()) load_after(answer->keys.back());
  };
  try {
    host_.ask(request, take);
  } catch (const failure& why) {
    host_.log(log_level::warning, why.what());
  }
}

void operation_memory::look_up(const std::string& operation_id, found then) {
  auto take = [then](const tilld::answer<state::found>& answer) {
    if (auto why = failed(answer)) return then(why, std::nullopt);
    if (!answer->present || !answer->value) return then(std::nullopt, std::nullopt);
    then(std::nullopt, read_note(*answer->value));
  };
  try {
    host_.ask(state::get{key_of(operation_id)}, take);
  } catch (const failure& why) {
    then(not_asked(why), std::nullopt);
  }
}

void operation_memory::write(const std::string& operation_id, const remembered& what, wrote then) {
  keep(operation_id);
  auto take = [then](const tilld::answer<tilld::nothing>& answer) { then(failed(answer)); };
  try {
    host_.ask(state::put{key_of(operation_id), note_of(what)}, take);
  } catch (const failure& why) {
    then(not_asked(why));
  }
}

void operation_memory::forget(const std::string& operation_id, wrote then) {
  std::erase(kept_, operation_id);
  auto take = [then](const tilld::answer<tilld::nothing>& answer) { then(failed(answer)); };
  try {
    host_.ask(state::remove{key_of(operation_id)}, take);
  } catch (const failure& why) {
    then(not_asked(why));
  }
}

void operation_memory::keep(const std::string& operation_id) {
  if (std::find(kept_.begin(), kept_.end(), operation_id) != kept_.end()) return;
  kept_.insert(std::upper_bound(kept_.begin(), kept_.end(), operation_id), operation_id);
  while (kept_.size() > kept_max) {
    auto oldest = kept_.front();
    kept_.pop_front();
    horizon_ = kept_.front();
    forget(oldest, [](auto&&) {});
  }
}

}  // namespace tilld::escpos
