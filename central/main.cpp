// till-central: the receiving server. Bare it runs; the commands look at its database or at the running one.
#include <signal.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <iostream>

#include <CLI/CLI.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "base/json_text.hpp"
#include "base/log.hpp"
#include "base/step.hpp"
#include "central/api.hpp"
#include "central/config_schema.hpp"
#include "central/server.hpp"

namespace tilld::central {
namespace {

namespace asio = boost::asio;
namespace json = boost::json;

// For scripts: 0 good, 1 something failed, 2 the configuration or the command line is wrong, 3 verification
// found damage.
enum exit_code { good = 0, failed = 1, wrong_setup = 2, damaged = 3 };

int complain(const base::error& e) {
  std::cerr << "till-central: " << base::to_string(e) << "\n";
  auto hint = base::describe(e.code).hint;
  if (!hint.empty()) std::cerr << "  " << hint << "\n";
  bool setup = e.code == base::errc::config_unreadable || e.code == base::errc::config_unknown_key ||
               e.code == base::errc::config_wrong_value || e.code == base::errc::listen_refused;
  return setup ? wrong_setup : failed;
}

int run(const config& c) {
  asio::io_context io(1);
  base::system_clock clock;
  auto opened = server::open(io, c, clock, {});
  if (!opened) return complain(opened.error());
  auto& s = **opened;
  if (auto listening = s.listen(); !listening) return complain(listening.error());
  auto web = http_server::listen(io, c.http, c.token_path(), make_api(io, s), {});
  if (!web) return complain(web.error());

  // Before anybody is told that we are ready: whoever hears it may want us to stop at once.
  asio::signal_set signals(io, SIGTERM, SIGINT);

  auto addresses = "sync " + wire::loopback_address{c.sync.host, s.sync_port()}.text() + ", http " +
                   wire::loopback_address{c.http.host, (*web)->port()}.text();
  base::log(
      base::log_level::info, "till-central is ready",
      {{"role", name(c.role)}, {"listens", addresses}, {"public_key", base::to_hex(s.key().public_half())}});
  sd_notifyf(0, "READY=1\nSTATUS=%s; %s", addresses.c_str(), s.status_line().c_str());

  asio::steady_timer status_timer(io);
  std::string told = s.status_line();
  std::function<void()> tell_status = [&] {
    status_timer.expires_after(std::chrono::seconds(1));
    status_timer.async_wait([&](boost::system::error_code stopped) {
      if (stopped) return;
      if (auto line = s.status_line(); line != told) {
        told = line;
        sd_notifyf(0, "STATUS=%s; %s", addresses.c_str(), line.c_str());
      }
      tell_status();
    });
  };
  tell_status();

  signals.async_wait([&](boost::system::error_code problem, int) {
    if (problem) return;
    sd_notify(0, "STOPPING=1");
    base::log(base::log_level::info, "till-central is stopping");
    status_timer.cancel();
    s.stop();
    (*web)->stop();
  });
  io.run();
  return good;
}

// Opens the database for a command. Errors say when the server is running.
base::result<std::unique_ptr<store>> open_offline(const config& c, const base::public_key& key) {
  store::options how;
  how.create = false;
  return store::open(c.database, key, how);
}

base::result<base::signing_key> read_key(const config& c) {
  // A command on a database that is not there must not make a key for it.
  if (::access(c.database.c_str(), F_OK) != 0)
    return base::error{base::errc::storage_failed, c.database + " does not exist"};
  return base::signing_key::load_or_create(c.key_path());
}

int check(const config& c) {
  std::cout << "The configuration is good: " << c.merchants.size() << " merchants, " << c.branches.size()
            << " branches, " << c.tills.size() << " tills, role " << name(c.role) << ".\n";
  return good;
}

void print_report(const verification_report& r) {
  for (auto& [till, v] : r.tills)
    std::cout << "till " << till << ": " << v.records << " records, epoch " << v.head.epoch << ", head "
              << v.head.sequence << " " << base::to_hex(v.head.hash) << "\n";
  std::cout << "central: " << r.entries << " entries (" << r.records << " records, " << r.events
            << " events), " << r.signatures << " signatures, head " << r.own.sequence << " "
            << base::to_hex(r.own.hash) << "\n";
  for (auto& p : r.problems) std::cout << "DAMAGED: " << p << "\n";
  std::cout << (r.good() ? "Everything is as it was written.\n" : "The database is not what was written.\n");
}

int verify(const config& c, bool as_json) {
  auto key = read_key(c);
  if (!key) return complain(key.error());
  auto opened = open_offline(c, key->public_half());
  if (!opened) return complain(opened.error());
  auto v = verification::begin(**opened, key->public_half());
  if (!v) return complain(v.error());
  for (;;) {
    auto done = v->step(5000);
    if (!done) return complain(done.error());
    if (*done) break;
  }
  if (as_json)
    std::cout << json::serialize(to_json(v->report())) << "\n";
  else
    print_report(v->report());
  return v->report().good() ? good : damaged;
}

void print_status(const json::object& s) {
  auto text = [](const json::value& v) { return std::string(v.as_string()); };
  std::cout << text(s.at("software")) << ", " << text(s.at("role")) << ", key " << text(s.at("public_key"))
            << "\n";
  auto& own = s.at("central").as_object();
  std::cout << "entry " << own.at("sequence") << " " << text(own.at("hash")) << "\n";
  if (auto times = s.at("restored").to_number<std::uint64_t>(); times != 0)
    std::cout << "THIS SERVER LOST RECORDS THAT IT HAD ACKNOWLEDGED, " << times << " times; see events\n";
  for (auto& each : s.at("tills").as_array()) {
    auto& t = each.as_object();
    std::cout << "till " << text(t.at("till")) << ": "
              << (t.at("connected").as_bool() ? "connected" : "not connected") << ", epoch " << t.at("epoch")
              << ", head " << t.at("sequence") << " " << text(t.at("hash")) << "\n";
    if (auto* q = t.at("quarantine").if_object())
      std::cout << "  IN QUARANTINE, " << text(q->at("code")) << ": " << text(q->at("reason")) << "\n";
  }
}

int status(const config& c, bool as_json) {
  std::string body;
  auto asked = http_ask(c.http, c.token_path(), "GET", "/v1/status", "");
  if (asked) {
    if (asked->status != 200) {
      std::cerr << asked->body;
      return failed;
    }
    body = asked->body;
  } else {
    // Nobody answers: the database itself says what is known.
    auto key = read_key(c);
    if (!key) return complain(key.error());
    asio::io_context io(1);
    base::system_clock clock;
    server::options how;
    how.storage.create = false;
    auto opened = server::open(io, c, clock, how);
    if (!opened) return complain(opened.error());
    auto s = (*opened)->status();
    if (!s) return complain(s.error());
    if (!as_json) std::cout << "till-central is not running.\n";
    body = json::serialize(*s);
  }
  if (as_json) {
    std::cout << body << "\n";
    return good;
  }
  boost::system::error_code problem;
  auto parsed = json::parse(body, problem);
  if (problem || !parsed.is_object()) return complain({base::errc::internal, "the status is not readable"});
  print_status(parsed.as_object());
  return good;
}

// On the database when the server does not run, over HTTP when it does. Either way it stands in central's own
// chain.
int release(const config& c, const std::string& till, const std::string& reason) {
  auto asked = http_ask(c.http, c.token_path(), "POST", "/v1/tills/" + till + "/release",
                        json::serialize(json::object{{"reason", reason}}));
  if (asked) {
    if (asked->status != 200) {
      std::cerr << asked->body;
      return failed;
    }
    std::cout << "Till " << till << " is released.\n";
    return good;
  }
  auto key = read_key(c);
  if (!key) return complain(key.error());
  asio::io_context io(1);
  base::system_clock clock;
  server::options how;
  how.storage.create = false;
  auto opened = server::open(io, c, clock, how);
  if (!opened) return complain(opened.error());
  base::result<> outcome = base::error{base::errc::internal, "nothing happened"};
  (*opened)->intake().release(till, reason, "offline",
                              [&](base::result<> done) { outcome = std::move(done); });
  io.run();
  if (!outcome) return complain(outcome.error());
  std::cout << "Till " << till << " is released.\n";
  return good;
}

int start(int argc, char** argv) {
  CLI::App app{"till-central: takes the tills' records, once and in order, and keeps them"};
  app.set_version_flag("--version", std::string("till-central ") + TILLD_VERSION);
  std::string config_path = "/etc/till-central/central.yaml";
  bool test_environment = false, as_json = false, debug = false;
  std::string till, reason;
  app.add_option("--config", config_path, "configuration file")->capture_default_str();
  app.add_flag("--allow-test-environment", test_environment, "heed TILLD_TEST_ variables; never in a shop");
  app.add_flag("--debug", debug, "log debug lines too");
  app.require_subcommand(0, 1);
  auto* check_command = app.add_subcommand("check", "read the configuration and say what is wrong with it");
  auto* schema_command =
      app.add_subcommand("schema", "print the JSON Schema that editors check the configuration by");
  auto* verify_command =
      app.add_subcommand("verify", "read all records again and prove every chain and signature");
  auto* status_command = app.add_subcommand("status", "where each till stands");
  auto* release_command = app.add_subcommand("release", "let a till go on that is in quarantine");
  for (auto* command : {check_command, verify_command, status_command, release_command})
    command->add_option("--config", config_path, "configuration file");
  for (auto* command : {verify_command, status_command}) command->add_flag("--json", as_json, "print JSON");
  release_command->add_option("till", till, "the till's id")->required();
  release_command->add_option("--reason", reason, "why; it stands in the chain for good")->required();
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? good : wrong_setup;
  }
  base::log_debug_lines(debug);
  if (schema_command->parsed()) {
    std::cout << base::indented(schema_for_editors());
    return std::cout.flush() ? good : failed;
  }
  auto c = config::load(config_path);
  if (!c) return complain(c.error());
  if (check_command->parsed()) return check(*c);
  if (verify_command->parsed()) return verify(*c, as_json);
  if (status_command->parsed()) return status(*c, as_json);
  if (release_command->parsed()) {
    if (!base::is_short_name(till))
      return complain({base::errc::till_unknown, "\"" + till + "\" is not a till id"});
    return release(*c, till, reason);
  }
  if (test_environment)
    if (auto* path = std::getenv("TILLD_TEST_STEPS"))
      if (auto watched = base::start_step_watch(path); !watched) return complain(watched.error());
  return run(*c);
}

}  // namespace
}  // namespace tilld::central

int main(int argc, char** argv) {
  // A peer that goes away while we write is an error value, not a signal.
  ::signal(SIGPIPE, SIG_IGN);
  try {
    return tilld::central::start(argc, argv);
  } catch (const std::exception& e) {
    std::cerr << "till-central: a bug: " << e.what() << "\n";
    return 1;
  }
}
