// Every command of tillctl against a running daemon: what it prints, where, and what it ends with.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include <boost/json.hpp>

#include "base/file.hpp"
#include "tests/ctl/tillctl_run.hpp"
#include "tests/support/process.hpp"
#include "tests/support/scratch.hpp"
#include "tests/support/shop.hpp"

namespace tilld::tests {
namespace {

namespace json = boost::json;
using words = std::vector<std::string>;
using std::chrono::seconds;

bool has(const std::string& text, std::string_view part) { return text.find(part) != text.npos; }

std::string content(const std::string& path) {
  auto octets = base::read_file(path);
  return octets ? std::string(base::as_text(*octets)) : "";
}

class tillctl : public testing::Test {
 protected:
  void SetUp() override {
    shop_.plugins_yaml = "  - {name: sim, plugin: simulated}\n";
    shop_.tcp_port = free_port();
    shop_.start_till();
    // Known as ready when a device answers.
    for (auto until = std::chrono::steady_clock::now() + seconds(30);
         std::chrono::steady_clock::now() < until;)
      if (run({"call", "printer.status"}).code == 0) return;
    FAIL() << "the simulated devices do not come";
  }
  said run(words line, run_how how = {}) {
    line.insert(line.end(), {"--socket", shop_.admin_socket()});
    return run_tillctl(line, how);
  }
  void sell(const std::string& key) {
    auto sold = run({"call", "sale.record", R"({"total":{"minor":1250,"currency":"EUR"}})", "--key", key});
    ASSERT_EQ(sold.code, 0) << sold.err;
  }
  // A print of which nobody can tell whether it happened.
  std::string make_unknown(const std::string& key) {
    run({"call", "org.tilld.simulation.fault", R"({"interface":"tilld.printer/1","what":"no_device"})"});
    auto print =
        run({"call", "printer.print", R"({"document":{"receipt":1,"body":[]}})", "--key", key, "--json"});
    EXPECT_EQ(print.code, 1);
    auto error = json::parse(print.err.substr(print.err.find('{'))).as_object();
    EXPECT_EQ(error.at("data").at("kind"), "outcome_unknown");
    return std::string(error.at("data").at("operation_id").as_string());
  }

