// Damages copies of a till's journal, a bit or more at a time, and asks the store about each.
//
//   tilld-rot-campaign [--rounds N] [--seed S]
//
// Of each ten copies eight get a flipped bit, one loses its end, and one gets a page in the place of another.
// A copy whose logical content is not that of the original any more, be it a single column, must either be
// refused when it is opened, or be named as damaged by the look through everything that is stored; and what
// forwarding would send of it is octet for octet what was written. Exit codes as of tilld-power-campaign;
// "lost" counts what was not noticed, "wrong" what would have been sent.
#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>

#include <CLI/CLI.hpp>
#include <boost/asio/io_context.hpp>

#include "base/log.hpp"
#include "daemon/store/storage_care.hpp"
#include "tests/disks/teller.hpp"
#include "tests/support/scratch.hpp"

using namespace tilld;
using namespace tilld::disks;
using namespace tilld::daemon;
using base::result;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

namespace {

constexpr std::size_t page_size = 4096;
constexpr int sales_in_the_journal = 200;

// A store in a folder, and its loop.
struct opened_store {
  boost::asio::io_context io;
  base::test_clock clock;
  std::unique_ptr<store> journal;

  result<> open(const std::string& folder) {
    store::options how;
    how.folder = folder;
    how.till = "till-1";
    how.destinations = {"ledger"};
    how.where = store::options::threads::always_io_thread;
    auto made = store::open(io.get_executor(), clock, how);
    if (!made) return made.error();
    journal = std::move(*made);
    return {};
  }
  result<> run(work_kind kind, store::work w) {
    std::optional<result<>> told;
    journal->submit(kind, std::move(w), [&told](result<> r) { told = std::move(r); });
    while (!told) {
      io.restart();
      io.run_one();
    }
    return *told;
  }
};

// Something in every table.
void make_journal(const std::string& folder) {
  opened_store s;
  if (auto opened = s.open(folder); !opened) tests::give_up(base::to_string(opened.error()));
  for (int i = 0; i < sales_in_the_journal; ++i) {
    auto done = s.run(work_kind::books, [i](rows& in) -> result<> {
      auto minor = std::to_string(100 + i * 7);
      journal_entry entry{"sale",
                          R"({"till":"1","sale":{"total":{"minor":)" + minor + R"(,"currency":"EUR"}}})",
                          base::money{100 + i * 7, "EUR"}};
      if (i % 5 == 0) entry = {"plugin.note", R"({"text":"a note without an amount"})", std::nullopt};
      auto appended = in.append(entry);
      if (!appended) return appended.error();
      operation_row row;
      row.key = {"unix:0", "sale.record", "key-" + std::to_string(i)};
      row.id = appended->id;
      row.state = operation_state::done;
      row.kind = answer_kind::result;
      row.answer = R"({"sequence":)" + std::to_string(appended->sequence) + "}";
      if (i % 3 == 0) row.sequence = appended->sequence;
      if (auto put = in.put_operation(row); !put) return put;
      if (i % 20 == 0) {
        base::byte_string value(40, static_cast<std::uint8_t>(i));
        if (auto put = in.put_state("scale", "key-" + std::to_string(i), value); !put) return put;
        if (auto put = in.put_fact("fact-" + std::to_string(i), value); !put) return put;
        token_row token{"token-" + std::to_string(i), "till", "a note", {}, i, ""};
        if (auto put = in.put_token(token); !put) return put;
      }
      return in.put_witness("ledger", base::byte_string(148, 7), static_cast<std::uint64_t>(i / 2));
    });
    if (!done) tests::give_up(base::to_string(done.error()));
  }
}

std::string read_all(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

void write_all(const std::string& path, const std::string& content) {
  std::ofstream(path, std::ios::binary) << content;
}

// Every table, every column with its type, as a text; nothing when it cannot be read to the end.
std::optional<std::string> dump(const std::string& path) {
  sqlite3* opened = nullptr;
  std::string name = "file:" + path + "?immutable=1";
  int code = sqlite3_open_v2(name.c_str(), &opened, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, nullptr);
  std::unique_ptr<sqlite3, decltype(&sqlite3_close)> db(opened, sqlite3_close);
  std::string text;
  auto add = [](void* to, int count, char** columns, char**) {
    for (int i = 0; i < count; ++i)
      *static_cast<std::string*>(to) += std::string(columns[i] ? columns[i] : "") + "|";
    *static_cast<std::string*>(to) += "\n";
    return 0;
  };
  const char* queries[] = {
      "PRAGMA user_version",
      "SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY name",
      "SELECT sequence, quote(header), quote(body), quote(hash), quote(currency), quote(amount_minor), "
      "quote(total_minor), quote(total_count) FROM journal NOT INDEXED ORDER BY sequence",
      "SELECT quote(principal), quote(method), quote(key), quote(id), quote(content_mac), quote(state), "
      "quote(answer_kind), quote(answer), quote(device), quote(sequence), quote(changed_ms), "
      "quote(row_check) FROM "
      "operation NOT INDEXED ORDER BY principal, method, key",
      "SELECT quote(name), quote(witness), quote(sequence), quote(row_check) FROM destination ORDER BY name",
      "SELECT quote(instance), quote(key), quote(value), quote(row_check) FROM plugin_state ORDER BY "
      "instance, key",
      "SELECT quote(id), quote(role), quote(note), quote(hash), quote(created_ms), quote(origin), "
      "quote(row_check) "
      "FROM token ORDER BY id",
      "SELECT quote(name), quote(value), quote(row_check) FROM fact ORDER BY name"};
  for (auto* query : queries) {
    if (code == SQLITE_OK) code = sqlite3_exec(opened, query, add, &text, nullptr);
    text += "=\n";
  }
  if (code != SQLITE_OK) return {};
  return text;
}

std::vector<base::record> records_of(opened_store& s, std::uint64_t from) {
  std::vector<base::record> all;
  (void)s.run(work_kind::reads, [&](rows& in) -> result<> {
    auto some = in.read(from, 1000, 8 << 20);
    if (!some) return some.error();
    all = std::move(*some);
    return {};
  });
  return all;
}

struct verdict {
  bool refused = false, named = false;
  std::size_t sent_wrong = 0;
};

verdict judge(const std::string& folder, const std::vector<base::record>& written) {
  verdict v;
  opened_store s;
  if (!s.open(folder)) {
    v.refused = true;
    return v;
  }
  storage_care::settings how;
  how.till = "till-1";
  how.idle_pause = milliseconds(0);
  how.busy_pause = milliseconds(0);
  storage_care care(s.io.get_executor(), *s.journal, s.clock, how);
  care.start();
  auto until = steady_clock::now() + std::chrono::seconds(20);
  auto over = [&] { return care.check().now == storage_care::state::done || s.journal->failed(); };
  bool began = false;
  while (steady_clock::now() < until && !over()) {
    s.io.restart();
    s.io.run_one_for(milliseconds(100));
    began = began || care.check().now == storage_care::state::running;
    if (began && care.check().now == storage_care::state::waiting) break;  // it could not be read to the end
  }
  care.stop();
  // Who cannot look to the end has noticed something too; status says that the look never finished.
  v.named = !care.check().damaged.empty() || care.check().now != storage_care::state::done;
  // Forwarding sends what follows from what it sent before, and stops where nothing does.
  base::chain_follower chain("till-1");
  for (auto& r : records_of(s, 1)) {
    if (!chain.take(r)) break;
    auto& original = written[chain.head().sequence - 1];
    if (r.header != original.header || r.body != original.body || r.hash != original.hash) ++v.sent_wrong;
  }
  return v;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Damages copies of a till's journal and looks whether it is noticed.");
  std::size_t rounds = 150;
  std::uint64_t seed = static_cast<std::uint64_t>(steady_clock::now().time_since_epoch().count()) % 1'000'000;
  app.add_option("--rounds", rounds, "How many copies")->capture_default_str();
  app.add_option("--seed", seed, "What is damaged; random when left out");
  CLI11_PARSE(app, argc, argv);
  std::printf("Rot campaign: %zu rounds, seed %llu\n", rounds, static_cast<unsigned long long>(seed));
  std::fflush(stdout);

  auto began = steady_clock::now();
  std::mt19937_64 random(seed);
  tests::scratch_folder folder;
  auto made = folder.file("made");
  std::filesystem::create_directories(made);
  make_journal(made);
  auto original = read_all(made + "/journal.db");
  auto whole = dump(made + "/journal.db");
  if (!whole) tests::give_up("the original cannot be dumped");
  std::vector<base::record> written;
  {
    opened_store s;
    if (!s.open(made)) tests::give_up("the original cannot be opened");
    written = records_of(s, 1);
  }
  findings found;
  found.acknowledged = written.size();
  found.recorded = written.size();
  std::size_t differ = 0, refused = 0, named = 0, harmless = 0, pages_unnoticed = 0;
  for (std::size_t round = 0; round < rounds; ++round) {
    tests::scratch_folder copy;
    auto damaged = original;
    std::string what;
    auto at = random() % damaged.size();
    bool is_a_page = round % 10 == 9;
    if (round % 10 < 8) {
      damaged[at] = static_cast<char>(damaged[at] ^ (1 << random() % 8));
      what = "a flipped bit at " + std::to_string(at);
    } else if (round % 10 == 8) {
      damaged.resize(at);
      what = "cut off at " + std::to_string(at);
    } else {
      auto pages = damaged.size() / page_size;
      auto from = random() % pages * page_size, to = random() % pages * page_size;
      damaged.replace(to, page_size, original, from, page_size);
      what = "page " + std::to_string(from / page_size) + " over page " + std::to_string(to / page_size);
    }
    std::filesystem::copy_file(made + "/sealed.keys", copy.file("sealed.keys"));
    write_all(copy.file("journal.db"), damaged);
    auto content = dump(copy.file("journal.db"));
    bool differs = content != whole;
    auto v = judge(copy.path(), written);
    differ += differs;
    refused += v.refused;
    named += v.named;
    harmless += !differs && !v.refused && !v.named;
    if (differs && !v.refused && !v.named && is_a_page) {
      ++pages_unnoticed;
      std::printf("  ? %s was not noticed\n", what.c_str());
    } else if (differs && !v.refused && !v.named) {
      found.complain(found.lost, what + " was not noticed");
    }
    if (v.sent_wrong > 0)
      found.complain(found.wrong, what + ": other octets would be sent than were written");
  }
  std::printf("  %zu differ from what was written; %zu refused, %zu named, %zu without any effect\n", differ,
              refused, named, harmless);
  std::printf("  %zu whole pages in the wrong place were not noticed\n", pages_unnoticed);
  auto seconds = std::chrono::duration<double>(steady_clock::now() - began).count();
  return print_findings("rot", rounds, seconds, found, "");
}
