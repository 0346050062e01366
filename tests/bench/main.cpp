// tilld-bench: measures tilld beside the limits of the machine and beside its peers, and prints ratios.
// `./dev bench` builds and runs it; docs/performance.md explains the table.
//
//   tilld-bench [--quick] [--only PART,...] [--json FILE] [--markdown PAGE] [--folder DIR]
//
// Exit code 0 when it measured, whether bars were met or missed; 2 when something did not answer.
#include <sys/statfs.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>

#include <CLI/CLI.hpp>
#include <boost/json.hpp>

#include "tests/bench/machine.hpp"
#include "tests/bench/programs.hpp"
#include "tests/bench/settings.hpp"
#include "tests/support/shop.hpp"

namespace tilld::bench {

namespace {

constexpr double foreign_cores_max = 0.1;

struct part {
  const char* name;
  void (*measure)(const settings&, table&);
};
constexpr part parts[] = {{"calls", measure_round_trip},
                          {"sales", measure_durable_sales},
                          {"backlog", measure_backlog},
                          {"footprint", measure_footprint},
                          {"slow-disk", measure_slow_disk}};

std::string today() {
  auto now = std::time(nullptr);
  std::tm utc{};
  gmtime_r(&now, &utc);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%d", &utc);
  return text;
}

bool is_in_memory(const char* folder) {
  struct statfs found {};
  return ::statfs(folder, &found) == 0 && static_cast<unsigned>(found.f_type) == 0x01021994 &&
         ::access(folder, W_OK) == 0;
}

// Between the two marks of the page, which stay.
bool put_into_page(const std::string& page, const std::string& text) {
  std::ifstream in(page);
  std::stringstream all;
  all << in.rdbuf();
  auto whole = all.str();
  const std::string begin = "<!-- bench: begin -->\n", end = "<!-- bench: end -->";
  auto from = whole.find(begin), to = whole.find(end);
  if (from == std::string::npos || to == std::string::npos || to < from) return false;
  std::ofstream(page) << whole.substr(0, from + begin.size()) << text << whole.substr(to);
  return true;
}

}  // namespace

std::vector<double> repeated::all(const std::string& name) const {
  std::vector<double> values;
  for (auto& f : each)
    if (auto at = f.find(name); at != f.end()) values.push_back(at->second);
  return values;
}

std::vector<double> repeated::ratios(const std::string& name, const std::string& to) const {
  std::vector<double> values;
  for (auto& f : each)
    if (f.contains(name) && f.contains(to) && f.at(to) > 0) values.push_back(f.at(name) / f.at(to));
  return values;
}

repeated repeat(const settings& how, const std::string& name, const std::function<figures()>& body) {
  repeated found;
  int thrown_away = 0;
  while (static_cast<int>(found.each.size()) < how.repetitions) {
    std::fprintf(stderr, "%s: repetition %zu of %d", name.c_str(), found.each.size() + 1, how.repetitions);
    foreign_time others;
    auto f = body();
    auto foreign = others.cores();
    std::fprintf(stderr, ", others used %.2f cores\n", foreign);
    if (foreign > foreign_cores_max) {
      if (how.repetitions > 1 && thrown_away++ < how.repetitions) continue;
      ++found.disturbed;
    }
    f["foreign"] = foreign;
    found.each.push_back(std::move(f));
  }
  return found;
}

int run(int argc, char** argv) {
  CLI::App app("Measures tilld beside the limits of this machine and beside its peers, and prints ratios.");
  bool quick = false, moment = false;
  std::vector<std::string> only;
  std::string json_file, page;
  settings how;
  how.folder = std::string(TILLD_BUILD_FOLDER) + "/bench";
  app.add_flag("--quick", quick, "Fewer and shorter repetitions: for a first look");
  app.add_flag("--moment", moment, "Everything once and for a moment: shows that it runs, measures nothing");
  app.add_option("--only", only, "Parts to run: calls, sales, backlog, footprint, slow-disk")->delimiter(',');
  app.add_option("--json", json_file, "Also write all figures to this file");
  app.add_option("--markdown", page, "Also put the table between the two marks of this page");
  app.add_option("--folder", how.folder, "Where to work, on the disk to be measured")->capture_default_str();
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& wrong) {
    return app.exit(wrong) == 0 ? EXIT_SUCCESS : 64;
  }
  for (auto& name : only)
    if (std::none_of(std::begin(parts), std::end(parts), [&](auto& p) { return name == p.name; })) {
      std::cerr << "tilld-bench: there is no part " << name << "\n";
      return 64;
    }
  if (quick) {
    how.repetitions = 3;
    how.seconds = 0.5;
    how.drained = 30'000;
    how.queued = 200'000;
    how.idle_seconds = 5;
  }
  if (moment) {
    how.repetitions = 1;
    how.seconds = 0.05;
    how.drained = 500;
    how.queued = 1000;
    how.idle_seconds = 0;
  }
  how.folder = std::filesystem::absolute(how.folder).string();
  clean_folder folder(how.folder);
  std::unique_ptr<clean_folder> in_memory;
  if (is_in_memory("/dev/shm")) {
    how.memory_folder = "/dev/shm/tilld-bench-" + std::to_string(::getpid());
    in_memory = std::make_unique<clean_folder>(how.memory_folder);
  }

  table found;
  found.machine = describe_machine(how.folder);
  found.when = today();
  found.command = "./dev bench";
  if (quick) found.command += " --quick";
  if (in_memory == nullptr) found.notes.push_back("There is no tmpfs for a central of its own.");
  for (auto& p : parts)
    if (only.empty() || std::find(only.begin(), only.end(), p.name) != only.end()) p.measure(how, found);
  found.print();
  if (!json_file.empty()) std::ofstream(json_file) << boost::json::serialize(found.as_json()) << "\n";
  if (!page.empty() && !put_into_page(page, found.as_markdown())) {
    std::cerr << "tilld-bench: " << page << " has no two marks to put the table between\n";
    return EXIT_FAILURE;
  }
  return EXIT_SUCCESS;
}

}  // namespace tilld::bench

int main(int argc, char** argv) {
  tilld::tests::shop::check_schemas = false;
  return tilld::bench::run(argc, argv);
}
