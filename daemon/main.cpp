// tilld: the daemon on the till.
//
//   tilld [--config FILE] [--check-config | --print-config] [--config-schema NAME] [--openrpc]
//   [--plugin-host PROGRAM] [--debug-plugins] [--check-schemas] [--chaos SEED] [--verbose]
//
// Exit codes: 0 stopped as asked, 1 could not run, 64 wrong usage, 78 wrong configuration.
#include <malloc.h>
#include <signal.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include <cstdlib>
#include <iostream>

#include <CLI/CLI.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/signal_set.hpp>

#include "base/json_text.hpp"
#include "base/log.hpp"
#include "base/step.hpp"
#include "daemon/calls/openrpc.hpp"
#include "daemon/calls/params.hpp"
#include "daemon/config/config_schema.hpp"
#include "daemon/config/effective_config.hpp"
#include "daemon/config/installed_places.hpp"
#include "daemon/config/layers.hpp"
#include "daemon/till_daemon.hpp"

namespace {

using namespace tilld;

constexpr int exit_failed = 1, exit_usage = 64, exit_config = 78;

int refuse(const base::error& why, bool log = true) {
  auto& entry = base::describe(why.code);
  if (log) base::log(base::log_level::error, "tilld cannot run", why, {{"hint", entry.hint}});
  std::cerr << "tilld: " << why.detail << "\n       " << entry.hint << "\n";
  auto number = static_cast<int>(why.code);
  return number <= -32070 && number > -32080 && why.code != base::errc::listen_refused ? exit_config
                                                                                       : exit_failed;
}

int print_schema(const std::string& name) {
  std::string known;
  for (auto& schema : daemon::schemas_for_editors()) {
    std::string_view file = schema.name, own = file.substr(0, file.find(".schema.json"));
    if (own != name) {
      known += (known.empty() ? "" : " and ") + std::string(own);
      continue;
    }
    std::cout << base::indented(schema.text);
    return std::cout.flush() ? EXIT_SUCCESS : exit_failed;
  }
  std::cerr << "tilld: there is no schema " << name << "; there are " << known << "\n";
  return exit_usage;
}

// Touches nothing but the files: no device, no database, no socket. People read what it says, not a log.
int look_at_config(const std::string& path, bool print) {
  auto from = daemon::read_layers(path);
  if (!from) return refuse(from.error(), false);
  auto settings = daemon::read_config(*from);
  if (!settings) return refuse(settings.error(), false);
  if (print) {
    std::cout << daemon::effective_config(*from);
    return std::cout.flush() ? EXIT_SUCCESS : exit_failed;
  }
  auto drop_ins = from->files.size() - 1;
  std::cout << path;
  if (drop_ins > 0) std::cout << " with " << drop_ins << (drop_ins == 1 ? " drop-in" : " drop-ins");
  std::cout << " is fine: till " << settings->till << ", " << settings->plugins.size() << " plugins, "
            << settings->destinations.size() << " destinations\n";
  for (auto& file : from->files)
    if (drop_ins > 0) std::cout << "  read         " << file << "\n";
  for (auto& file : from->passed_over)
    std::cout << "  passed over  " << file << ", which does not end in .yaml or begins with a dot\n";
  return EXIT_SUCCESS;
}

int run(const std::string& config_path, daemon::daemon_options options) {
  auto from = daemon::read_layers(config_path);
  if (!from) return refuse(from.error());
  auto settings = daemon::read_config(*from);
  if (!settings) return refuse(settings.error());
  // The one name that people expect to be read.
  for (auto& file : from->passed_over)
    if (file.ends_with(".yml"))
      base::log(base::log_level::warning, "A drop-in is not read, because its name does not end in .yaml",
                {{"file", file}});
  if (options.allow_test_environment)
    if (auto* steps = std::getenv("TILLD_TEST_STEPS"))
      if (auto watched = base::start_step_watch(steps); !watched) return refuse(watched.error());

  boost::asio::io_context io(1);
  auto opened = daemon::till_daemon::open(io, *settings, options);
  if (!opened) return refuse(opened.error());
  auto& till = **opened;
  base::log(base::log_level::info, "tilld is ready",
            {{"till", settings->till},
             {"socket", settings->listen.unix_path},
             {"tcp_port", till.tcp_port()},
             {"http_port", till.http_port()}});
  sd_notifyf(0, "READY=1\nSTATUS=%s", till.status_line().c_str());

  bool stopped_in_order = false;
  boost::asio::signal_set ends(io, SIGTERM, SIGINT);
  ends.async_wait([&](boost::system::error_code failed, int) {
    if (failed) return;
    sd_notify(0, "STOPPING=1");
    base::log(base::log_level::info, "tilld stops");
    auto stopped = [&](std::exception_ptr failed_stop) {
      stopped_in_order = !failed_stop && till.at_rest();
      io.stop();
    };
    boost::asio::co_spawn(io, till.stop(), std::move(stopped));
    // A second signal means now.
    ends.async_wait([&io](boost::system::error_code again, int) {
      if (!again) io.stop();
    });
  });
  io.run();
  // Out of order, calls are still in hand that refer to the till; what counts is durable, so nothing is lost
  // by leaving.
  if (!stopped_in_order) ::_exit(EXIT_SUCCESS);
  return EXIT_SUCCESS;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app(
      "The daemon on the till: sockets for till software, plugins for devices, the journal and its way to "
      "central.");
  std::string config_path = "/etc/tilld/tilld.yaml";
  daemon::daemon_options options;
  options.plugin_host = daemon::own_places().plugin_host;
  bool check_only = false, print_config = false, print_openrpc = false, verbose = false;
  std::string schema_name;
  app.add_option("--config", config_path, "Configuration file")->capture_default_str();
  app.add_flag("--check-config", check_only, "Read the configuration, say what is wrong, and end");
  app.add_flag("--print-config", print_config,
               "Print what is in effect, each value with the file and line that it comes from, and end");
  app.add_option("--config-schema", schema_name,
                 "Print the JSON Schema that editors check a file by, and end: tilld, or tilld-drop-in for a "
                 "file of conf.d");
  app.add_flag("--openrpc", print_openrpc,
               "Print what rpc.discover of a till with every device answers, and end");
  app.add_option("--plugin-host", options.plugin_host, "Program that runs a plugin in a process of its own");
  app.add_flag("--debug-plugins", options.debug_plugins,
               "Let isolation: none load plugins that link SQLite, libusb or libnfc; for a debugger, never "
               "for a shop");
  app.add_flag(
      "--check-schemas", options.check_schemas,
      "Report every message between daemon and plugins that does not fit its schema, and what is wrong "
      "with it; for who writes plugins");
  app.add_option("--chaos", options.chaos_seed,
                 "Let calls, connections and devices fail on purpose, the same way for the same number; for "
                 "who writes till software, never for a shop")
      ->check(CLI::Range(std::int64_t(0), daemon::number_max));
  app.add_flag("--allow-test-environment", options.allow_test_environment,
               "Let variables named TILLD_TEST_... have an effect");
  app.add_flag("--verbose", verbose, "Log every detail");
  app.set_version_flag("--version", "tilld " TILLD_VERSION);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& wrong) {
    return app.exit(wrong) == 0 ? EXIT_SUCCESS : exit_usage;
  }
  ::signal(SIGPIPE, SIG_IGN);
  // Without this the C library learns from large blocks to take the next ones from the heap, which then keeps
  // its size.
  ::mallopt(M_MMAP_THRESHOLD, 256 * 1024);
  base::log_debug_lines(verbose);
  if (print_openrpc) {
    std::cout << base::indented(daemon::openrpc_document(daemon::whole_table(), {}));
    return std::cout.flush() ? EXIT_SUCCESS : exit_failed;
  }
  if (!schema_name.empty()) return print_schema(schema_name);
  if (check_only || print_config) return look_at_config(config_path, print_config);
  try {
    return run(config_path, std::move(options));
  } catch (const std::exception& bug) {
    base::log(base::log_level::error, "tilld ended with an exception", {{"what", bug.what()}});
    return exit_failed;
  }
}
