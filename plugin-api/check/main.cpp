// tilld-plugin-check: the conformance kit for who writes a plugin.
//
//   tilld-plugin-check FILE.so [--config FILE|JSON] [--allow-path PATH[:rw]]... [--schema FILE]...
//   [--uses-device]
//                      [--only N,N] [--seed N] [--json] [--strict]
//   tilld-plugin-check --list
//
// Exit codes: 0 nothing was found, 1 findings, 64 wrong usage, 66 a file cannot be read. docs/plugin-check.md
// explains the report.
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <iostream>
#include <set>

#include <CLI/CLI.hpp>
#include <boost/json.hpp>

#include "base/yaml.hpp"
#include "plugin-api/check/report.hpp"
#include "plugin-api/check/slow_host.hpp"

namespace {

using namespace tilld::plugin_check;
namespace fs = std::filesystem;

constexpr int exit_findings = 1, exit_usage = 64, exit_no_input = 66;

struct options {
  std::string file, config;
  std::vector<std::string> allowed_paths, schemas;
  std::vector<int> only;
  std::uint64_t seed = 1;
  bool uses_device = false, json = false, strict = false;
};

int complain(int code, const std::string& why) {
  std::cerr << "tilld-plugin-check: " << why << "\n";
  return code;
}

bool is_readable(const std::string& path) {
  return ::access(path.c_str(), R_OK) == 0 && !fs::is_directory(path);
}

// A folder for what plugins write, gone at the end.
class own_folder {
 public:
  own_folder() {
    auto name = (fs::temp_directory_path() / "tilld-plugin-check.XXXXXX").string();
    if (const char* made = ::mkdtemp(name.data())) path_ = made;
  }
  own_folder(const own_folder&) = delete;
  ~own_folder() {
    std::error_code ignored;
    if (!path_.empty()) fs::remove_all(path_, ignored);
  }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

tilld::base::result<boost::json::object> read_config(const std::string& given) {
  if (given.empty()) return boost::json::object();
  const bool inline_text = given.front() == '{';
  auto read =
      inline_text ? tilld::base::yaml_value::parse(given, "--config") : tilld::base::yaml_value::load(given);
  if (!read) return read.error();
  auto value = read->json();
  if (!value) return value.error();
  if (!value->is_object())
    return tilld::base::error{tilld::base::errc::config_wrong_value,
                              given + ": is not a section of keys and values"};
  return value->get_object();
}

tilld::daemon::plugin_host::allowed_path read_allowed_path(std::string text) {
  const bool writable = text.size() > 3 && text.ends_with(":rw");
  if (writable) text.resize(text.size() - 3);
  return {fs::absolute(text).string(), writable};
}

judged judge_or_skip(const check& which, const subject& what, const std::set<int>& failed) {
  const auto skipped = [](std::string why) {
    return judged{{verdict::skipped, std::move(why), {}, {}, {}}, 0};
  };
  // Check 3 says what is wrong with a descriptor, so it runs where the file was loaded and then refused.
  if (which.before != check::needs::file && which.number != 3 && !what.why_not_loaded.empty())
    return skipped("the plugin is not loaded: " + what.why_not_loaded);
  if (which.number == 3 && (failed.contains(1) || failed.contains(2)))
    return skipped("the plugin is not loaded: " + what.why_not_loaded);
  if (which.before == check::needs::started && !what.why_not_started.empty())
    return skipped("the plugin does not start: " + what.why_not_started +
                   (what.config.empty() ? "; give its configuration with --config" : ""));
  return which.run ? judge(which, what) : judge_with_slow_host(what, failed);
}

int list_checks() {
  for (const auto& which : all_checks())
    std::cout << (which.number < 10 ? " " : "") << which.number << "  " << which.name << ": " << which.title
              << "\n";
  return EXIT_SUCCESS;
}

int run(const options& how) {
  if (!is_readable(how.file)) return complain(exit_no_input, how.file + ": cannot be read");
  for (const auto& path : how.schemas)
    if (!is_readable(path)) return complain(exit_no_input, path + ": cannot be read");
  if (!how.config.empty() && how.config.front() != '{' && !is_readable(how.config))
    return complain(exit_no_input, how.config + ": cannot be read");
  auto config = read_config(how.config);
  if (!config) return complain(exit_usage, config.error().detail);
  for (const int number : how.only)
    if (number < 1 || number > static_cast<int>(all_checks().size()))
      return complain(exit_usage, "there is no check " + std::to_string(number) + "; --list shows them");

  const own_folder folder;
  subject what;
  what.file = fs::absolute(how.file).string();
  what.folder = folder.path();
  what.seed = how.seed;
  what.may_act = how.uses_device || has_place(*config, "${pty}") || has_place(*config, "${tcp}");
  if (has_place(*config, "${folder}")) what.allowed_paths.push_back({what.folder, true});
  what.config = put_in_place(*config, "${folder}", what.folder);
  for (const auto& path : how.allowed_paths) what.allowed_paths.push_back(read_allowed_path(path));
  introduce(what);
  if (const auto wrong = read_interfaces(what, how.schemas)) return complain(exit_usage, *wrong);

  std::vector<result_line> lines;
  std::set<int> failed;
  for (const auto& which : all_checks()) {
    if (!how.only.empty() && std::find(how.only.begin(), how.only.end(), which.number) == how.only.end())
      continue;
    lines.push_back({&which, judge_or_skip(which, what, failed)});
    if (lines.back().how.what.what == verdict::failed) failed.insert(which.number);
    if (!how.json) print_line(std::cout, lines.back());
  }
  if (how.json)
    std::cout << boost::json::serialize(report_as_json(what, lines)) << "\n";
  else
    print_summary(std::cout, lines);
  const bool all_ran = std::none_of(lines.begin(), lines.end(),
                                    [](const auto& line) { return line.how.what.what == verdict::skipped; });
  return failed.empty() && (all_ran || !how.strict) ? EXIT_SUCCESS : exit_findings;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app(
      "Checks whether a plugin keeps the rules of tilld/plugin.h, in the host that tilld runs it in.");
  options how;
  bool list = false;
  app.add_option("file", how.file, "The plugin, FILE.so");
  app.add_option(
      "--config", how.config,
      "Its section of the YAML, as a file or in braces. ${folder} becomes a folder for it, ${pty} a "
      "terminal and ${tcp} an address that the check can take away");
  app.add_option("--allow-path", how.allowed_paths,
                 "What else it may touch; :rw behind a path allows writing");
  app.add_option("--schema", how.schemas, "The schema of an interface of your own, as in plugin-api/schema");
  app.add_flag("--uses-device", how.uses_device,
               "Send right requests that print, open and charge, too; without it only requests are sent that "
               "change nothing, or that are wrong and must be refused");
  app.add_option("--only", how.only, "Numbers of checks: 7,8")->delimiter(',');
  app.add_option("--seed", how.seed, "Of the random bodies")->capture_default_str();
  app.add_flag("--json", how.json, "Print one JSON object instead of lines");
  app.add_flag("--strict", how.strict, "End with 1 also when a check was skipped");
  app.add_flag("--list", list, "List the checks");
  app.set_version_flag("--version", "tilld-plugin-check " TILLD_VERSION);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& wrong) {
    return app.exit(wrong) == 0 ? EXIT_SUCCESS : exit_usage;
  }
  ::signal(SIGPIPE, SIG_IGN);
  if (list) return list_checks();
  if (how.file.empty()) return complain(exit_usage, "name the plugin: tilld-plugin-check FILE.so");
  return run(how);
}