  scratch_folder folder_;
  shop shop_{folder_.path()};
};

TEST_F(tillctl, shows_a_till_that_is_well) {
  auto status = run({"status"});
  EXPECT_EQ(status.code, 0) << status.out << status.err;
  EXPECT_TRUE(has(status.out, "till-1 (branch main, merchant demo): all is well")) << status.out;
  EXPECT_TRUE(has(status.out, "sim     ready"));
  EXPECT_FALSE(has(status.out, "\x1b"));
  auto raw = run({"status", "--json"});
  EXPECT_EQ(raw.code, 0);
  EXPECT_EQ(raw.json().at("state"), "ok");
  EXPECT_EQ(raw.err, "");
}

TEST_F(tillctl, ends_with_four_when_something_needs_a_person) {
  shop_.stop_till();
  shop_.add_central("central");  // which never starts
  shop_.start_till();
  sell("k1");
  auto status = run({"status"});
  EXPECT_EQ(status.code, 4);
  EXPECT_TRUE(has(status.out, "degraded")) << status.out;
  EXPECT_TRUE(has(status.out, "What needs somebody:")) << status.out;
  EXPECT_TRUE(has(status.out, "central_unreachable")) << status.out;
  EXPECT_EQ(run({"status", "--json"}).json().at("state"), "degraded");

  auto queue = run({"queue"});
  EXPECT_EQ(queue.code, 0);
  EXPECT_TRUE(has(queue.out, "(1 sale)")) << queue.out;
  EXPECT_TRUE(has(queue.out, "12.50 EUR")) << queue.out;
  EXPECT_TRUE(has(queue.out, "no connection")) << queue.out;
  EXPECT_TRUE(has(queue.out, "Refused next: nothing")) << queue.out;
  EXPECT_EQ(run({"queue", "--json"}).json().at("destinations").as_array().size(), 1u);
}

TEST_F(tillctl, shows_and_restarts_plugins) {
  auto plugins = run({"plugins"});
  EXPECT_EQ(plugins.code, 0);
  EXPECT_TRUE(has(plugins.out, "org.tilld.simulated")) << plugins.out;
  EXPECT_TRUE(has(plugins.out, "tilld.printer/1")) << plugins.out;
  EXPECT_EQ(run({"plugins", "--json"}).json().at("plugins").as_array().size(), 1u);
  EXPECT_EQ(run({"plugins", "restart", "sim"}).code, 0);
  EXPECT_EQ(run({"plugins", "restart", "sim", "--json"}).json().size(), 0u);
  auto none = run({"plugins", "restart", "nobody"});
  EXPECT_EQ(none.code, 1);
  EXPECT_EQ(none.out, "");
  EXPECT_TRUE(has(none.err, "tillctl: No such device is set up. (no_device)\n  there is no plugin nobody\n"))
      << none.err;
}

TEST_F(tillctl, calls_any_method_and_says_the_key) {
  EXPECT_EQ(run({"call", "system.ping", R"({"echo":[1]})"}).json().at("echo"), json::value(json::array{1}));
  EXPECT_EQ(run({"call", "system.ping", "-"}, {.input = R"({"echo":"from stdin"})"}).json().at("echo"),
            "from stdin");
  words sale{"call", "sale.record", R"({"total":{"minor":100,"currency":"EUR"}})", "--key", "a key"};
  auto first = run(sale), again = run(sale);
  EXPECT_EQ(first.code, 0);
  EXPECT_EQ(first.err, "idempotency_key: a key\n");
  EXPECT_EQ(first.out, again.out);
  sale.resize(3);
  sale.push_back("--new-key");
  auto fresh = run(sale);
  EXPECT_EQ(fresh.code, 0);
  ASSERT_TRUE(fresh.err.starts_with("idempotency_key: ")) << fresh.err;
  EXPECT_EQ(fresh.err.size(), std::string("idempotency_key: \n").size() + 36);
  EXPECT_NE(fresh.out, first.out);
}

TEST_F(tillctl, shows_an_error_with_its_sentence_its_kind_and_what_to_do) {
  auto without = run({"call", "sale.record", R"({"total":{"minor":1,"currency":"EUR"}})"});
  EXPECT_EQ(without.code, 1);
  EXPECT_EQ(without.out, "");
  EXPECT_TRUE(has(without.err, "(key_missing)")) << without.err;
  EXPECT_TRUE(has(without.err, "needs idempotency_key")) << without.err;
  auto german = run({"call", "wallet.explode"}, {.environment = {"LC_ALL=de_DE.UTF-8"}});
  EXPECT_TRUE(has(german.err, "Das kann diese Kasse nicht. (unknown_method)")) << german.err;
  auto raw = run({"call", "wallet.explode", "--json"});
  EXPECT_EQ(raw.code, 1);
  EXPECT_EQ(raw.out, "");
  EXPECT_EQ(json::parse(raw.err).at("data").at("kind"), "unknown_method");
}

TEST_F(tillctl, watches_until_it_has_seen_enough_or_is_interrupted) {
  auto watch = [&](words more) {
    words line{"watch", "scanner", "--socket", shop_.admin_socket()};
    line.insert(line.end(), more.begin(), more.end());
    ::unlink(folder_.file("watched").c_str());
    return process(program_path("tillctl"), {line, {"LC_ALL=C"}, folder_.file("watched")});
  };
  auto scan = [&] { run({"call", "org.tilld.simulation.scan", R"({"text":"4006381333931"})"}); };
  auto counted = watch({"--json", "--count", "2"});
  std::optional<int> ended;
  for (int i = 0; i < 200 && !(ended = counted.wait(std::chrono::milliseconds(0))); ++i) scan();
  EXPECT_EQ(ended, 0);
  std::istringstream lines(content(folder_.file("watched")));
  int seen = 0;
  for (std::string line; std::getline(lines, line); ++seen) {
    EXPECT_EQ(json::parse(line).at("topic"), "scanner.scanned");
    EXPECT_EQ(json::parse(line).at("data").at("text"), "4006381333931");
  }
  EXPECT_EQ(seen, 2);

  auto endless = watch({});
  for (int i = 0; i < 200 && content(folder_.file("watched")).empty(); ++i) scan();
  EXPECT_TRUE(has(content(folder_.file("watched")), "scanner.scanned  sim  {\"text\":\"4006381333931\"}"));
  endless.signal(SIGINT);
  EXPECT_EQ(endless.wait(seconds(10)), 0);

  auto left_alone = watch({});
  for (int i = 0; i < 200 && content(folder_.file("watched")).empty(); ++i) scan();
  shop_.stop_till();
  EXPECT_EQ(left_alone.wait(seconds(10)), 3);
  EXPECT_TRUE(has(content(folder_.file("watched")), "daemon_not_running"));
}

TEST_F(tillctl, lets_a_person_decide_what_nobody_can_tell) {
  EXPECT_EQ(run({"operation", "unknown"}).out, "No operation is in doubt.\n");
  auto id = make_unknown("p1");
  auto all = run({"operation", "unknown"});
  EXPECT_EQ(all.code, 0);
  EXPECT_TRUE(has(all.out, id)) << all.out;
  EXPECT_EQ(run({"operation", "unknown", "--json"}).json().at("operations").as_array().size(), 1u);
  auto one = run({"operation", "get", id});
  EXPECT_EQ(one.code, 0);
  EXPECT_TRUE(has(one.out, "tillctl operation resolve " + id)) << one.out;
  EXPECT_EQ(run({"operation", "get", "--method", "printer.print", "--key", "p1", "--json"})
                .json()
                .at("operation_id"),
            json::value(id));
  auto resolved = run({"operation", "resolve", id, "done", "--reason", "the receipt lies there", "--json"});
  EXPECT_EQ(resolved.code, 0);
  EXPECT_EQ(resolved.json().at("state"), "done");
  auto twice = run({"operation", "resolve", id, "not_done", "--reason", "changed my mind"});
  EXPECT_EQ(twice.code, 1);
  EXPECT_TRUE(has(twice.err, "only unknown ones are resolved")) << twice.err;
  EXPECT_EQ(run({"operation", "get", "018bcfe5-6800-7abc-8123-456789abcdef"}).code, 1);
  auto head = run({"journal", "head", "--json"}).json().at("sequence").as_int64();
  bool noted = false;
  for (auto n = head; n > 0 && !noted; --n)
    noted = has(run({"journal", "show", std::to_string(n)}).out, "the receipt lies there");
  EXPECT_TRUE(noted);
}

TEST_F(tillctl, makes_a_token_that_is_seen_once_and_opens_tcp) {
  auto made = run({"token", "add", "--role", "till", "--note", "left till"});
  EXPECT_EQ(made.code, 0);
  ASSERT_EQ(made.out.size(), 65u) << made.out;  // alone on stdout
  auto token = made.out.substr(0, 64);
  EXPECT_EQ(token.find_first_not_of("0123456789abcdef"), token.npos);
  EXPECT_TRUE(has(made.err, "role till"));
  EXPECT_FALSE(has(made.err, token));
  line_client till;
  ASSERT_TRUE(till.connect_tcp(shop_.tcp_port));
  auto hello = till.call("session.hello", {{"token", token}});
  ASSERT_TRUE(hello && hello->contains("result"));
  EXPECT_EQ(hello->at("result").at("role"), "till");
  auto list = run({"token", "list"});
  EXPECT_EQ(list.code, 0);
  EXPECT_TRUE(has(list.out, "left till")) << list.out;
  EXPECT_FALSE(has(list.out, token));
  auto tokens = run({"token", "list", "--json"}).json().at("tokens").as_array();
  ASSERT_EQ(tokens.size(), 1u);
  std::string id(tokens[0].at("id").as_string());
  EXPECT_EQ(run({"token", "remove", id}).code, 0);
  EXPECT_EQ(run({"token", "remove", id}).code, 1);
  EXPECT_EQ(run({"token", "list"}).out, "There is no token; over TCP and HTTP nobody can sign on.\n");
  line_client again;
  ASSERT_TRUE(again.connect_tcp(shop_.tcp_port));
  auto refused = again.call("session.hello", {{"token", token}});
  EXPECT_TRUE(refused && refused->contains("error"));
}

TEST_F(tillctl, follows_and_exports_the_journal) {
  for (auto key : {"k1", "k2", "k3"}) sell(key);
  auto head = run({"journal", "head", "--json"}).json();
  auto last = head.at("sequence").as_int64();
  EXPECT_TRUE(has(run({"journal", "head"}).out, std::string(head.at("hash").as_string())));
  auto verified = run({"journal", "verify"});
  EXPECT_EQ(verified.code, 0);
  EXPECT_TRUE(has(verified.out, "till-1: whole, records 1 to " + std::to_string(last))) << verified.out;
  EXPECT_EQ(run({"journal", "verify", "--json"}).json().at("hash"), head.at("hash"));

  auto show = run({"journal", "show", std::to_string(last)});
  EXPECT_EQ(show.code, 0);
  EXPECT_TRUE(has(show.out, "\"idempotency_key\": \"k3\"")) << show.out;
  EXPECT_EQ(run({"journal", "show", std::to_string(last), "--json"}).json().at("kind"), "sale");
  auto beyond = run({"journal", "show", std::to_string(last + 1)});
  EXPECT_EQ(beyond.code, 1);
  EXPECT_TRUE(has(beyond.err, "record_not_found")) << beyond.err;

  auto whole = folder_.file("whole.tilld"), part = folder_.file("part.tilld");
  auto exported = run({"journal", "export", "--out", whole});
  EXPECT_EQ(exported.code, 0) << exported.err;
  EXPECT_TRUE(has(exported.out, std::to_string(last) + " records")) << exported.out;
  auto again = run({"journal", "export", "--out", whole});
  EXPECT_EQ(again.code, 1);
  EXPECT_TRUE(has(again.err, "file_refused")) << again.err;
  EXPECT_EQ(run({"journal", "export", "--out", whole, "--force"}).code, 0);
  auto from = run({"journal", "export", "--out", part, "--from", std::to_string(last - 1), "--json"});
  EXPECT_EQ(from.json().at("records").as_int64(), 2);
  EXPECT_EQ(from.json().at("hash"), head.at("hash"));
  EXPECT_EQ(
      run({"journal", "export", "--out", folder_.file("none"), "--from", std::to_string(last + 1)}).code, 1);
  EXPECT_FALSE(std::filesystem::exists(folder_.file("none")));

  auto cut = content(whole);
  cut.resize(cut.size() - 60 - 204);  // the end, the word of the till, and into the last record
  std::ofstream(folder_.file("cut.tilld")) << cut;
  shop_.stop_till();
  EXPECT_EQ(run({"journal", "verify", "--file", whole, "--json"}).json().at("hash"), head.at("hash"));
  EXPECT_EQ(run({"journal", "verify", "--file", part}).code, 0);
  auto damaged = run({"journal", "verify", "--file", folder_.file("cut.tilld")});
  EXPECT_EQ(damaged.code, 1);
  EXPECT_TRUE(has(damaged.out, "broken at record " + std::to_string(last))) << damaged.out;
  EXPECT_TRUE(has(run({"journal", "verify", "--file", shop_.config_file()}).err, "export_damaged"));
}

TEST_F(tillctl, follows_the_database_of_a_daemon_that_was_killed) {
  for (auto key : {"k1", "k2", "k3"}) sell(key);
  auto hash = run({"journal", "head", "--json"}).json().at("hash");
  auto database = shop_.state_folder() + "/journal.db";
  auto running = run({"journal", "verify", "--database", database});
  EXPECT_EQ(running.code, 1);
  EXPECT_TRUE(has(running.err, "storage_locked")) << running.err;

  shop_.till().kill();
  auto file = content(database), log = content(database + "-wal");
  ASSERT_FALSE(log.empty());
  auto verified = run({"journal", "verify", "--database", database, "--json"});
  EXPECT_EQ(verified.code, 0) << verified.out << verified.err;
  EXPECT_EQ(verified.json().at("hash"), hash);
  EXPECT_EQ(content(database), file);
  EXPECT_EQ(content(database + "-wal"), log);
  shop_.start_till();  // it is as good as before
  EXPECT_EQ(run({"journal", "verify"}).code, 0);
}

TEST_F(tillctl, says_that_the_daemon_does_not_run_and_how_to_start_it) {
  shop_.stop_till();
  const words need_a_daemon[] = {{"status"},
                                 {"queue"},
                                 {"plugins"},
                                 {"plugins", "restart", "sim"},
                                 {"call", "system.ping"},
                                 {"watch"},
                                 {"operation", "get", "x"},
                                 {"operation", "unknown"},
                                 {"operation", "resolve", "x", "done", "--reason", "y"},
                                 {"token", "add", "--role", "till"},
                                 {"token", "list"},
                                 {"token", "remove", "x"},
                                 {"journal", "head"},
                                 {"journal", "verify"},
                                 {"journal", "export", "--out", folder_.file("x")},
                                 {"journal", "show", "1"}};
  for (auto& line : need_a_daemon) {
    auto stopped = run(line);
    EXPECT_EQ(stopped.code, 3) << line.front();
    EXPECT_EQ(stopped.out, "");
    EXPECT_TRUE(has(stopped.err, "(daemon_not_running)")) << stopped.err;
    EXPECT_TRUE(has(stopped.err, "systemctl start tilld")) << stopped.err;
  }
  EXPECT_EQ(json::parse(run({"status", "--json"}).err).at("data").at("kind"), "daemon_not_running");
  EXPECT_FALSE(std::filesystem::exists(folder_.file("x")));
}

TEST_F(tillctl, has_colour_and_explanations_for_people_only) {
  auto shown = run({"status"}, {.on_terminal = true});
  EXPECT_EQ(shown.code, 0);
  EXPECT_TRUE(has(shown.out, "\x1b[32mall is well\x1b[0m")) << shown.out;
  EXPECT_FALSE(has(run({"status"}, {.environment = {"NO_COLOR=1"}, .on_terminal = true}).out, "\x1b"));
  EXPECT_TRUE(has(run({"token", "add", "--role", "read"}, {.on_terminal = true}).out, "shown this once"));
  EXPECT_TRUE(
      has(run({"call", "system.ping", R"({"echo":1})"}, {.on_terminal = true}).out, "\n  \"echo\": 1"));
  EXPECT_FALSE(
      has(run({"call", "system.ping", R"({"echo":1})", "--json"}, {.on_terminal = true}).out, "\n  "));
}

TEST_F(tillctl, says_what_to_do_without_permission) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can become somebody else";
  // The admin socket is for root alone; the folder lets everybody through.
  ::chmod(folder_.path().c_str(), 0755);
  if (std::filesystem::perms::none ==
      (std::filesystem::status(program_path("tillctl")).permissions() & std::filesystem::perms::others_exec))
    GTEST_SKIP() << "others cannot run the program in this build folder";
  auto refused = run({"status"}, {.user = 65534});
  if (refused.code == 127) GTEST_SKIP() << "others cannot reach this build folder";
  EXPECT_EQ(refused.code, 1);
  EXPECT_TRUE(has(refused.err, "(socket_refused)")) << refused.err;
  EXPECT_TRUE(has(refused.err, "usermod")) << refused.err;
}

TEST(tillctl_alone, ends_with_two_when_the_command_line_makes_no_sense) {
  for (auto& line :
       {words{}, words{"statsu"}, words{"journal"}, words{"token", "add"}, words{"call", "m", "{"},
        words{"call", "m", "[]"}, words{"call", "m", R"({"idempotency_key":"a"})", "--key", "b"},
        words{"status", "--timeout", "soon"}, words{"status", "--socket", std::string(200, 'x')}}) {
    auto wrong = run_tillctl(line);
    EXPECT_EQ(wrong.code, 2) << (line.empty() ? "" : line.front());
    EXPECT_EQ(wrong.out, "");
    EXPECT_TRUE(has(wrong.err, "(wrong_usage)")) << wrong.err;
  }
  EXPECT_TRUE(has(run_tillctl({"statsu"}).err, "did you mean \"status\"?"));
  EXPECT_EQ(json::parse(run_tillctl({"statsu", "--json"}).err).at("data").at("kind"), "wrong_usage");
}

TEST(tillctl_alone, helps_without_a_daemon) {
  auto help = run_tillctl({"--help"});
  EXPECT_EQ(help.code, 0);
  for (auto word :
       {"status", "plugins", "queue", "call", "watch", "operation", "token", "journal", "Exit codes"})
    EXPECT_TRUE(has(help.out, word)) << word;
  EXPECT_EQ(run_tillctl({"journal", "export", "--help"}).code, 0);
  EXPECT_TRUE(has(run_tillctl({"--version"}).out, "tillctl "));
}

// Something that listens and is no tilld.
class stranger {
 public:
  explicit stranger(const std::string& path) : fd_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    if (::bind(fd_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
        ::listen(fd_.get(), 8) != 0)
      give_up("no socket for a stranger");
  }

 private:
  base::unique_fd fd_;
};

TEST(tillctl_alone, does_not_wait_for_ever_for_a_daemon_that_is_silent) {
  scratch_folder folder;
  auto path = folder.file("silent.sock");
  stranger silent(path);
  auto waited = run_tillctl({"status", "--socket", path, "--timeout", "100ms"});
  EXPECT_EQ(waited.code, 1);
  EXPECT_TRUE(has(waited.err, "(daemon_silent)")) << waited.err;
}

TEST(tillctl_alone, finds_the_socket_in_the_environment) {
  auto gone = run_tillctl({"status"}, {.environment = {"TILLD_SOCKET=/nowhere/tilld.sock"}});
  EXPECT_EQ(gone.code, 3);
  EXPECT_TRUE(has(gone.err, "/nowhere/tilld.sock")) << gone.err;
}

}  // namespace
}  // namespace tilld::tests
