// The commands that ask one question and show its answer.
#include "ctl/verbs.hpp"

#include <cstdio>

#include <boost/json.hpp>

#include "base/clock.hpp"
#include "ctl/members.hpp"
#include "ctl/phrase.hpp"
#include "ctl/views.hpp"

namespace tilld::ctl {
namespace {

std::int64_t now_ms() { return base::system_clock().unix_ms(); }

}  // namespace

std::string one_line(const boost::json::object& o) { return boost::json::serialize(o) + "\n"; }

exit_code say(const std::string& text, exit_code then) {
  bool said = std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0;
  return said ? then : exit_code::failed;
}

void remark(const std::string& text) { std::fputs(text.c_str(), stderr); }

exit_code fail(const surroundings& s, const complaint& why) {
  remark(s.json ? why.json() : why.text(s.err));
  return why.code();
}

outcome<boost::json::object> ask(const surroundings& s, const std::string& method, boost::json::object params,
                                 std::chrono::milliseconds at_most) {
  auto wait = s.timeout.value_or(at_most);
  auto daemon = connection::open(s.socket, s.language, wait);
  if (!daemon) return daemon.error();
  return daemon->call(method, std::move(params), wait);
}

exit_code status(const surroundings& s) {
  auto answer = ask(s, "system.status", {});
  if (!answer) return fail(s, answer.error());
  auto then = text_of(*answer, "state") == "ok" ? exit_code::ok : exit_code::degraded;
  return say(s.json ? one_line(*answer) : show_status(*answer, s.out, now_ms()), then);
}

exit_code queue(const surroundings& s) {
  auto answer = ask(s, "queue.status", {});
  if (!answer) return fail(s, answer.error());
  return say(s.json ? one_line(*answer) : show_queue(*answer, s.out, now_ms()));
}

exit_code plugins(const surroundings& s) {
  auto answer = ask(s, "plugin.list", {});
  if (!answer) return fail(s, answer.error());
  return say(s.json ? one_line(*answer) : show_plugins(*answer, s.out));
}

exit_code restart_plugin(const surroundings& s, const std::string& name) {
  auto answer = ask(s, "plugin.restart", {{"name", name}});
  if (!answer) return fail(s, answer.error());
  return say(s.json ? one_line(*answer)
                    : harmless(name) + " is being restarted; tillctl plugins shows how it goes.\n");
}

exit_code get_operation(const surroundings& s, const operation_name& which) {
  boost::json::object params;
  if (which.id.empty())
    params = {{"method", which.method}, {"idempotency_key", which.key}};
  else
    params = {{"operation_id", which.id}};
  auto answer = ask(s, "operation.get", std::move(params));
  if (!answer) return fail(s, answer.error());
  return say(s.json ? one_line(*answer) : show_operation(*answer, s.out, now_ms()));
}

exit_code unknown_operations(const surroundings& s) {
  auto answer = ask(s, "operation.unknown", {});
  if (!answer) return fail(s, answer.error());
  return say(s.json ? one_line(*answer) : show_operations(*answer, s.out, now_ms()));
}

exit_code resolve_operation(const surroundings& s, const std::string& id, const std::string& what,
                            const std::string& reason) {
  auto answer = ask(s, "operation.resolve", {{"operation_id", id}, {"outcome", what}, {"reason", reason}});
  if (!answer) return fail(s, answer.error());
  return say(s.json ? one_line(*answer) : show_operation(*answer, s.out, now_ms()));
}

exit_code add_token(const surroundings& s, const std::string& role, const std::string& note,
                    const std::string& origin) {
  boost::json::object params{{"role", role}};
  if (!note.empty()) params["note"] = note;
  if (!origin.empty()) params["origin"] = origin;
  auto answer = ask(s, "token.add", std::move(params));
  if (!answer) return fail(s, answer.error());
  if (s.json) return say(one_line(*answer));
  auto about =
      "Token " + harmless(text_of(*answer, "id")) + ", role " + harmless(text_of(*answer, "role")) +
      (origin.empty() ? ", for programs" : ", for pages of " + harmless(text_of(*answer, "origin"))) +
      ". It is shown this once and kept nowhere:\n";
  // In a pipe the token stands alone, so that a script reads it without cutting.
  if (!s.on_terminal) remark(about);
  return say((s.on_terminal ? about : "") + harmless(text_of(*answer, "token")) + "\n");
}

exit_code list_tokens(const surroundings& s) {
  auto answer = ask(s, "token.list", {});
  if (!answer) return fail(s, answer.error());
  return say(s.json ? one_line(*answer) : show_tokens(*answer, s.out));
}

exit_code remove_token(const surroundings& s, const std::string& id) {
  auto answer = ask(s, "token.remove", {{"id", id}});
  if (!answer) return fail(s, answer.error());
  return say(s.json ? one_line(*answer)
                    : "Token " + harmless(id) + " is removed; nobody signs on with it any more.\n");
}

}  // namespace tilld::ctl
