// system.status and queue.status
#include "ctl/members.hpp"
#include "ctl/phrase.hpp"
#include "ctl/views.hpp"

namespace tilld::ctl {
namespace {

// "state  value" lines whose values stand below each other.
std::string line(const style& look, std::string_view name, const std::string& value) {
  return look.dim(std::string(name) + std::string(name.size() < 10 ? 10 - name.size() : 1, ' ')) + value +
         "\n";
}

std::string connection_words(const boost::json::object& d, const style& look, std::int64_t now_ms) {
  auto since = integer_of(d, "since_ms");
  auto for_how_long = since && *since > 0 ? " for " + duration(now_ms - *since) : std::string();
  if (member(d, "stopped")) return look.bad("stopped");
  if (flag_of(d, "connected")) return look.good("connected") + for_how_long;
  return look.warn("no connection") + for_how_long;
}

// Why a destination does not move, and what to do about it.
void add_reasons(table& t, const boost::json::object& d, std::int64_t now_ms) {
  auto& why = member(d, "stopped") ? object_of(d, "stopped") : object_of(d, "last_error");
  bool matters = member(d, "stopped") || !flag_of(d, "connected");
  if (matters && !why.empty()) {
    std::string words = harmless(text_of(why, "detail")) + " (" + harmless(text_of(why, "kind")) + ")";
    if (auto next = integer_of(d, "next_try_ms")) words += ", next try in " + duration(*next - now_ms);
    t.note(words);
    if (member(d, "stopped")) t.note(harmless(text_of(why, "hint")));
  }
  if (auto lost = integer_of(d, "destination_lost_records"); lost && *lost > 0)
    t.note("it lost " + count(*lost, "record", "records") + " that it had acknowledged, and gets them again");
}

std::string refusal_lines(const boost::json::array& refusals, const style& look) {
  std::string out;
  for (auto& one : refusals) {
    if (!one.is_object()) continue;
    std::string methods;
    for (auto& m : list_of(one.get_object(), "methods"))
      if (m.is_string()) methods += (methods.empty() ? "" : ", ") + harmless(m.get_string());
    out += "  " + look.bad(methods) + ": " + harmless(text_of(one.get_object(), "kind")) + "\n    " +
           harmless(text_of(one.get_object(), "hint")) + "\n";
  }
  return out;
}

}  // namespace

std::string show_queue(const boost::json::object& q, const style& look, std::int64_t now_ms) {
  auto& destinations = list_of(q, "destinations");
  std::string out;
  if (destinations.empty()) {
    out += "No destination is set up; records stay on this till.\n";
  } else {
    table t({"Destination", "Role", "State", "Waiting", "Worth", "Oldest"});
    for (auto& one : destinations) {
      if (!one.is_object()) continue;
      auto& d = one.get_object();
      auto& waiting = object_of(d, "waiting");
      auto records = integer_of(waiting, "records").value_or(0);
      auto sales = integer_of(waiting, "sales").value_or(0);
      auto words = records == 0 ? std::string("nothing") : count(records, "record", "records");
      if (sales > 0) words += " (" + count(sales, "sale", "sales") + ")";
      auto oldest = integer_of(waiting, "oldest_ms");
      t.row({harmless(text_of(d, "name")), harmless(text_of(d, "role")), connection_words(d, look, now_ms),
             words, money(list_of(waiting, "money")),
             records > 0 && oldest ? duration(now_ms - *oldest) : ""});
      add_reasons(t, d, now_ms);
    }
    out += t.text(look);
  }
  auto refused = refusal_lines(list_of(q, "refused_next"), look);
  out += refused.empty() ? "Refused next: nothing\n" : "Refused next:\n" + refused;
  return out;
}

std::string show_status(const boost::json::object& s, const style& look, std::int64_t now_ms) {
  auto& problems = list_of(s, "problems");
  std::string out;
  out += look.bold(harmless(text_of(s, "till"))) + " (branch " + harmless(text_of(s, "branch")) +
         ", merchant " + harmless(text_of(s, "merchant")) + "): ";
  auto chaos = integer_of(object_of(s, "chaos"), "seed");
  if (problems.empty() && (chaos || text_of(s, "state") == "ok"))
    out += chaos ? look.bad("degraded on purpose") : look.good("all is well");
  else
    out += look.bad("degraded, " + count(static_cast<std::int64_t>(problems.size()), "problem", "problems"));
  out += "\n\n";
  if (chaos)
    out += look.bad("CHAOS " + std::to_string(*chaos) + ": this till fails on purpose. Never in a shop.") +
           "\n\n";
  out += line(look, "Program", "tilld " + harmless(text_of(s, "version")));
  if (auto started = integer_of(s, "started_ms"))
    out += line(look, "Since", moment(*started) + " (" + duration(integer_of(s, "up_ms").value_or(0)) + ")");
  out += line(look, "Clock",
              text_of(s, "clock") == "synchronised"
                  ? "synchronised"
                  : look.warn(harmless(text_of(s, "clock"))) + "; records are marked so");
  auto& storage = object_of(s, "storage");
  auto state = harmless(text_of(storage, "state"));
  out += line(look, "Storage", state == "ok" ? look.good(state) : look.bad(state));
  auto& head = object_of(s, "journal");
  out +=
      line(look, "Journal",
           "record " + figure(integer_of(head, "sequence").value_or(0)) + ", epoch " +
               figure(integer_of(head, "epoch").value_or(0)) + ", hash " + short_hash(text_of(head, "hash")));
  out += line(look, "Clients", figure(integer_of(s, "connections").value_or(0)));
  out += "\n" + show_queue(object_of(s, "queue"), look, now_ms) + "\n";
  out += show_plugins(s, look);
  if (!problems.empty()) out += "\n" + look.bold("What needs somebody:") + "\n";
  for (auto& one : problems) {
    if (!one.is_object()) continue;
    auto& p = one.get_object();
    out += "  " + look.bad(harmless(text_of(p, "kind"))) + ": " + harmless(text_of(p, "detail")) + "\n    " +
           harmless(text_of(p, "hint")) + "\n";
  }
  return out;
}

}  // namespace tilld::ctl
