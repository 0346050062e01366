// call and watch: the protocol by hand.
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>

#include <boost/json.hpp>

#include "base/clock.hpp"
#include "base/id.hpp"
#include "ctl/members.hpp"
#include "ctl/phrase.hpp"
#include "ctl/verbs.hpp"
#include "ctl/views.hpp"
#include "wire/json_rpc.hpp"

namespace tilld::ctl {

using base::errc;

namespace {

// Long enough for what waits for people: reader.await waits a minute by itself.
constexpr auto call_wait = std::chrono::minutes(2);
constexpr auto wait_beyond_deadline = std::chrono::seconds(10);

base::result<std::string> all_of_stdin() {
  std::string text;
  char chunk[16 * 1024];
  for (;;) {
    auto n = ::read(STDIN_FILENO, chunk, sizeof chunk);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return base::error{errc::file_refused, "standard input: " + base::errno_text(errno)};
    if (n == 0) return text;
    text.append(chunk, static_cast<std::size_t>(n));
    if (text.size() > wire::line_size_max)
      return base::error{errc::message_too_large, "standard input is longer than 1 MiB"};
  }
}

base::result<boost::json::object> read_params(const call_options& o) {
  std::string text = o.params.empty() ? "{}" : o.params;
  if (o.params == "-") {
    auto given = all_of_stdin();
    if (!given) return given.error();
    text = *given;
  }
  boost::system::error_code failed;
  auto value = boost::json::parse(text, failed);
  if (failed) return base::error{errc::wrong_usage, "the params are not JSON: " + failed.message()};
  if (!value.is_object())
    return base::error{errc::wrong_usage, R"(the params are a JSON object, such as '{"name":"printer"}')"};
  return std::move(value.get_object());
}

}  // namespace

exit_code call(const surroundings& s, const call_options& o) {
  auto params = read_params(o);
  if (!params) return fail(s, complaint(params.error(), s.language));
  if (o.new_key || !o.key.empty()) {
    if (params->contains("idempotency_key")) {
      base::error twice{errc::wrong_usage,
                        "the params have an idempotency_key already; leave out --key and --new-key"};
      return fail(s, complaint(twice, s.language));
    }
    auto key = o.new_key ? base::uuid::v7(base::system_clock().unix_ms()).text() : o.key;
    (*params)["idempotency_key"] = key;
    // Said before the call: whoever loses the answer repeats it with this key.
    remark("idempotency_key: " + harmless(key) + "\n");
  }
  std::chrono::milliseconds wait = call_wait;
  if (auto deadline = integer_of(*params, "deadline_ms"); deadline && *deadline > 0 && *deadline < 86'400'000)
    wait = std::max(wait, std::chrono::milliseconds(*deadline) + wait_beyond_deadline);
  auto answer = ask(s, o.method, std::move(*params), wait);
  if (!answer) return fail(s, answer.error());
  return say((s.on_terminal && !s.json ? pretty(*answer) : boost::json::serialize(*answer)) + "\n");
}

exit_code watch(const surroundings& s, std::vector<std::string> topics, std::uint64_t count) {
  if (topics.empty()) topics.push_back("*");
  // A signal becomes something to read, so that it cannot come between looking and waiting.
  sigset_t ends;
  ::sigemptyset(&ends);
  ::sigaddset(&ends, SIGINT);
  ::sigaddset(&ends, SIGTERM);
  ::sigprocmask(SIG_BLOCK, &ends, nullptr);
  base::unique_fd interrupted(::signalfd(-1, &ends, SFD_CLOEXEC));

  auto wait = s.timeout.value_or(answer_wait);
  auto daemon = connection::open(s.socket, s.language, wait);
  if (!daemon) return fail(s, daemon.error());
  boost::json::array list;
  for (auto& topic : topics) list.emplace_back(topic);
  auto subscribed = daemon->call("events.subscribe", {{"topics", std::move(list)}}, wait);
  if (!subscribed) return fail(s, subscribed.error());
  if (s.on_terminal && !s.json) remark("Watching; end with Ctrl-C.\n");
  for (std::uint64_t seen = 0; count == 0 || seen < count;) {
    auto next = daemon->next_notification(interrupted.get());
    if (!next) return fail(s, next.error());
    if (!*next) break;
    auto& params = object_of(**next, "params");
    auto method = text_of(**next, "method");
    if (method == "events.dropped") {
      remark("tillctl: " + figure(integer_of(params, "count").value_or(0)) +
             " events were dropped: too slow to take them\n");
      continue;
    }
    if (method != "events.notify") continue;
    auto line = s.json ? boost::json::serialize(params) + "\n"
                       : show_event(params, s.out, base::system_clock().unix_ms());
    // Whoever reads may have gone (head -1); then there is nothing left to do.
    if (say(line) != exit_code::ok) break;
    ++seen;
  }
  return exit_code::ok;
}

}  // namespace tilld::ctl
