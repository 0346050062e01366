// system.status, queue.status
#include <boost/json.hpp>

#include "daemon/calls/parts.hpp"
#include "daemon/calls/queue_news.hpp"
#include "daemon/calls/shapes.hpp"

namespace tilld::daemon {

using wire::make_result;

namespace {

boost::json::object describe_destination(const forward_status& s, const destination_config& d) {
  boost::json::object o{{"name", d.name},
                        {"role", wire::sync::name(d.expected_role)},
                        {"address", d.address.text()},
                        {"connected", s.connected},
                        {"since_ms", s.since_unix_ms},
                        {"acknowledged", s.acknowledged.sequence},
                        {"central_sequence", s.central_sequence},
                        {"central_software", s.central_software}};
  if (s.central_key) o["central_key"] = base::to_hex(*s.central_key);
  if (s.last_error)
    o["last_error"] = {{"kind", base::describe(s.last_error->code).kind},
                       {"detail", s.last_error->detail},
                       {"at_ms", s.last_error_unix_ms},
                       {"hint", base::describe(s.last_error->code).hint}};
  if (s.next_try_unix_ms) o["next_try_ms"] = s.next_try_unix_ms;
  if (s.stopped_for_a_person)
    o["stopped"] = {{"kind", base::describe(s.stopped_for_a_person->code).kind},
                    {"detail", s.stopped_for_a_person->detail},
                    {"hint", base::describe(s.stopped_for_a_person->code).hint}};
  if (s.destination_lost_records) o["destination_lost_records"] = s.destination_lost_records;
  return o;
}

// What will be refused, and why: a till that asks before the rush is not surprised in it.
boost::json::array describe_refusals(const till_parts& till) {
  boost::json::array list;
  auto refuse = [&](base::errc code) {
    list.push_back({{"methods", boost::json::array{"sale.record"}},
                    {"kind", base::describe(code).kind},
                    {"hint", base::describe(code).hint}});
  };
  if (till.journal.failed()) refuse(base::errc::storage_failed);
  if (till.journal.full() || till.journal.low()) refuse(base::errc::storage_full);
  return list;
}

boost::json::object queue_status(const till_parts& till) {
  auto waiting = describe_backlogs(till);
  boost::json::array destinations;
  for (std::size_t i = 0; i < till.destinations.size(); ++i) {
    auto o = describe_destination(till.destinations[i]->status(), till.settings.destinations[i]);
    o["waiting"] = waiting[i].as_object().at("waiting");
    o["lagging"] = lag_of(till, i).has_value();
    destinations.push_back(std::move(o));
  }
  return {{"destinations", std::move(destinations)}, {"refused_next", describe_refusals(till)}};
}

boost::json::object head_of(const till_parts& till) {
  auto& h = till.journal.head();
  return {{"epoch", h.epoch}, {"sequence", h.sequence}, {"hash", base::to_hex(h.hash)}};
}

std::string_view word_of(storage_care::state s) {
  switch (s) {
    case storage_care::state::waiting: return "waiting";
    case storage_care::state::running: return "running";
    case storage_care::state::done: return "done";
    case storage_care::state::failed: return "failed";
  }
  return "";
}

boost::json::object describe_storage(const till_parts& till) {
  auto& j = till.journal;
  auto& looked = till.care.check();
  boost::json::array damaged;
  for (auto& d : looked.damaged) damaged.push_back(boost::json::value(d.what + ": " + d.why));
  boost::json::object check{
      {"state", word_of(looked.now)}, {"records", looked.records}, {"damaged", std::move(damaged)}};
  if (looked.finished_ms) check["finished_ms"] = *looked.finished_ms;
  boost::json::object o{{"state", j.failed()    ? "failed"
                                  : j.copying() ? "copying"
                                  : j.full()    ? "full"
                                  : j.low()     ? "low"
                                                : "ok"},
                        {"fresh_copies", j.fresh_copies()},
                        {"free", j.free_octets()},
                        {"kept_free", j.kept_free()},
                        {"check", std::move(check)},
                        {"commits", j.commits()},
                        {"commits_on", j.on_own_thread() ? "own thread" : "I/O thread"}};
  if (!till.care.makes_backups()) return o;
  auto& last = till.care.backup();
  boost::json::object backup{{"folder", till.care.backup_folder()}, {"state", word_of(last.now)}};
  if (last.finished_ms) backup["finished_ms"] = *last.finished_ms;
  if (!last.file.empty()) backup["file"] = last.file;
  if (!last.why.empty()) backup["why"] = last.why;
  o["backup"] = std::move(backup);
  return o;
}

boost::json::object status(const till_parts& till) {
  till.journal.look_at_room();
  boost::json::array problems;
  auto problem = [&](base::errc code, const std::string& detail) {
    auto& entry = base::describe(code);
    problems.push_back({{"kind", entry.kind}, {"detail", detail}, {"hint", entry.hint}});
  };
  if (till.journal.failed()) problem(base::errc::storage_failed, "the database is not written any more");
  if (till.journal.full())
    problem(base::errc::storage_full, "new sales are refused");
  else if (till.journal.low())
    problem(base::errc::storage_full,
            "nearly: " + std::to_string(till.journal.free_octets() >> 20) + " MiB are free, and below " +
                std::to_string(till.journal.kept_free() >> 20) + " new sales are refused");
  if (till.journal.copying())
    problem(base::errc::storage_failed, "a flush failed; sales wait while the journal is copied");
  else if (!till.journal.failed() && till.journal.fresh_copies() > 0)
    problem(base::errc::storage_failed,
            "a flush failed, and the journal went on in a fresh file; replace the disk");
  for (auto& d : till.care.check().damaged) problem(base::errc::journal_damaged, d.what + ": " + d.why);
  if (auto& b = till.care.backup(); b.now == storage_care::state::failed)
    problem(base::errc::storage_failed, "the copy in " + till.care.backup_folder() + ": " + b.why);
  if (auto count = till.journal.unknown_operations())
    problem(base::errc::outcome_unknown,
            std::to_string(count) + " operations; tillctl operation unknown lists them");
  for (auto& plugin : till.plugins.all())
    if (plugin->state() != plugin_state::ready && plugin->state() != plugin_state::starting)
      problem(plugin->state() == plugin_state::waiting ? base::errc::device_gone : base::errc::plugin_failed,
              plugin->instance_name() + " is " + std::string(name(plugin->state())));
  for (std::size_t i = 0; i < till.destinations.size(); ++i) {
    auto& s = till.destinations[i]->status();
    if (s.stopped_for_a_person)
      problem(s.stopped_for_a_person->code,
              till.settings.destinations[i].name + ": " + s.stopped_for_a_person->detail);
    else if (!s.connected)
      problem(base::errc::central_unreachable,
              till.settings.destinations[i].name + (s.last_error ? ": " + s.last_error->detail : ""));
    if (auto lag = lag_of(till, i)) problem(base::errc::central_unreachable, *lag);
  }
  auto now = till.clock.now();
  boost::json::object o{
      {"state", problems.empty() && !till.on_purpose ? "ok" : "degraded"},
      {"version", TILLD_VERSION},
      {"till", till.settings.till},
      {"branch", till.settings.branch},
      {"merchant", till.settings.merchant},
      {"boot", till.boot_id},
      {"started_ms", till.started.unix_ms},
      {"up_ms", now.monotonic_ms - till.started.monotonic_ms},
      {"clock", now.trust == base::clock_trust::synchronised ? "synchronised" : "unsynchronised"},
      {"connections", till.connections()},
      {"journal", head_of(till)},
      {"public_key", base::to_hex(till.key.public_half())},
      {"storage", describe_storage(till)},
      {"queue", queue_status(till)},
      {"plugins", till.plugins.describe()},
      {"problems", std::move(problems)}};
  if (till.on_purpose) o["chaos"] = till.on_purpose->describe();
  return o;
}

}  // namespace

boost::json::array describe_backlogs(const till_parts& till) {
  boost::json::array list;
  for (auto& b : till.journal.backlogs()) {
    bool connected =
        list.size() < till.destinations.size() && till.destinations[list.size()]->status().connected;
    boost::json::array money;
    std::int64_t sales = 0;
    for (auto& m : b.money) {
      sales += m.count;
      money.push_back({{"minor", m.minor}, {"currency", m.currency}});
    }
    boost::json::object waiting{{"records", b.records}, {"sales", sales}, {"money", std::move(money)}};
    if (b.oldest_ms) waiting["oldest_ms"] = *b.oldest_ms;
    list.push_back({{"destination", b.destination},
                    {"connected", connected},
                    {"acknowledged", b.acknowledged},
                    {"waiting", std::move(waiting)}});
  }
  return list;
}

void add_system_calls(router& methods, till_parts* till) {
  using namespace base::shape;
  methods.add({.name = "system.status",
               .summary = "How the till is: journal, disk, queue, plugins, and what a person has to do",
               .allowed = anyone,
               .params = object({}),
               .result = shape_of_status()},
              [till](const call&) { return make_result(status(*till)); });
  methods.add({.name = "queue.status",
               .summary = "What waits for which destination, for how much money, since when, and what "
                          "will be refused next",
               .allowed = anyone,
               .params = object({}),
               .result = shape_of_queue()},
              [till](const call&) {
                till->journal.look_at_room();
                return make_result(queue_status(*till));
              });
}

}  // namespace tilld::daemon
