#include "plugin-api/check/checks.hpp"

namespace tilld::plugin_check {

namespace {

constexpr check table[] = {
    {1, "one_symbol", "exports tilld_plugin_v1 and nothing else", check::needs::file, check_symbols, 20},
    {2, "loads", "is accepted and loaded, with everything bound at once", check::needs::file, check_loading,
     30},
    {3, "descriptor", "describes itself well and the same each time", check::needs::loaded, check_descriptor,
     30},
    {4, "scan_time", "is loaded and described in 100 ms", check::needs::loaded, check_scan_time, 60},
    {5, "config_schema", "has a valid config_schema and survives an empty configuration",
     check::needs::loaded, check_configuration, 60},
    {6, "many_lives", "leaves nothing behind after 50 starts and stops", check::needs::started,
     check_many_lives, 120},
    {7, "unknown_words", "answers unknown words with TILLD_E_UNSUPPORTED", check::needs::started,
     check_unknown_words, 60},
    {8, "wrong_bodies", "answers wrong bodies with TILLD_E_INVALID", check::needs::started,
     check_wrong_bodies, 120},
    {9, "unknown_members", "ignores unknown members, and refuses them where value moves",
     check::needs::started, check_unknown_members, 60},
    {10, "random_bodies", "answers 1,000 random bodies, each exactly once", check::needs::started,
     check_random_bodies, 180},
    {11, "blobs", "takes blobs of 0, 1 and 4 MiB", check::needs::started, check_blobs, 120},
    {12, "stop_while_pending", "stops in time while requests are pending", check::needs::started,
     check_stop_while_pending, 60},
    {13, "cancel", "lives with cancel before, during and after a request", check::needs::started,
     check_cancel, 90},
    {14, "same_operation", "does the same operation once", check::needs::started, check_repetition, 120},
    {15, "schemas", "sends replies and events that fit their schemas", check::needs::started, check_schemas,
     60},
    {16, "threads", "calls its host only on the threads that may", check::needs::started, check_threads, 60},
    {17, "manners", "leaves output, environment, folder and signals alone", check::needs::started,
     check_manners, 60},
    {18, "vanishing_device", "notices within 2 s that its device vanished", check::needs::started,
     check_vanishing_device, 60},
    {19, "turned_clock", "survives a clock that is turned", check::needs::started, check_turned_clock, 60},
    {20, "slow_host", "passes 4 to 14 again with a slow host", check::needs::started, nullptr, 0},
};

}  // namespace

std::span<const check> all_checks() { return table; }

std::vector<const word*> askable(const subject& what) {
  std::vector<const word*> words;
  for (const auto& of : what.words)
    if (!of.changes_state || what.may_act) words.push_back(&of);
  return words;
}

}  // namespace tilld::plugin_check
