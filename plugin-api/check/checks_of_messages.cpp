// Checks 7 to 11, 14 and 15: what is asked and what is answered.
#include <tilld/plugin.h>

#include <algorithm>
#include <deque>
#include <set>

#include "base/error.hpp"
#include "plugin-api/check/bodies.hpp"
#include "plugin-api/check/checks.hpp"
#include "plugin-api/check/conversation.hpp"
#include "plugin-api/check/exercise.hpp"
#include "plugin-api/check/finding.hpp"

namespace tilld::plugin_check {

namespace json = boost::json;
using wire::plugin_message;

namespace {

constexpr const char* no_words = "no word of it has a schema that is known; give one with --schema";
constexpr const char* device_needed =
    "a right request would make the device act; say --uses-device to allow it";

std::string count(std::size_t many, const char* what) { return std::to_string(many) + " " + what; }

std::optional<json::object> object_of(const plugin_message& message) {
  json::error_code failed;
  auto value = json::parse(message.body.empty() ? "{}" : message.body, failed);
  if (failed || !value.is_object()) return std::nullopt;
  return std::move(value.get_object());
}

void need_words(const subject& what) {
  if (what.words.empty()) skip(no_words);
}

// Sends a right body. A word that waits for somebody is cancelled after a moment: what counts is that it was
// not refused. Nothing where no right body can be made.
std::optional<std::int32_t> status_of(conversation& with, const word& of, const json::object& body) {
  const auto id = with.ask(of.full_name, json::serialize(body));
  if (of.waits && !with.answered(id, with.patient(150))) with.cancel(id);
  return with.reply_to(id).status;
}

// A word of the interface that this driver does not have, such as the drawer of a printer without one.
bool is_offered(conversation& with, const word& of) {
  return with.call(of.full_name, "[]").status != TILLD_E_UNSUPPORTED;
}

}  // namespace

std::string check_unknown_words(const subject& what) {
  conversation with(what);
  with.start();
  std::vector<std::string> names{"com.example.tilld-plugin-check/1.word"};
  for (const auto& interface : what.provides) {
    names.push_back(interface + ".no_such_word");
    names.push_back(interface.substr(0, interface.find('/')) + "/9999.no_such_word");
  }
  for (const auto& name : names) {
    const auto& reply = with.call(name, "{}");
    if (reply.status != TILLD_E_UNSUPPORTED)
      fail(readable_request(name, "{}"), readable_reply(reply),
           "Answer TILLD_E_UNSUPPORTED to every name that you do not know: newer tills will ask for more.");
  }
  with.ping();
  with.nothing_is_answered_twice();
  return count(names.size(), "names");
}

std::string check_wrong_bodies(const subject& what) {
  need_words(what);
  conversation with(what);
  with.start();
  std::size_t sent = 0;
  for (const auto& of : what.words) {
    if (!is_offered(with, of)) continue;
    for (const auto& wrong : wrong_bodies(of)) {
      const auto& reply = with.call(of.full_name, wrong.text);
      ++sent;
      if (reply.status == TILLD_E_INVALID) continue;
      fail(readable_request(of.full_name, wrong.text) + " (" + wrong.why + ")", readable_reply(reply),
           "Answer TILLD_E_INVALID and the name of the member, before the device acts.");
    }
  }
  with.ping();
  with.nothing_is_answered_twice();
  return count(sent, "wrong bodies");
}

std::string check_unknown_members(const subject& what) {
  need_words(what);
  const auto words = askable(what);
  if (words.empty()) skip(device_needed);
  conversation with(what);
  with.start();
  std::size_t sent = 0;
  for (const auto* of : words) {
    const auto body = right_body(*of);
    if (!body || !is_offered(with, *of)) continue;
    auto more = *right_body(*of);
    more["x_tilld_check"] = json::object{{"of", "tomorrow"}};
    const auto status = status_of(with, *of, more);
    ++sent;
    const bool refused = status == TILLD_E_INVALID;
    if (of->moves_value && !refused)
      fail(readable_request(of->full_name, json::serialize(more)), status_name(*status),
           "Where value moves, a member that you do not know is refused with TILLD_E_INVALID: it could be an "
           "amount.");
    if (!of->moves_value && refused && status_of(with, *of, *body) != TILLD_E_INVALID)
      fail(readable_request(of->full_name, json::serialize(more)),
           status_name(*status) + ", where the same without x_tilld_check is taken",
           "Ignore members that you do not know: newer tills send more.");
  }
  with.ping();
  return count(sent, "words");
}

std::string check_random_bodies(const subject& what) {
  need_words(what);
  const std::size_t many = what.slow ? 100 : 1000;
  constexpr std::size_t window = 32;
  constexpr std::uint32_t deadline_ms = 1000;
  std::mt19937_64 numbers(what.seed);
  conversation with(what);
  with.start();
  std::deque<std::uint64_t> open;
  const auto settle_first = [&] {
    const auto id = open.front();
    if (!with.answered(id, milliseconds(deadline_ms))) with.cancel(id);
    with.reply_to(id);
    open.pop_front();
  };
  std::size_t sent = 0, tried = 0;
  while (sent < many && ++tried < 4 * many) {
    const auto& of = what.words[numbers() % what.words.size()];
    auto body = any_body(of, numbers);
    if (body.fits && of.changes_state && !what.may_act) continue;
    open.push_back(with.ask(of.full_name, std::move(body.text), {}, deadline_ms));
    // Nobody lays a card on the reader; waiting for each one's time would take a quarter of an hour.
    if (body.fits && of.waits) with.cancel(open.back());
    ++sent;
    if (open.size() == window) settle_first();
  }
  while (!open.empty()) settle_first();
  with.ping();
  with.listen(milliseconds(100));
  with.nothing_is_answered_twice();
  return count(sent, "bodies, seed ") + std::to_string(what.seed);
}

std::string check_blobs(const subject& what) {
  need_words(what);
  const auto words = askable(what);
  if (words.empty()) skip(device_needed);
  conversation with(what);
  with.start();
  constexpr std::size_t mib = 1024 * 1024;
  std::size_t sent = 0;
  std::vector<std::size_t> sizes{0, mib, 4 * mib};
  for (const auto* of : words) {
    if (!right_body(*of) || !is_offered(with, *of)) continue;
    // An octet at a time, a mebibyte is two million system calls and on a busy machine longer than any
    // deadline; a piece that is larger than every buffer shows the same.
    if (what.slow) sizes = sent == 0 ? std::vector<std::size_t>{0, mib / 8} : std::vector<std::size_t>{0};
    for (const auto size : sizes) {
      const auto id =
          with.ask(of->full_name, json::serialize(*right_body(*of)), std::string(size, '\x5A'), 10'000);
      if (of->waits && !with.answered(id, with.patient(size > 0 ? 1000 : 150))) with.cancel(id);
      with.reply_to(id);
      with.ping();
      ++sent;
    }
  }
  with.nothing_is_answered_twice();
  return count(sent, "requests, the largest with 4 MiB");
}

namespace {

constexpr const char* repetition_mend =
    "The same operation_id again is the same operation: answer as the first time and do nothing. What must "
    "be "
    "remembered over a crash goes into tilld.state/1 before you answer.";

void compare(const word& of, const std::string& body, const plugin_message& first,
             const plugin_message& second, const char* when) {
  if (second.status == TILLD_OK && (first.body != second.body || first.blob != second.blob))
    fail(readable_request(of.full_name, body) + ", and the same " + when,
         readable_reply(first) + " and then " + readable_reply(second), repetition_mend);
}

// What the plugin says of an operation that it has answered.
void ask_outcome(conversation& with, const word& of, const std::string& operation_id) {
  const auto name = of.interface + ".outcome";
  const auto& words = with.what().words;
  if (std::none_of(words.begin(), words.end(), [&](const auto& w) { return w.full_name == name; })) return;
  const auto body = json::serialize(json::object{{"operation_id", operation_id}});
  const auto& reply = with.call(name, body);
  const auto said = object_of(reply);
  const auto* state = said ? said->if_contains("state") : nullptr;
  if (reply.status == TILLD_OK && state && *state == "not_done")
    fail(readable_request(name, body) + " after " + of.full_name + " was answered TILLD_OK",
         readable_reply(reply), "not_done is a promise that nothing happened; say done, or unknown.");
}

}  // namespace

std::string check_repetition(const subject& what) {
  need_words(what);
  std::vector<const word*> words;
  for (const auto& of : what.words)
    if (of.changes_state) words.push_back(&of);
  if (words.empty()) skip("no word of it changes anything");
  if (!what.may_act) skip(device_needed);
  services memory;
  test_devices devices(what.config);
  struct done {
    const word* of;
    std::string body;
    plugin_message first;
  };
  std::vector<done> all;
  {
    conversation with(what, {.with = &memory, .devices = &devices});
    with.start();
    for (const auto* of : words) {
      const auto body = right_body(*of);
      if (!body || !is_offered(with, *of)) continue;
      const auto text = json::serialize(*body);
      const auto first = with.call(of->full_name, text);
      if (first.status != TILLD_OK) continue;
      compare(*of, text, first, with.call(of->full_name, text), "once more");
      if (const auto* id = body->if_contains("operation_id"))
        ask_outcome(with, *of, std::string(id->get_string()));
      all.push_back({of, text, first});

      const auto two = json::serialize(*right_body(*of));
      const auto a = with.ask(of->full_name, two), b = with.ask(of->full_name, two);
      const auto earlier = with.reply_to(a), later = with.reply_to(b);
      if (earlier.status == TILLD_OK) compare(*of, two, earlier, later, "at the same time");
    }
    with.ping();
    with.nothing_is_answered_twice();
    with.process().kill();
  }
  if (all.empty()) skip("no word that changes something was answered with TILLD_OK by this device");
  conversation with(what, {.with = &memory, .devices = &devices});
  with.start();
  for (const auto& it : all)
    compare(*it.of, it.body, it.first, with.call(it.of->full_name, it.body), "after a crash");
  return count(all.size(), "words, also at the same time and after a crash");
}

namespace {

void check_reply(const subject& what, const conversation& with, const plugin_message& reply) {
  const auto& name = with.name_asked(reply.id);
  if (name.starts_with("tilld.instance/")) return;
  const auto fail_with = [&](const std::string& why, const char* mend) {
    fail(with.sent_as(reply.id), readable_reply(reply) + ": " + why, mend);
  };
  if (reply.name != name) fail_with("its name is " + reply.name, "A reply repeats the name of its request.");
  const auto body = object_of(reply);
  if (!body) fail_with("the body is no JSON object", "Every body is one JSON object.");
  if (reply.status < 0 || reply.status > TILLD_E_NO_DEVICE)
    fail_with("no such status", "Take one of the constants of plugin.h.");
  if (reply.status != TILLD_OK) {
    const auto* detail = body->if_contains("detail");
    if (!detail || !detail->is_string())
      fail_with("no detail",
                "A reply that is not TILLD_OK says {\"detail\": \"...\"}; it is what IT staff read.");
    const auto* kind = body->if_contains("kind");
    if (kind && (!kind->is_string() || !base::find_error(std::string_view(kind->get_string().c_str()))))
      fail_with("the kind is none of docs/errors.md", "Take a kind of docs/errors.md or leave it out.");
    return;
  }
  for (const auto& of : what.words)
    if (of.full_name == name)
      if (const auto complaint = of.complaint_about_reply(*body))
        fail_with(*complaint, "plugin-api/schema has the shape of every reply.");
}

void check_event(const subject& what, const plugin_message& event) {
  const auto interface = event.name.substr(0, event.name.rfind('.'));
  const auto shown = "the event " + readable_request(event.name, event.body);
  constexpr const char* done = "start, and a request for each word";
  if (std::find(what.provides.begin(), what.provides.end(), interface) == what.provides.end())
    fail(done, shown + " of an interface that it does not provide", "Name the interface in provides.");
  const auto body = object_of(event);
  if (!body) fail(done, shown + ": the body is no JSON object", "Every body is one JSON object.");
  const auto topic = std::find_if(what.topics.begin(), what.topics.end(),
                                  [&](const auto& it) { return it.full_name == event.name; });
  if (topic == what.topics.end()) {
    if (interface.starts_with("tilld."))
      fail(done, shown + ", which " + interface + " does not have", "plugin-api/schema lists the events.");
    return;
  }
  if (const auto complaint = topic->complaint(*body))
    fail(done, shown + ": " + *complaint,
         "plugin-api/schema has the shape of every event; the till never sees this one.");
}

}  // namespace

std::string check_schemas(const subject& what) {
  conversation with(what);
  with.start();
  exercise(with);
  with.listen(milliseconds(300));
  for (const auto& reply : with.all_replies()) check_reply(what, with, reply);
  for (const auto& event : with.events()) check_event(what, event);
  auto note = count(with.all_replies().size(), "replies, ") + count(with.events().size(), "events");
  for (const auto& name : what.without_schema) note += "; no schema of " + name + " is known";
  return note;
}

}  // namespace tilld::plugin_check
