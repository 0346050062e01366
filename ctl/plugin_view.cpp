// plugin.list
#include <boost/json.hpp>

#include "ctl/members.hpp"
#include "ctl/phrase.hpp"
#include "ctl/views.hpp"

namespace tilld::ctl {
namespace {

std::string state_words(const boost::json::object& p, const style& look) {
  auto state = harmless(text_of(p, "state"));
  if (state == "ready") return look.good(state);
  if (state == "starting") return state;
  if (state == "waiting") {
    auto wait = integer_of(p, "next_try_ms");
    return look.warn(wait ? "waiting " + duration(*wait) : state);
  }
  return look.bad(state);
}

std::string sandbox_words(const boost::json::object& p, const style& look) {
  if (text_of(p, "isolation") == "none") return look.warn("none, a thread of tilld");
  if (flag_of(p, "paths_restricted")) return "process, own paths";
  // Before it has said hello nothing is known of it.
  return text_of(p, "plugin").empty() ? "process" : look.warn("process, all paths");
}

}  // namespace

std::string show_plugins(const boost::json::object& list, const style& look) {
  auto& plugins = list_of(list, "plugins");
  if (plugins.empty()) return "No plugin is set up; see plugins: in tilld.yaml.\n";
  table t({"Plugin", "State", "Program", "Sandbox", "Restarts", "Faults"});
  for (auto& one : plugins) {
    if (!one.is_object()) continue;
    auto& p = one.get_object();
    auto program = text_of(p, "plugin");
    if (!program.empty()) program += " " + text_of(p, "version");
    auto faults = integer_of(p, "faults").value_or(0);
    t.row({harmless(text_of(p, "name")), state_words(p, look), harmless(program), sandbox_words(p, look),
           figure(integer_of(p, "restarts").value_or(0)), faults > 0 ? look.warn(figure(faults)) : "0"});
    std::string provides;
    for (auto& one_interface : list_of(p, "provides"))
      if (one_interface.is_string())
        provides +=
            (provides.empty() ? "provides " : ", ") + harmless(std::string_view(one_interface.get_string()));
    if (!provides.empty()) t.note(provides);
    if (auto why = text_of(p, "last_ending"); !why.empty()) t.note("ended last: " + harmless(why));
    if (auto what = text_of(p, "last_fault"); !what.empty()) t.note("last fault: " + harmless(what));
    std::string broken;
    if (auto* counts = p.if_contains("schema_violations"); counts && counts->is_object())
      for (auto& [message, count] : counts->get_object())
        broken +=
            (broken.empty() ? "" : ", ") + harmless(message) + " " + harmless(boost::json::serialize(count));
    if (!broken.empty()) t.note("messages that do not fit their schema: " + broken);
  }
  return t.text(look);
}

}  // namespace tilld::ctl
