#include "plugin-api/check/judge.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <tilld/plugin.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <optional>

#include <boost/json.hpp>

#include "base/file.hpp"
#include "plugin-api/check/conversation.hpp"

namespace tilld::plugin_check {

namespace json = boost::json;

namespace {

using clock = std::chrono::steady_clock;

// What the work returns, made in another process; nothing when that process died or took too long.
std::optional<json::object> in_own_process(const std::function<json::object()>& work, int seconds_max) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return std::nullopt;
  const base::unique_fd from(ends[0]);
  base::unique_fd to(ends[1]);
  std::fflush(nullptr);
  const pid_t pid = ::fork();
  if (pid < 0) return std::nullopt;
  if (pid == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    const auto text = json::serialize(work());
    for (std::size_t sent = 0; sent < text.size();) {
      const auto size = ::write(to.get(), text.data() + sent, text.size() - sent);
      if (size <= 0) break;
      sent += static_cast<std::size_t>(size);
    }
    ::_exit(0);
  }
  to.reset();
  std::string text;
  const auto until = clock::now() + std::chrono::seconds(seconds_max);
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - clock::now()).count();
    pollfd one{from.get(), POLLIN, 0};
    if (left <= 0 || ::poll(&one, 1, static_cast<int>(left)) <= 0) break;
    char chunk[65536];
    const auto size = ::read(from.get(), chunk, sizeof chunk);
    if (size <= 0) break;
    text.append(chunk, static_cast<std::size_t>(size));
  }
  ::kill(pid, SIGKILL);
  ::waitpid(pid, nullptr, 0);
  json::error_code failed;
  auto value = json::parse(text, failed);
  if (failed || !value.is_object()) return std::nullopt;
  return std::move(value.get_object());
}

finding run(const check& which, const subject& what) {
  try {
    return {verdict::passed, which.run(what), {}, {}, {}};
  } catch (const verdict_reached& reached) {
    return reached.what;
  } catch (const std::exception& bug) {
    return {verdict::skipped, std::string("the check itself could not run: ") + bug.what(), {}, {}, {}};
  }
}

std::vector<std::string> texts_in(const json::object& from, const char* member) {
  std::vector<std::string> all;
  if (const auto* list = from.if_contains(member); list && list->is_array())
    for (const auto& one : list->get_array())
      if (one.is_string()) all.emplace_back(one.get_string());
  return all;
}

json::object introduction(const subject& what) {
  json::object said;
  try {
    conversation with(what);
    if (!with.hello()) return {{"why_not_loaded", with.why_not()}};
    said["hello"] = with.hello_body();
    if (with.start_with(with.what().config) != TILLD_OK) said["why_not_started"] = with.why_not();
  } catch (const verdict_reached& reached) {
    said[said.contains("hello") ? "why_not_started" : "why_not_loaded"] =
        reached.what.what == verdict::skipped ? reached.what.note : reached.what.came;
  } catch (const std::exception& bug) {
    said["why_not_loaded"] = bug.what();
  }
  return said;
}

}  // namespace

judged judge(const check& which, const subject& what) {
  const auto begun = clock::now();
  const int seconds_max = what.slow ? 2 * which.seconds_max : which.seconds_max;
  const auto found = in_own_process([&] { return to_json(run(which, what)); }, seconds_max);
  judged out;
  out.took_ms = std::chrono::duration_cast<std::chrono::milliseconds>(clock::now() - begun).count();
  if (found)
    out.what = finding_from(*found);
  else
    out.what = {verdict::failed,
                {},
                which.title,
                "the check did not come to an end in " + std::to_string(seconds_max) + " s",
                "Something takes very long: --only " + std::to_string(which.number) + " shows it alone."};
  return out;
}

void introduce(subject& what) {
  const auto said = in_own_process([&] { return introduction(what); }, 60).value_or(json::object());
  const auto text = [](const json::object& from, const char* member) {
    const auto* value = from.if_contains(member);
    return value && value->is_string() ? std::string(value->get_string()) : std::string();
  };
  const auto* hello = said.if_contains("hello");
  what.why_not_loaded = text(said, "why_not_loaded");
  what.why_not_started = text(said, "why_not_started");
  if (!hello || !hello->is_object()) {
    if (what.why_not_loaded.empty()) what.why_not_loaded = "it does not say hello";
    return;
  }
  const auto& self = hello->get_object();
  what.id = text(self, "id");
  what.version = text(self, "version");
  what.summary = text(self, "summary");
  what.provides = texts_in(self, "provides");
  what.uses = texts_in(self, "uses");
  if (const auto* schema = self.if_contains("config_schema"); schema && schema->is_object())
    what.config_schema = schema->get_object();
}

}  // namespace tilld::plugin_check
