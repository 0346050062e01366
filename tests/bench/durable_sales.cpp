// (b) Sales that are answered when they are on the disk, beside the same daemon on an append log, beside bare
// commits of the same rows, and beside what others use to keep a message.
#include "base/crypto.hpp"
#include "base/sqlite.hpp"
#include "daemon/store/rows.hpp"
#include "tests/bench/load.hpp"
#include "tests/bench/machine.hpp"
#include "tests/bench/programs.hpp"
#include "tests/bench/settings.hpp"

namespace tilld::daemon {
std::span<const base::migration> journal_migrations();
}

namespace tilld::bench {

namespace {

load_result sell(const std::string& socket, int connections, double seconds) {
  load_plan plan;
  plan.socket = socket;
  plan.connections = connections;
  plan.seconds = seconds;
  plan.good = "\"record_id\":";
  auto round = std::to_string(connections);
  plan.ask = [round](std::string& out, int connection, std::uint64_t number) {
    append_sale(out, "k" + round + "-" + std::to_string(connection), number);
  };
  return run_load(plan);
}

// One journal row and one row of an answered key a transaction, with the schema, the settings and the
// checkpoints of the till, and nothing else.
double bare_commit_p50_us(const std::string& file, double seconds) {
  auto opened = base::database::open(file, daemon::journal_migrations(), {});
  if (!opened) tests::give_up("no database for bare commits: " + opened.error().detail);
  auto& db = **opened;
  auto journal = db.prepare("INSERT INTO journal VALUES (?, ?, ?, ?, ?, ?, ?, ?)");
  auto operation = db.prepare("INSERT INTO operation VALUES (?,?,?,?,?,?,?,?,?,?,?,?)");
  if (!journal || !operation) tests::give_up("the schema has changed; so must the bare commits");
  auto begin = db.prepare("BEGIN IMMEDIATE"), commit = db.prepare("COMMIT");
  std::vector<double> latencies;
  base::byte_string header(128, 7), hash(32, 7);
  std::string answer(260, 'a');
  auto until = seconds_now() + seconds;
  for (std::int64_t n = 1; seconds_now() < until; ++n) {
    auto body =
        R"({"merchant":"demo","branch":"main","principal":"unix:0","role":"admin","client":"","operation_id":"019a0000-0000-7000-8000-000000000000","sale":)" +
        sale_params("bare", static_cast<std::uint64_t>(n)) + "}";
    auto id = base::uuid::v7(n);
    auto began = seconds_now();
    (void)begin->run();
    journal->bind(n, header, base::as_bytes(body), hash, "EUR", 1250, 1250 * n, n);
    if (auto done = journal->run(); !done) tests::give_up(done.error().detail);
    operation->bind("unix:0", "sale.record", "bare-" + std::to_string(100'000'000 + n), id.octets, hash, 2, 1,
                    base::as_bytes(answer), "", n, n, hash);
    if (auto done = operation->run(); !done) tests::give_up(done.error().detail);
    if (auto done = commit->run(); !done) tests::give_up(done.error().detail);
    latencies.push_back((seconds_now() - began) * 1e6);
    if (db.wal_pages() >= 1024) (void)db.checkpoint();
  }
  return percentile_us(latencies, 0.5);
}

}  // namespace

void measure_durable_sales(const settings& how, table& found) {
  clean_folder folder(how.folder + "/sales");
  disk under(folder.path());
  auto postgres = postgres_server::start(folder.path() + "/pg");
  if (!postgres)
    found.notes.push_back("PostgreSQL was not measured: install postgresql (apt-get install postgresql).");
  if (installed_program("redis-server").empty())
    found.notes.push_back("redis was not measured: install redis-server (apt-get install redis-server).");

  auto all = repeat(how, "durable sales", [&] {
    figures f;
    // New each time: what grows over the repetitions would not be the same for all.
    clean_folder round(folder.path() + "/r");
    stay_on_core(1);
    tests::shop till(round.path() + "/t"), on_log(round.path() + "/l");
    on_log.till_program = bench_program("tilld-on-an-append-log");
    till.start_till();
    on_log.start_till();
    auto redis = redis_server::start(round.path() + "/redis");
    for (int connections : {1, 16, 64}) {
      auto at = " at " + std::to_string(connections);
      // With one the client sleeps while the server works: a second core would only add the way to it.
      stay_on_core(connections == 1 ? 1 : 0);
      auto measure = [&](const std::string& name, auto&& run) {
        auto flushed = under.flushes();
        load_result r = run();
        f[name + at] = r.per_second();
        f[name + " p50" + at] = r.p50_us;
        f[name + " p99" + at] = r.p99_us;
        if (flushed)
          f[name + " flushes" + at] =
              static_cast<double>(*under.flushes() - *flushed) / static_cast<double>(r.answers);
      };
      measure("till", [&] { return sell(till.socket(), connections, how.seconds); });
      measure("log", [&] { return sell(on_log.socket(), connections, how.seconds); });
      if (connections == 1) f["bare p50"] = bare_commit_p50_us(round.path() + "/bare.db", how.seconds);
      if (redis) measure("redis", [&] { return redis->run(connections, how.seconds); });
      if (postgres && connections != 16) {
        auto flushed = under.flushes();
        auto rate = postgres->run(connections, how.seconds);
        if (rate) f["postgres" + at] = *rate;
        if (rate && flushed)
          f["postgres flushes" + at] = static_cast<double>(*under.flushes() - *flushed) /
                                       (*rate * postgres_server::whole_seconds(how.seconds));
      }
    }
    till.stop_till();
    on_log.stop_till();
    return f;
  });
  stay_anywhere();

  auto part = std::string("Durable sale.record of about 600 octets");
  auto add = [&](const std::string& what, std::vector<double> values, const std::string& unit,
                 std::optional<limit> bar, std::optional<limit> goal, const std::string& detail) {
    found.rows.push_back({part, what, std::move(values), unit, bar, goal, detail, all.disturbed});
  };
  auto beside = [&](const std::string& name, const std::string& other) {
    return number_text(all.median(name)) + " a second, beside " + number_text(all.median(other));
  };
  add("1 connection, p50 / bare commit of the same rows", all.ratios("till p50 at 1", "bare p50"), "",
      at_most(1.6), at_most(1.35),
      number_text(all.median("till p50 at 1")) + " us, bare " + number_text(all.median("bare p50")) + " us");
  add("1 connection, rate / the same on an append log", all.ratios("till at 1", "log at 1"), "", {}, {},
      beside("till at 1", "log at 1"));
  add("16 connections, rate / the same on an append log", all.ratios("till at 16", "log at 16"), "", {}, {},
      beside("till at 16", "log at 16"));
  add("64 connections, rate / the same on an append log", all.ratios("till at 64", "log at 64"), "",
      at_least(0.65), at_least(0.8), beside("till at 64", "log at 64"));
  add("64 connections, p99 / p50", all.ratios("till p99 at 64", "till p50 at 64"), "", {}, at_most(3),
      number_text(all.median("till p99 at 64")) + " us, p50 " + number_text(all.median("till p50 at 64")) +
          " us");
  for (std::string peer : {"redis", "postgres"}) {
    std::string name = peer == "redis" ? "redis with a flush each" : "PostgreSQL";
    if (all.has(peer + " at 1"))
      add("1 connection, rate / " + name, all.ratios("till at 1", peer + " at 1"), "", {}, at_least(1),
          beside("till at 1", peer + " at 1"));
    // pgbench gives no figure when it could not connect all its clients in its time.
    if (all.has(peer + " at 64"))
      add("64 connections, rate / " + name, all.ratios("till at 64", peer + " at 64"), "", {},
          peer == "redis" ? at_least(1) : at_least(4), beside("till at 64", peer + " at 64"));
  }
  if (!all.has("till flushes at 1")) {
    found.notes.push_back("Flushes were not counted: the folder lies on no disk that counts them.");
    return;
  }
  part = "Flushes a message";
  add("tilld, 1 connection", all.all("till flushes at 1"), "", at_least(1.0), at_most(1.15), "");
  add("tilld, 16 connections", all.all("till flushes at 16"), "", {}, {}, "");
  add("tilld, 64 connections", all.all("till flushes at 64"), "", at_most(0.03), at_most(0.025), "");
  add("the same on an append log, 64 connections", all.all("log flushes at 64"), "", {}, {}, "");
  for (std::string peer : {"redis", "postgres"})
    for (auto at : {" at 1", " at 64"})
      if (all.has(peer + " flushes" + at)) add(peer + at, all.all(peer + " flushes" + at), "", {}, {}, "");
}

}  // namespace tilld::bench
