// The till's database and its write-ahead log, as a bad disk or a stranger left them.
#include <filesystem>
#include <fstream>
#include <iterator>

#include <boost/asio/io_context.hpp>

#include "daemon/store/store.hpp"
#include "tests/fuzz/target.hpp"
#include "tests/support/scratch.hpp"

namespace tilld::fuzz {
namespace {

namespace fs = std::filesystem;
using daemon::rows;
using daemon::store;
using daemon::work_kind;

constexpr std::uint64_t records = 12;

store::options options_in(const std::string& folder) {
  store::options how;
  how.folder = folder;
  how.till = "till-1";
  how.destinations = {"ledger"};
  how.where = store::options::threads::always_io_thread;
  return how;
}

// Hands a piece of work in and runs the loop until it is through.
base::result<> run(boost::asio::io_context& io, store& s, work_kind kind, store::work w) {
  std::optional<base::result<>> told;
  s.submit(kind, std::move(w), [&told](base::result<> r) { told = std::move(r); });
  while (!told) {
    io.restart();
    if (io.run_one() == 0) break;
  }
  demand(told.has_value(), "everybody is told");
  return *told;
}

base::result<> sell(boost::asio::io_context& io, store& s, std::int64_t minor) {
  daemon::journal_entry entry{"sale", R"({"total":1})", base::money{minor, "EUR"}};
  return run(io, s, work_kind::books, [entry](rows& in) -> base::result<> {
    auto appended = in.append(entry);
    if (!appended) return appended.error();
    return {};
  });
}

base::result<std::vector<base::record>> read_all(boost::asio::io_context& io, store& s) {
  std::vector<base::record> found;
  auto done = run(io, s, work_kind::reads, [&found](rows& in) -> base::result<> {
    auto some = in.read(1, 1000, 1 << 20);
    if (!some) return some.error();
    found = std::move(*some);
    return {};
  });
  if (!done) return done.error();
  return found;
}

// A folder as it lay there in the middle of a day: part of the journal in the file, part in the log.
struct good_till {
  std::map<std::string, std::string> files;
  std::vector<base::record> written;

  good_till() {
    tests::scratch_folder folder;
    boost::asio::io_context io;
    base::test_clock clock;
    {
      auto first = store::open(io.get_executor(), clock, options_in(folder.path()));
      for (std::uint64_t n = 0; n < records / 2; ++n)
        demand(sell(io, **first, 100).has_value(), "a sale is taken");
    }
    auto second = store::open(io.get_executor(), clock, options_in(folder.path()));
    for (std::uint64_t n = 0; n < records / 2; ++n)
      demand(sell(io, **second, 100).has_value(), "a sale is taken");
    written = read_all(io, **second).value();
    demand(written.size() == records, "all sales are there");
    for (auto& entry : fs::directory_iterator(folder.path())) {
      auto name = entry.path().filename().string();
      if (name.find("ballast") != name.npos) continue;
      std::ifstream in(entry.path(), std::ios::binary);
      files[name] = {std::istreambuf_iterator<char>(in), {}};
    }
    demand(files.count("journal.db") == 1 && files.count("journal.db-wal") == 1, "file and log are there");
  }
};

// What a few octets change in a file: bits, stretches of zeros, its length, a page put in the place of
// another.
void spoil(std::string& file, dice& from) {
  if (file.empty()) return;
  std::size_t at = from.octet();
  for (int i = 0; i < 2; ++i) at = at << 8 | from.octet();
  at %= file.size();
  constexpr std::size_t page = 4096;
  switch (from.up_to(5)) {
    case 0: file[at] = static_cast<char>(file[at] ^ (1 << from.up_to(7))); break;
    case 1: file[at] = static_cast<char>(from.octet()); break;
    case 2: file.resize(at); break;
    case 3:
      std::fill_n(file.begin() + static_cast<std::ptrdiff_t>(at),
                  std::min<std::size_t>(512, file.size() - at), '\0');
      break;
    case 4:
      for (char c : from.text()) {
        if (at == file.size()) break;
        file[at++] = c;
      }
      break;
    default:
      if (file.size() >= 2 * page) {
        auto to = at / page % (file.size() / page), source = from.octet() % (file.size() / page);
        std::copy_n(file.begin() + static_cast<std::ptrdiff_t>(source * page), page,
                    file.begin() + static_cast<std::ptrdiff_t>(to * page));
      }
  }
}

// Whatever happened to the files: they are refused with a reason, or what the till reads is, as far as the
// chain holds, what was once written. What is sold on top is there when the till says so.
void eat(std::string_view octets) {
  static const good_till good;
  static tests::scratch_folder place;
  dice from(octets);
  auto files = good.files;
  for (int i = 0; i < 20 && !from.empty(); ++i)
    spoil(files[from.octet() & 1 ? "journal.db" : "journal.db-wal"], from);

  auto folder = place.file("till");
  fs::remove_all(folder);
  fs::create_directory(folder);
  fs::permissions(folder, fs::perms(0700));
  for (auto& [name, text] : files) {
    std::ofstream(folder + "/" + name, std::ios::binary)
        .write(text.data(), static_cast<std::streamsize>(text.size()));
    fs::permissions(folder + "/" + name, fs::perms(0600));
  }
  boost::asio::io_context io;
  base::test_clock clock;
  auto opened = store::open(io.get_executor(), clock, options_in(folder));
  if (!opened) {
    demand(!opened.error().detail.empty(), "a refusal says why");
    return;
  }
  auto& s = **opened;
  auto head = s.head();
  if (auto found = read_all(io, s)) {
    base::chain_follower follower("till-1");
    for (auto& r : *found) {
      auto taken = follower.take(r);
      if (!taken) break;
      if (taken->sequence <= good.written.size() && taken->sequence == follower.head().sequence)
        demand(r.hash == good.written[taken->sequence - 1].hash &&
                   r.body == good.written[taken->sequence - 1].body,
               "what the chain covers is what was written");
    }
  }
  auto sold = sell(io, s, 250);
  if (!sold) return;
  demand(s.head().sequence == head.sequence + 1, "a sale makes the journal longer by one");
}

const target journal_file{"journal_file", eat};

}  // namespace
}  // namespace tilld::fuzz
