// (d) and (f) What tilld costs while it does nothing: start, memory, wake-ups; alone, with six plugins, and
// with a million records waiting.
#include "tests/bench/load.hpp"
#include "tests/bench/machine.hpp"
#include "tests/bench/programs.hpp"
#include "tests/bench/settings.hpp"

namespace tilld::bench {

namespace {

constexpr int settle_ms = 300;

double started_ms(tests::shop& till) {
  auto began = seconds_now();
  till.start_till();
  return (seconds_now() - began) * 1e3;
}

double memory_of(tests::process& p) {
  wait_ms(settle_ms);
  auto mb = memory_mb(tree_of(p.id()));
  if (!mb) tests::give_up("the memory of a plugin's process is for root to see: run the bench as root");
  return *mb;
}

void wait_until_ready(tests::shop& till, std::size_t count) {
  auto client = till.connect();
  auto until = seconds_now() + 30;
  for (;;) {
    std::size_t ready = 0;
    auto list = client.call("device.list");
    if (list && list->contains("result"))
      for (auto& d : list->at("result").at("devices").as_array())
        ready += d.at("state").as_string() == "ready";
    if (ready == count) return;
    if (seconds_now() > until) tests::give_up("not all plugins became ready");
    wait_ms(20);
  }
}

std::string six_plugins(const std::string& folder) {
  std::string yaml;
  for (auto name : {"scanner", "reader", "display", "tender", "customers"})
    yaml += std::string("  - {name: ") + name + ", plugin: simulated.so}\n";
  return yaml + "  - name: printer\n    plugin: escpos-printer.so\n    paths: [\"" + folder +
         ":rw\"]\n    config: {output: file, path: " + folder + ", width: 80}\n";
}

// Until the first answer: a peer answers something or hangs up, which is an answer too.
double peer_start_ms(const std::string& program, const std::string& folder,
                     std::vector<std::string> arguments, const std::string& question, double* mb) {
  clean_folder own(folder);
  auto began = seconds_now();
  socket_program peer(program, own.path(), std::move(arguments));
  tests::line_client client;
  if (!client.connect_unix(peer.socket()) || !client.send_raw(question) || !client.read_line())
    tests::give_up(program + " does not answer");
  auto took = (seconds_now() - began) * 1e3;
  if (mb) *mb = memory_of(peer.running());
  return took;
}

}  // namespace

void measure_footprint(const settings& how, table& found) {
  clean_folder folder(how.folder + "/footprint");
  const std::string sources = std::string(TILLD_SOURCE_DIR) + "/tests/bench/peers/";
  const std::string line = "{\"a\":1}\n";
  auto node = installed_program("node"), python = std::string("/usr/bin/python3");
  bool has_aiohttp = false;
  {
    tests::process::how ask;
    ask.arguments = {"-c", "import aiohttp"};
    ask.log = folder.path() + "/python.log";
    if (!installed_program("python3").empty())
      has_aiohttp = tests::process(python, ask).wait(std::chrono::seconds(20)) == 0;
  }
  if (node.empty()) found.notes.push_back("Node was not measured: install nodejs.");
  if (!has_aiohttp) found.notes.push_back("aiohttp was not measured: install python3-aiohttp.");

  // A till that has filled up while central was away. Made once, used by every repetition.
  tests::shop waiting(folder.path() + "/w");
  waiting.add_central("ledger");
  fill_journal(waiting.state_folder(), how.queued);

  auto all = repeat(how, "footprint", [&] {
    figures f;
    {
      clean_folder own(folder.path() + "/idle");
      tests::shop till(own.path());
      till.add_central("ledger");
      till.start_till();  // the first start makes the database
      till.stop_till();
      f["start"] = started_ms(till);
      f["memory"] = memory_of(till.till());
      till.stop_till();
    }
    {
      f["waiting start"] = started_ms(waiting);
      f["waiting memory at start"] = memory_of(waiting.till());
      load_plan sales;
      sales.socket = waiting.socket();
      sales.connections = 16;
      sales.seconds = how.seconds;
      sales.good = "\"record_id\":";
      auto round = std::to_string(static_cast<std::uint64_t>(seconds_now() * 1e6));
      sales.ask = [&](std::string& out, int connection, std::uint64_t number) {
        append_sale(out, "m" + round + "-" + std::to_string(connection), number);
      };
      run_load(sales);
      f["waiting memory"] = memory_of(waiting.till());
      waiting.stop_till();
    }
    {
      clean_folder own(folder.path() + "/busy");
      tests::shop till(own.path());
      till.start_till();
      load_plan sales;
      sales.socket = till.socket();
      sales.connections = 16;
      sales.seconds = how.seconds;
      sales.good = "\"record_id\":";
      sales.ask = [&](std::string& out, int connection, std::uint64_t number) {
        append_sale(out, "b-" + std::to_string(connection), number);
      };
      run_load(sales);
      f["memory after sales"] = memory_of(till.till());
      till.stop_till();
    }
    {
      clean_folder own(folder.path() + "/six");
      tests::shop till(own.path());
      till.plugins_yaml = six_plugins(own.path());
      f["six start"] = started_ms(till);
      wait_until_ready(till, 6);
      auto client = till.connect();
      auto printed = client.call(
          "printer.print",
          boost::json::parse(
              R"({"idempotency_key":"p-1","device":"printer","document":{"receipt":1,"body":[{"text":"Rye bread"}]}})")
              .as_object());
      if (!printed || !printed->contains("result")) tests::give_up("the sixth plugin did not print");
      client.close();
      f["six memory"] = memory_of(till.till());
      auto processes = tree_of(till.till().id());
      auto before = wake_ups(processes);
      wait_ms(how.idle_seconds * 1000);
      f["six wake-ups"] = static_cast<double>(wake_ups(processes) - before);
      till.stop_till();
    }
    {
      clean_folder own(folder.path() + "/quiet");
      tests::shop till(own.path());
      auto& central = till.add_central("ledger");
      till.start_till();
      till.start_central("ledger");
      if (!till.wait_drained("ledger", std::chrono::seconds(60)))
        tests::give_up("central did not take the start");
      wait_ms(settle_ms);
      auto processes = tree_of(till.till().id());
      auto before = wake_ups(processes);
      wait_ms(how.idle_seconds * 1000);
      f["wake-ups with central"] = static_cast<double>(wake_ups(processes) - before);
      till.stop_till();
      central.running.kill();
    }
    double mb = 0;
    f["bare start"] = peer_start_ms(bench_program("tilld-bench-bare-program"), folder.path() + "/bare",
                                    {"SOCKET", folder.path() + "/bare.db"}, line, &mb);
    f["bare memory"] = mb;
    if (!node.empty()) {
      f["node start"] =
          peer_start_ms(node, folder.path() + "/node", {sources + "node_lines.js", "SOCKET"}, line, &mb);
      f["node memory"] = mb;
    }
    if (has_aiohttp) {
      f["aiohttp start"] =
          peer_start_ms(python, folder.path() + "/aio", {sources + "aiohttp_lines.py", "SOCKET"},
                        "GET / HTTP/1.1\r\nHost: x\r\n\r\n", &mb);
      f["aiohttp memory"] = mb;
    }
    return f;
  });

  auto records = number_text(static_cast<double>(how.queued));
  auto add = [&](const std::string& part, const std::string& what, std::vector<double> values,
                 const std::string& unit, std::optional<limit> bar, std::optional<limit> goal,
                 const std::string& detail) {
    found.rows.push_back({part, what, std::move(values), unit, bar, goal, detail, all.disturbed});
  };
  auto ms = [&](const std::string& a, const std::string& b) {
    return number_text(all.median(a)) + " ms, beside " + number_text(all.median(b)) + " ms";
  };
  auto mb = [&](const std::string& a, const std::string& b) {
    return number_text(all.median(a)) + " MB, beside " + number_text(all.median(b)) + " MB";
  };
  std::string part = "Start to the first answer";
  add(part, "with " + records + " records waiting / empty", all.ratios("waiting start", "start"), "",
      at_most(1.2), at_most(1.2), ms("waiting start", "start"));
  add(part, "empty / bare program with the same libraries", all.ratios("start", "bare start"), "", {}, {},
      ms("start", "bare start"));
  add(part, "with six plugins, built-in call", all.all("six start"), "ms", {}, {}, "");
  if (has_aiohttp)
    add(part, "with six plugins / aiohttp", all.ratios("six start", "aiohttp start"), "", {}, at_most(0.12),
        ms("six start", "aiohttp start"));
  if (!node.empty())
    add(part, "with six plugins / Node", all.ratios("six start", "node start"), "", {}, {},
        ms("six start", "node start"));
  part = "Memory, PSS";
  add(part, "with " + records + " records waiting, after sales / idle",
      all.ratios("waiting memory", "memory"), "", at_most(1.8), at_most(1.8), mb("waiting memory", "memory"));
  add(part, "with " + records + " records waiting, after start / idle",
      all.ratios("waiting memory at start", "memory"), "", {}, {}, mb("waiting memory at start", "memory"));
  add(part, "nothing waiting, after sales / idle", all.ratios("memory after sales", "memory"), "", {}, {},
      mb("memory after sales", "memory"));
  add(part, "tilld idle / bare program with the same libraries", all.ratios("memory", "bare memory"), "", {},
      at_most(2), mb("memory", "bare memory"));
  if (has_aiohttp)
    add(part, "tilld idle / aiohttp", all.ratios("memory", "aiohttp memory"), "", {}, at_most(0.4),
        mb("memory", "aiohttp memory"));
  if (!node.empty())
    add(part, "tilld idle / Node", all.ratios("memory", "node memory"), "", {}, {},
        mb("memory", "node memory"));
  add(part, "all processes with six plugins", all.all("six memory"), "MB", at_most(60), at_most(60), "");
  part = "Wake-ups in " + std::to_string(how.idle_seconds) + " s, all threads";
  add(part, "idle with six plugins", all.all("six wake-ups"), "", at_most(2), at_most(2), "");
  add(part, "idle with central connected", all.all("wake-ups with central"), "", at_most(2), at_most(2), "");
}

}  // namespace tilld::bench
