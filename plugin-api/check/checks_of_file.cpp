// Checks 1 to 5: what can be seen before the plugin is given a request.
#include <tilld/plugin.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <limits>

#include "base/file.hpp"
#include "base/schema.hpp"
#include "daemon/plugin_host/elf.hpp"
#include "daemon/plugin_host/exit_code.hpp"
#include "daemon/plugin_host/plugin_file.hpp"
#include "plugin-api/catalogue.hpp"
#include "plugin-api/check/checks.hpp"
#include "plugin-api/check/conversation.hpp"
#include "plugin-api/check/finding.hpp"
#include "plugin-api/check/schema_defect.hpp"

namespace tilld::plugin_check {

namespace host = daemon::plugin_host;
namespace json = boost::json;

namespace {

constexpr std::string_view entry = "tilld_plugin_v1";

host::elf_facts facts_of(const std::string& file) {
  const auto octets = base::read_file(file, 512 << 20);
  if (!octets) skip("the file cannot be read: " + octets.error().detail);
  const auto facts = host::read_elf(*octets);
  if (!facts)
    fail("the file", facts.error().detail, "Build a shared object for this machine: -fPIC -shared.");
  return *facts;
}

bool has_one_symbol(const host::elf_facts& facts) {
  return facts.exported.size() == 1 && facts.exported[0] == entry;
}

void check_interface(const std::string& name, bool provided) {
  if (!name.starts_with("tilld.")) return;
  const auto known = catalogue::interfaces();
  const auto found =
      std::find_if(known.begin(), known.end(), [&](const auto& it) { return it.name == name; });
  const char* list = provided ? "provides" : "uses";
  if (found == known.end())
    fail(std::string("the descriptor, ") + list, name + ", which tilld does not have",
         "Names that begin with tilld. belong to tilld; take a reversed domain of yours, "
         "com.example.scale/1.");
  if (provided && found->service)
    fail("the descriptor, provides", name + ", which the daemon offers", "Name it in uses and ask with it.");
}

std::string list(const std::vector<std::string>& names) {
  std::string all;
  for (const auto& name : names) all += (all.empty() ? "" : ", ") + name;
  return all.empty() ? "nothing" : all;
}

// How long that thread of a process which did so longest stood in line for a processor: time that the
// machine's other work took and not the plugin (/proc/PID/task/TID/schedstat, second number, in ns).
std::chrono::nanoseconds stood_in_line(pid_t pid) {
  std::int64_t longest = 0;
  std::error_code gone;
  for (const auto& task :
       std::filesystem::directory_iterator("/proc/" + std::to_string(pid) + "/task", gone)) {
    std::ifstream figures(task.path() / "schedstat");
    std::int64_t ran = 0, waited = 0;
    if (figures >> ran >> waited) longest = std::max(longest, waited);
  }
  return std::chrono::nanoseconds(longest);
}

}  // namespace

std::string check_symbols(const subject& what) {
  const auto facts = facts_of(what.file);
  if (has_one_symbol(facts)) return {};
  auto others = facts.exported;
  const bool has_entry = std::erase(others, std::string(entry)) > 0;
  if (!has_entry)
    fail("the table of exported symbols", "no tilld_plugin_v1 in it",
         "Define it as extern \"C\" (TILLD_PLUGIN does) and leave it visible.");
  const auto count = others.size();
  if (others.size() > 5) others.resize(5);
  fail("the table of exported symbols",
       std::to_string(count) + " besides tilld_plugin_v1: " + list(others) + (count > 5 ? " ..." : ""),
       "Link with -Wl,--version-script=plugin.version: weak symbols of templates would bind to those of "
       "another "
       "plugin.");
}

std::string check_loading(const subject& what) {
  if (!has_one_symbol(facts_of(what.file))) skip("the host refuses it for its symbols, see check 1");
  const auto opened = host::plugin_file::open(what.file, host::placement::own_process);
  if (!opened)
    fail("what tilld-plugin-host looks at before it loads", opened.error().detail,
         "docs/plugin-guide.md, \"Which files are loaded\", has the list.");
  conversation with(what);
  if (with.hello()) return {};
  const auto how = with.process().wait(std::chrono::milliseconds(3000));
  if (how && how->code == static_cast<int>(host::exit_code::refused))
    return "loaded; then refused, see check 3";
  fail(
      "dlopen() with RTLD_NOW | RTLD_LOCAL", with.why_not().empty() && how ? how->text() : with.why_not(),
      "Link every library that it uses (-Wl,-z,defs finds what is missing) and do nothing in constructors of "
      "static objects.");
}

std::string check_descriptor(const subject& what) {
  conversation first(what);
  if (!first.hello())
    fail("tilld_plugin_v1(), twice", first.why_not(),
         "plugin-api/include/tilld/plugin.h says what belongs there.");
  conversation second(what);
  if (!second.hello() || first.hello_body() != second.hello_body())
    fail("tilld_plugin_v1() in two processes",
         json::serialize(first.hello_body()) + " and then " + json::serialize(second.hello_body()),
         "The descriptor is the same at all times: no random numbers, no time, no machine in it.");
  for (const auto& name : what.provides) check_interface(name, true);
  for (const auto& name : what.uses) check_interface(name, false);
  return what.id + " " + what.version + ", provides " + list(what.provides);
}

std::string check_scan_time(const subject& what) {
#ifdef TILLD_SANITIZED  // which takes a multiple of the time
  constexpr int best_of = 10, milliseconds_max = 250;
#else
  constexpr int best_of = 10, milliseconds_max = 100;
#endif
  auto best = std::numeric_limits<std::int64_t>::max();
  for (int turn = 0; turn < best_of && best >= milliseconds_max; ++turn) {
    const auto begun = std::chrono::steady_clock::now();
    const auto in_line = stood_in_line(::getpid());
    conversation with(what);
    if (!with.hello()) skip("the plugin is not loaded: " + with.why_not());
    auto took = std::chrono::steady_clock::now() - begun;
    took -= stood_in_line(with.process().pid()) + (stood_in_line(::getpid()) - in_line);
    best = std::min<std::int64_t>(best, std::chrono::duration_cast<milliseconds>(took).count());
  }
  if (best >= milliseconds_max)
    fail("load and describe, " + std::to_string(best_of) + " times",
         std::to_string(best) + " ms at best; " + std::to_string(milliseconds_max) + " are allowed",
         "Look for devices in start(), not in constructors of static objects and not in tilld_plugin_v1().");
  return std::to_string(best) + " ms";
}

std::string check_configuration(const subject& what) {
  if (const auto defect = schema_defect(what.config_schema))
    fail("config_schema", *defect, "It is a JSON Schema (draft-07) of the YAML section.");
  const base::schema schema(what.config_schema);
  const auto wrong = base::complaints(schema, what.config);
  if (!wrong.empty() && !what.config.empty())
    fail("the configuration of --config against config_schema", wrong.front().text(),
         "One of the two is wrong: tilld refuses such a section before the plugin starts.");
  const bool empty_fits = base::complaints(schema, json::object()).empty();
  std::string note;
  {
    conversation with(what);
    if (!with.hello()) skip("the plugin is not loaded: " + with.why_not());
    const auto status = with.start_with(json::object());
    // Where nothing is required, the device that is looked for may be absent.
    const bool fine =
        status == TILLD_OK || status == TILLD_E_CONFIG || (empty_fits && status == TILLD_E_NO_DEVICE);
    if (!fine)
      fail("start() with {}", with.why_not(),
           "Answer TILLD_E_CONFIG where a key is missing; it is not tried again then, and the person who "
           "reads "
           "the log knows what to mend.");
    note = "start() with {}: " + status_name(status);
  }
  if (!what.config.empty()) {
    conversation with(what);
    if (with.hello()) note += ", with yours: " + status_name(with.start_with(with.what().config));
  }
  return note;
}

}  // namespace tilld::plugin_check
