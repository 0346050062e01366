// Checks 6, 12, 13 and 16 to 19: starting, stopping, threads, time and what a plugin does to its process.
#include <tilld/plugin.h>

#include "plugin-api/check/bodies.hpp"
#include "plugin-api/check/checks.hpp"
#include "plugin-api/check/conversation.hpp"
#include "plugin-api/check/exercise.hpp"
#include "plugin-api/check/finding.hpp"

namespace tilld::plugin_check {

namespace json = boost::json;

namespace {

constexpr int settled_after = 10;  // lives; caches are full then
#ifndef TILLD_SANITIZED
constexpr std::uint64_t growth_bytes_max = 1024 * 1024;
#else
constexpr std::uint64_t growth_bytes_max = 256 << 20;  // the sanitizer keeps what was freed
#endif

std::string grown(const char* what, std::uint64_t from, std::uint64_t to, int lives) {
  return std::to_string(from) + " " + what + " after life " + std::to_string(settled_after) + ", " +
         std::to_string(to) + " after life " + std::to_string(lives);
}

std::vector<std::uint64_t> ask_everything(conversation& with, std::uint32_t deadline_ms) {
  std::vector<std::uint64_t> asked;
  for (const auto* of : askable(with.what()))
    if (const auto body = right_body(*of))
      asked.push_back(with.ask(of->full_name, json::serialize(*body), {}, deadline_ms));
  return asked;
}

std::size_t open_ones(const conversation& with, const std::vector<std::uint64_t>& asked) {
  std::size_t open = 0;
  for (const auto id : asked) open += with.replies_to(id) == 0;
  return open;
}

}  // namespace

std::string check_many_lives(const subject& what) {
  const int lives = what.slow ? 20 : 50;
  conversation with(what, {.lives = lives});
  for (int life = 1; life <= lives; ++life) {
    if (!with.hello())
      fail("start and stop, " + std::to_string(lives) + " times",
           "life " + std::to_string(life) + ": " + with.why_not(),
           "An instance may be stopped and started again; nothing may depend on being the first.");
    if (const auto status = with.start_with(with.what().config); status != TILLD_OK)
      fail("start and stop, " + std::to_string(lives) + " times",
           "start() of life " + std::to_string(life) + ": " + with.why_not(),
           "stop() lets go of the device, so that it can be opened again.");
    if (!with.stop_this_life())
      fail("start and stop, " + std::to_string(lives) + " times",
           "stop() of life " + std::to_string(life) + " did not return",
           "stop() lets go of everything and returns within two seconds.");
  }
  with.may_end();
  with.process().wait(milliseconds(5000));
  const auto& seen = with.process().seen();
  if (seen.lives_measured < lives) skip("its lives could not be measured");
  const auto& early = seen.lives[settled_after - 1];
  const auto& late = seen.lives[lives - 1];
  const auto sent = "start and stop, " + std::to_string(lives) + " times in one process";
  if (late.descriptors > early.descriptors)
    fail(sent, grown("descriptors", early.descriptors, late.descriptors, lives),
         "Close in stop() what start() opened.");
  if (late.threads > early.threads)
    fail(sent, grown("threads", early.threads, late.threads, lives), "Join in stop() what start() began.");
  if (late.resident_bytes > early.resident_bytes + growth_bytes_max)
    fail(sent, grown("octets of memory", early.resident_bytes, late.resident_bytes, lives),
         "Free in stop() what belongs to the instance; a leak checker says where it was taken.");
  return std::to_string(late.descriptors) + " descriptors, " + std::to_string(late.threads) + " threads, " +
         std::to_string(late.resident_bytes / 1024) + " KiB";
}

std::string check_stop_while_pending(const subject& what) {
  if (askable(what).empty()) skip("no request of it may be made; --uses-device or --schema may help");
  constexpr std::uint32_t deadline_ms = 1500;
  milliseconds longest{0};
  std::size_t most = 0;
  // At once; in the middle; and while the daemon owes it answers.
  for (const int moment : {0, 1, 2}) {
    conversation with(what, {.answer_questions = moment != 2});
    with.start();
    const auto asked = ask_everything(with, deadline_ms);
    if (moment > 0) with.listen(milliseconds(100));
    if (with.over()) continue;
    most = std::max(most, open_ones(with, asked));
    longest = std::max(longest, with.stop());
    with.nothing_is_answered_twice();
  }
  return std::to_string(most) + " pending at most, " + std::to_string(longest.count()) + " ms at longest";
}

std::string check_cancel(const subject& what) {
  const auto words = askable(what);
  if (words.empty()) skip("no request of it may be made; --uses-device or --schema may help");
  conversation with(what);
  with.start();
  with.cancel(std::uint64_t(1) << 40);  // nobody ever asked that
  with.ping();
  std::size_t waited = 0;
  for (const auto* of : words) {
    const auto body = right_body(*of);
    if (!body) continue;
    constexpr std::uint32_t deadline_ms = 10'000;
    const auto id = with.ask(of->full_name, json::serialize(*body), {}, deadline_ms);
    if (!with.answered(id, with.patient(200))) {
      ++waited;
      with.cancel(id);
      if (!with.answered(id, with.patient(2000)) && !with.over())
        fail(with.sent_as(id) + ", and cancel", "no answer within two seconds after the cancel",
             "cancel() makes a request that waits return soon, with TILLD_E_CANCELLED if the device did not "
             "act.");
      with.reply_to(id);
    }
    with.cancel(id);  // it is answered
    with.ping();
  }
  // Two at once, and the later one is taken back first.
  const auto first = ask_everything(with, 3000), second = ask_everything(with, 3000);
  for (const auto& all : {second, first})
    for (const auto id : all) with.cancel(id);
  for (const auto& all : {first, second})
    for (const auto id : all) with.reply_to(id);
  with.ping();
  with.listen(milliseconds(200));
  with.nothing_is_answered_twice();
  return std::to_string(words.size()) + " words, " + std::to_string(waited) + " of them waited";
}

std::string check_threads(const subject& what) {
  conversation with(what);
  with.start();
  exercise_or_skip(with);
  with.listen(milliseconds(100));
  if (!with.over()) with.stop();
  const auto called = with.process().seen().wrong_thread.text();
  if (!called.empty())
    fail("start, a request for each word, cancel, stop",
         "host->" + called + "() on a thread that is not the plugin's; the host refused it",
         "watch and timer belong to the plugin's thread. Only send, log and now may be called on any.");
  return {};
}

std::string check_manners(const subject& what) {
  conversation with(what);
  with.start();
  exercise_or_skip(with);
  if (!with.over()) with.stop();
  const auto& seen = with.process().seen();
  const std::string sent = "start, a request for each word, stop";
  if (const auto text = seen.output.text(); !text.empty())
    fail(sent, "on standard output: " + text.substr(0, 200),
         "Say it with host->log: nobody reads the output of a daemon.");
  if (const auto name = seen.environment.text(); !name.empty())
    fail(sent, "it asked for the environment variable " + name,
         "The environment is empty in a shop; settings belong into the configuration.");
  if (const auto name = seen.environment_left.text(); !name.empty())
    fail(sent, "it set an environment variable: " + name,
         "The process belongs to the host: pass values to whom they concern.");
  if (const auto folder = seen.folder.text(); !folder.empty())
    fail(sent, "the working folder became " + folder,
         "The process belongs to the host: use whole paths or openat().");
  if (const auto name = seen.signals.text(); !name.empty())
    fail(sent, "it changed what happens at " + name,
         "The process belongs to the host: watch a descriptor (eventfd, signalfd of a child's pidfd).");
  return {};
}

std::string check_vanishing_device(const subject& what) {
  test_devices devices(what.config);
  if (!devices.any())
    skip(
        "needs a device that can be taken away: write ${pty} or ${tcp} into the configuration where its path "
        "or "
        "address stands");
  conversation with(what, {.devices = &devices});
  with.start();
  // A connection is made in its own time; a terminal is open already.
  if (devices.terminal_path().empty()) with.listen(milliseconds(3000), [&] { return devices.connected(); });
  const auto asked = ask_everything(with, 10'000);
  with.listen(milliseconds(50));
  const auto open = open_ones(with, asked);
  with.may_end();
  devices.vanish();
  const auto sent = "the device vanished while " + std::to_string(open) + " requests were open";
  constexpr const char* mend =
      "Treat hang-up, end of file and errors of the descriptor as TILLD_E_NO_DEVICE: throw it from on_fd, or "
      "send "
      "the event failed. tilld starts the instance again when the device is back.";
  const auto noticed = [&] { return with.gave_up_device() || (open > 0 && open_ones(with, asked) == 0); };
  with.listen(with.patient(2000), noticed);
  if (with.gave_up_device()) return "given up with TILLD_E_NO_DEVICE";
  if (with.over()) fail(sent, with.why_not(), mend);
  if (open > 0 && open_ones(with, asked) > 0)
    fail(sent, std::to_string(open_ones(with, asked)) + " of them were still open after two seconds", mend);
  // A driver may look for its device by itself, as for a printer in the network that is switched off at
  // night. Then what needs the device must fail at once.
  std::size_t failed = 0;
  for (const auto* of : askable(what)) {
    const auto body = right_body(*of);
    if (!body || of->waits) continue;
    const auto id = with.ask(of->full_name, json::serialize(*body), {}, 10'000);
    if (!with.answered(id, with.patient(2000)) && !with.over())
      fail(with.sent_as(id) + ", after the device vanished", "no answer within two seconds", mend);
    if (with.gave_up_device()) return "given up with TILLD_E_NO_DEVICE at the next request";
    const auto status = with.reply_to(id).status;
    failed += status != TILLD_OK && status != TILLD_E_UNSUPPORTED && status != TILLD_E_INVALID;
  }
  if (failed == 0)
    fail(sent, "nothing: no failure, and the next requests were answered as if it were there", mend);
  return std::to_string(failed) + " requests failed at once; it looks for its device by itself";
}

std::string check_turned_clock(const subject& what) {
  constexpr std::int64_t hour_ms = 3'600'000, ten_years_ms = 10 * 8766 * hour_ms;
  conversation with(what);
  auto& shift = with.process().seen().clock_shift_ms;
  shift = hour_ms;
  with.start();
  exercise_or_skip(with);
  shift = ten_years_ms;
  exercise(with);
  // now() promises to grow only, so a plugin may be late after this. It may not die of it or stand still.
  shift = 0;
  exercise(with);
  with.listen(milliseconds(100));
  with.nothing_is_answered_twice();
  if (!with.over()) with.stop();
  return "an hour before the start to ten years after it";
}

}  // namespace tilld::plugin_check
