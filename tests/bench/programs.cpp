#include "tests/bench/programs.hpp"

#include <pwd.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <boost/asio/io_context.hpp>

#include "base/crypto.hpp"
#include "daemon/store/store.hpp"
#include "tests/bench/machine.hpp"

namespace tilld::bench {

namespace fs = std::filesystem;
using std::chrono::milliseconds;

namespace {

constexpr auto start_wait = milliseconds(20'000);
constexpr std::uint64_t sales_a_group = 500;

bool comes_up(const std::string& socket) {
  tests::line_client probe;
  return probe.connect_unix(socket, start_wait);
}

std::string text_of(const std::string& path) {
  std::ifstream in(path);
  std::stringstream all;
  all << in.rdbuf();
  return all.str();
}

}  // namespace

clean_folder::clean_folder(std::string path) : path_(std::move(path)) {
  fs::remove_all(path_);
  fs::create_directories(path_);
}

clean_folder::~clean_folder() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

std::string bench_program(const std::string& name) {
  return std::string(TILLD_BUILD_FOLDER) + "/tests/" + name;
}

std::string installed_program(const std::string& name) {
  auto* path = std::getenv("PATH");
  std::istringstream folders(path ? path : "");
  for (std::string folder; std::getline(folders, folder, ':');)
    if (::access((folder + "/" + name).c_str(), X_OK) == 0) return folder + "/" + name;
  return "";
}

socket_program::socket_program(const std::string& program, const std::string& folder,
                               std::vector<std::string> arguments)
    : socket_(folder + "/s.sock") {
  fs::create_directories(folder);
  tests::process::how how;
  how.arguments = std::move(arguments);
  for (auto& one : how.arguments)
    if (one == "SOCKET") one = socket_;
  how.log = folder + "/log";
  running_ = tests::process(program, how);
  if (!comes_up(socket_)) tests::give_up(program + " does not listen; see " + how.log);
}

std::unique_ptr<redis_server> redis_server::start(const std::string& folder) {
  auto program = installed_program("redis-server");
  if (program.empty()) return nullptr;
  fs::create_directories(folder);
  auto server = std::make_unique<redis_server>();
  server->socket_ = folder + "/s.sock";
  tests::process::how how;
  how.arguments = {"--port",       "0",   "--unixsocket",  server->socket_, "--dir",  folder,
                   "--appendonly", "yes", "--appendfsync", "always",        "--save", "",
                   "--daemonize",  "no"};
  how.log = folder + "/log";
  server->running_ = tests::process(program, how);
  if (!comes_up(server->socket_)) tests::give_up("redis does not listen; see " + how.log);
  return server;
}

load_result redis_server::run(int connections, double seconds) {
  load_plan plan;
  plan.socket = socket_;
  plan.connections = connections;
  plan.seconds = seconds;
  plan.good = "+OK";
  auto round = std::to_string(++runs_) + "-";
  plan.ask = [round](std::string& out, int connection, std::uint64_t number) {
    auto key = round + std::to_string(connection) + "-" + std::to_string(number);
    auto value = sale_params("till-" + std::to_string(connection), number);
    out += "*4\r\n$3\r\nSET\r\n$" + std::to_string(key.size()) + "\r\n" + key + "\r\n$" +
           std::to_string(value.size()) + "\r\n" + value + "\r\n$2\r\nNX\r\n";
  };
  return run_load(plan);
}

std::vector<std::string> postgres_server::as_its_user(std::vector<std::string> words) const {
  if (::geteuid() != 0) return words;
  // It refuses to run as root.
  std::vector<std::string> all{installed_program("setpriv"), "--reuid=postgres", "--regid=postgres",
                               "--clear-groups"};
  all.insert(all.end(), words.begin(), words.end());
  return all;
}

std::unique_ptr<postgres_server> postgres_server::start(const std::string& folder) {
  auto server = std::make_unique<postgres_server>();
  server->folder_ = folder;
  for (auto& entry :
       fs::directory_iterator("/usr/lib/postgresql", fs::directory_options::skip_permission_denied))
    if (fs::exists(entry.path() / "bin/pgbench")) server->programs_ = (entry.path() / "bin/").string();
  if (server->programs_.empty()) return nullptr;
  fs::create_directories(folder);
  if (::geteuid() == 0) {
    auto* user = ::getpwnam("postgres");
    if (!user || installed_program("setpriv").empty()) return nullptr;
    if (::chown(folder.c_str(), user->pw_uid, user->pw_gid) != 0) return nullptr;
  }
  auto run = [&](std::vector<std::string> words) {
    words = server->as_its_user(std::move(words));
    tests::process::how how;
    how.arguments.assign(words.begin() + 1, words.end());
    how.log = folder + ".log";
    return tests::process(words.front(), how);
  };
  auto data = folder + "/data";
  auto made = run({server->programs_ + "initdb", "-D", data, "-A", "trust", "-U", "postgres"})
                  .wait(milliseconds(60'000));
  if (!made || *made != 0) return nullptr;
  server->running_ =
      run({server->programs_ + "postgres", "-D", data, "-k", folder, "-c", "listen_addresses="});
  if (!comes_up(folder + "/.s.PGSQL.5432")) return nullptr;
  std::ofstream(folder + "/table.sql") << "create table q (key uuid primary key, body text)\n";
  std::ofstream(folder + "/sale.sql") << "insert into q values (gen_random_uuid(), repeat('x', 600))\n";
  auto until = seconds_now() + 20;
  for (;;) {
    auto table = run({server->programs_ + "pgbench", "-h", folder, "-U", "postgres", "-n", "-t", "1", "-f",
                      folder + "/table.sql", "postgres"});
    auto done = table.wait(start_wait);
    if (done && *done == 0) return server;
    if (seconds_now() > until) return nullptr;
    wait_ms(100);
  }
}

std::optional<double> postgres_server::run(int connections, double seconds) {
  auto log = folder_ + "/pgbench.log";
  std::error_code ignored;
  fs::remove(log, ignored);
  auto words = as_its_user({programs_ + "pgbench", "-h", folder_, "-U", "postgres", "-n", "-M", "prepared",
                            "-c", std::to_string(connections), "-T", std::to_string(whole_seconds(seconds)),
                            "-f", folder_ + "/sale.sql", "postgres"});
  tests::process::how how;
  how.arguments.assign(words.begin() + 1, words.end());
  how.log = log;
  auto done = tests::process(words.front(), how).wait(milliseconds(60'000));
  auto said = text_of(log);
  auto at = said.find("tps = ");
  if (!done || *done != 0 || at == std::string::npos) return std::nullopt;
  return std::strtod(said.c_str() + at + 6, nullptr);
}

postgres_server::~postgres_server() {
  if (!running_.running()) return;
  running_.signal(SIGINT);  // ends its sessions and stops in order
  running_.wait(milliseconds(10'000));
}

void fill_journal(const std::string& state_folder, std::uint64_t count) {
  boost::asio::io_context io;
  base::system_clock clock;
  daemon::store::options how;
  how.folder = state_folder;
  how.till = "till-1";
  how.destinations = {"ledger"};
  how.where = daemon::store::options::threads::always_io_thread;
  auto opened = daemon::store::open(io.get_executor(), clock, how);
  if (!opened) tests::give_up("the journal to fill cannot be opened: " + opened.error().detail);
  auto& journal = **opened;
  for (std::uint64_t done = 0; done < count; done += sales_a_group) {
    auto work = [&, done](daemon::rows& in) -> base::result<> {
      for (auto number = done; number < std::min(count, done + sales_a_group); ++number) {
        auto id = base::uuid::v7(clock.unix_ms());
        auto params = sale_params("fill", number);
        auto body =
            R"({"merchant":"demo","branch":"main","principal":"unix:0","role":"admin","client":"","operation_id":")" +
            id.text() + R"(","sale":)" + params + "}";
        auto header = in.append({"sale", body, base::money{1250, "EUR"}});
        if (!header) return header.error();
        daemon::operation_row row{
            {"unix:0", "sale.record", "fill-" + std::to_string(100'000'000 + number)},
            id,
            base::sha256({base::as_bytes(params)}),
            daemon::operation_state::done,
            daemon::answer_kind::result,
            R"({"operation_id":")" + id.text() + R"(","record_id":")" + header->id.text() +
                R"(","epoch":1,"sequence":)" + std::to_string(header->sequence) + R"(,"hash":")" +
                base::to_hex(in.head().hash) + R"(","recorded_at":"2026-11-21T14:05:00.000Z"})",
            "",
            header->sequence,
            clock.unix_ms()};
        if (auto put = in.put_operation(row); !put) return put.error();
      }
      return {};
    };
    auto then = [](base::result<> outcome) {
      if (!outcome) tests::give_up("the journal cannot be filled: " + outcome.error().detail);
    };
    journal.submit(daemon::work_kind::books, std::move(work), std::move(then));
    io.restart();
    io.run();
  }
}

}  // namespace tilld::bench
