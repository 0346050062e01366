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
#include "central/export.hpp"
#include "central/person.hpp"
#include "central/replacing.hpp"
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
  for (auto& each : s.at("witnesses").as_array()) {
    auto& w = each.as_object();
    std::cout << "witness " << text(w.at("name")) << ": "
              << (w.at("connected").as_bool() ? "connected" : "NOT CONNECTED") << ", events up to "
              << w.at("acknowledged") << ", " << w.at("waiting") << " wait\n";
  }
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
                        json::serialize(json::object{{"reason", reason}, {"by", who_runs_this()}}));
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
  (*opened)->intake().release(till, reason, who_runs_this(),
                              [&](base::result<> done) { outcome = std::move(done); });
  io.run();
  if (!outcome) return complain(outcome.error());
  std::cout << "Till " << till << " is released.\n";
  return good;
}

int replace(const config& c, const replace_options& o) {
  auto order = replace_till(c, o);
  if (!order) return complain(order.error());
  std::cout << "Till " << order->till << " goes on in epoch " << order->epoch << " behind record "
            << order->after.sequence << "; the device before is refused from now on.\n";
  if (o.order_out.empty())
    std::cout << order->text() << "\n";
  else
    std::cout << "The order is in " << o.order_out
              << ": take it to the new device, and to the other servers.\n";
  return good;
}

int complete(const config& c, const std::string& till, const std::string& file, const std::string& signer,
             const std::string& reason) {
  auto taken = complete_till(c, till, file, signer, reason);
  if (!taken) return complain(taken.error());
  std::cout << "Till " << till << ": " << *taken << " records were taken.\n";
  return good;
}

int write_export(const config& c, const export_wish& wish) {
  auto head = export_till(c, wish);
  if (!head) return complain(head.error());
  std::cout << wish.path << ": till " << wish.till << " up to record " << head->sequence << " "
            << base::to_hex(head->hash) << "\n";
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
  replace_options replaced;
  auto* replace_command =
      app.add_subcommand("replace", "give a till's name to another device, behind what is held here");
  replace_command->add_option("till", replaced.till, "the till's id")->required();
  replace_command->add_option("--public-key", replaced.public_key,
                              "of the new device, from tillctl replace request");
  replace_command->add_option("--order", replaced.order_in, "the order of the ledger, on every other server");
  replace_command->add_option("--out", replaced.order_out,
                              "write the order into this file; else it is printed");
  replace_command->add_option("--seen", replaced.seen, "an export or statement of another server");
  replace_command->add_flag("--accept-loss", replaced.accept_loss,
                            "records that were seen and are not here are lost");
  replace_command->add_option("--reason", replaced.reason, "why; it stands in the chain for good")
      ->required();
  std::string file, signer;
  auto* complete_command =
      app.add_subcommand("complete", "take records of a till from another server's export");
  complete_command->add_option("till", till, "the till's id")->required();
  complete_command->add_option("--file", file, "the export")->required();
  complete_command->add_option("--signer", signer,
                               "public key of the server that wrote it; else the till's counts");
  complete_command->add_option("--reason", reason, "why; it stands in the chain for good")->required();
  export_wish exported;
  auto* export_command =
      app.add_subcommand("export", "write a till's records into a file that anybody can verify");
  export_command->add_option("till", exported.till, "the till's id")->required();
  export_command->add_option("--out", exported.path, "the file to write")->required();
  export_command->add_option("--from", exported.from, "first record; 1 when left out")
      ->check(CLI::PositiveNumber);
  export_command->add_flag("--statement", exported.statement_only,
                           "no records, only where the till stands, signed");
  export_command->add_flag("--force", exported.force, "replace the file when it exists");
  for (auto* command : {check_command, verify_command, status_command, release_command, replace_command,
                        complete_command, export_command})
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
  for (auto& [command, name] :
       {std::pair(replace_command, &replaced.till), std::pair(complete_command, &till),
        std::pair(export_command, &exported.till)})
    if (command->parsed() && !base::is_short_name(*name))
      return complain({base::errc::till_unknown, "\"" + *name + "\" is not a till id"});
  if (replace_command->parsed()) {
    if (replaced.public_key.empty() == replaced.order_in.empty()) {
      std::cerr << "till-central: replace needs either --public-key or --order\n";
      return wrong_setup;
    }
    return replace(*c, replaced);
  }
  if (complete_command->parsed()) return complete(*c, till, file, signer, reason);
  if (export_command->parsed()) return write_export(*c, exported);
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
