// Plays a day of a small shop that a person can follow line by line, with the real programs on real sockets:
// a sale with scan, card and receipt; an outage with a backlog in money; a SIGKILL in the middle of a call;
// and the proof at the end. This is `./dev run`; as a test it fails at the first line that does not come
// true.
//
//   tilld-story [--folder DIR] [--keep]
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>

#include <boost/json.hpp>

#include "base/money.hpp"
#include "tests/support/shop.hpp"

namespace {

namespace fs = std::filesystem;
namespace json = boost::json;
using namespace tilld;
using base::step;
using std::chrono::milliseconds;
using tests::give_up;

// One line of the story.
void say(const char* who, const std::string& what) {
  std::printf("  %-9s %s\n", who, what.c_str());
  std::fflush(stdout);
}
void chapter(const std::string& title) {
  std::printf("\n%s\n", title.c_str());
  std::fflush(stdout);
}
void must(bool true_now, const std::string& why) {
  if (!true_now) give_up("\nThe story broke: " + why);
}

json::object eur(std::int64_t minor) { return {{"minor", minor}, {"currency", "EUR"}}; }
std::string text_of(const json::value& v) { return std::string(v.as_string()); }

struct article {
  const char* code;
  const char* name;
  const char* category;
  std::int64_t price;
};
constexpr article bread{"4006381333931", "Bauernbrot 1 kg", "bread", 420};
constexpr article roll{"4012345678901", "Brötchen", "bread", 45};
constexpr article coffee{"4056489000013", "Kaffee groß", "drinks", 320};

json::object sale_of(const std::string& key, const std::string& receipt_number,
                     std::initializer_list<article> articles, const json::object* customer = nullptr) {
  json::array lines;
  std::int64_t total = 0;
  for (auto& a : articles) {
    lines.push_back({{"text", a.name},
                     {"product", a.code},
                     {"category", a.category},
                     {"quantity", "1"},
                     {"amount", eur(a.price)},
                     {"tax", {{"percent", "7"}}}});
    total += a.price;
  }
  json::object params{{"idempotency_key", key},
                      {"receipt_number", receipt_number},
                      {"total", eur(total)},
                      {"lines", std::move(lines)},
                      {"tenders", json::array{{{"type", "cash"}, {"amount", eur(total)}}}},
                      {"operator", {{"id", "operator-1"}}}};
  if (customer) params["customer"] = *customer;
  return params;
}

json::object receipt_of(const std::string& number, std::initializer_list<article> articles,
                        const std::string& head_code) {
  json::array body;
  body.push_back(json::object{
      {"text", "Bäckerei Beispiel"}, {"align", "center"}, {"bold", true}, {"size", json::array{2, 2}}});
  body.push_back(json::object{{"text", "Hauptstraße 1 · 12345 Musterstadt"}, {"align", "center"}});
  body.push_back(json::object{{"rule", true}});
  std::int64_t total = 0;
  auto amount = [](std::int64_t minor) {
    char text[32];
    std::snprintf(text, sizeof text, "%lld,%02lld €", static_cast<long long>(minor / 100),
                  static_cast<long long>(minor % 100));
    return std::string(text);
  };
  for (auto& a : articles) {
    body.push_back(json::object{
        {"row", json::array{{{"text", a.name}},
                            {{"text", amount(a.price)}, {"align", "right"}, {"width", "auto"}}}}});
    total += a.price;
  }
  body.push_back(json::object{{"rule", true}});
  body.push_back(json::object{
      {"row",
       json::array{{{"text", "Summe"}, {"bold", true}},
                   {{"text", amount(total)}, {"align", "right"}, {"bold", true}, {"width", "auto"}}}}});
  body.push_back(
      json::object{{"row", json::array{{{"text", "bar"}},
                                       {{"text", amount(total)}, {"align", "right"}, {"width", "auto"}}}}});
  body.push_back(json::object{{"feed", "2mm"}});
  body.push_back(json::object{{"slot", "loyalty"}});
  body.push_back(json::object{{"text", "Beleg " + number + " · Prüfzahl " + head_code}, {"align", "center"}});
  body.push_back(json::object{{"qr", {{"data", "https://example.com/r/" + number}, {"size", "22mm"}}},
                              {"align", "center"}});
  body.push_back(json::object{{"text", "Vielen Dank! · شكرا · 谢谢 · ขอบคุณ"}, {"align", "center"}});
  body.push_back(json::object{{"feed", "3mm"}});
  body.push_back(json::object{{"cut", "partial"}});
  return {{"receipt", 1}, {"class", "sale"}, {"lang", "de-DE"}, {"body", std::move(body)}};
}

// The result of a call, or the end of the story.
json::object done(const std::optional<json::object>& answer, const std::string& what) {
  must(answer.has_value(), what + ": no answer");
  if (auto* e = answer->if_contains("error")) must(false, what + ": " + json::serialize(*e));
  return answer->at("result").as_object();
}

struct waiting {
  std::int64_t records = 0, sales = 0;
  std::string money;
};

waiting backlog(tests::line_client& till) {
  auto status = done(till.call("queue.status"), "queue.status");
  auto& w = status.at("destinations").as_array().at(0).at("waiting").as_object();
  waiting out{w.at("records").to_number<std::int64_t>(), w.at("sales").to_number<std::int64_t>(), ""};
  for (auto& m : w.at("money").as_array())
    out.money += (out.money.empty() ? "" : " and ") +
                 base::money{m.at("minor").as_int64(), text_of(m.at("currency"))}.text();
  if (out.money.empty()) out.money = "nothing";
  return out;
}

std::vector<json::object> sales_at_central(tests::shop& shop) {
  std::vector<json::object> sales;
  for (auto& r : shop.records_at("ledger"))
    if (r.at("kind").as_string() == "sale") sales.push_back(r);
  return sales;
}

std::string sale_key(const json::object& record) {
  return text_of(record.at("body").at("sale").at("idempotency_key"));
}

std::string show_file(const std::string& path) {
  std::ifstream in(path);
  std::string line, all;
  while (std::getline(in, line)) all += "            | " + line + "\n";
  return all;
}

std::string newest(const std::string& folder, const std::string& ending) {
  std::string found;
  for (auto& entry : fs::directory_iterator(folder))
    if (entry.path().extension() == ending && entry.path().string() > found) found = entry.path().string();
  return found;
}

void opening(tests::shop& shop) {
  chapter("The shop opens");
  shop.start_central("ledger");
  say("central", "till-central listens; it accepts this till's key and no other");
  shop.start_till();
  say("till", "tilld answers on " + shop.socket());
  auto admin = shop.connect(true);
  auto until = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  for (;;) {
    auto list = done(admin.call("plugin.list"), "plugin.list");
    std::string states;
    bool ready = true;
    for (auto& p : list.at("plugins").as_array()) {
      states += (states.empty() ? "" : ", ") + text_of(p.at("name")) + " " + text_of(p.at("state"));
      ready = ready && p.at("state").as_string() == "ready";
    }
    if (ready) {
      say("till", "plugins, each in a process and sandbox of its own: " + states);
      return;
    }
    must(std::chrono::steady_clock::now() < until,
         "the plugins did not become ready: " + json::serialize(list));
    (void)admin.next_event("nothing", milliseconds(50));
  }
}

void first_sale(tests::shop& shop) {
  chapter("A sale");
  auto till = shop.connect();
  auto hello = done(
      till.call("session.hello", {{"client", {{"name", "story"}, {"version", "1"}}}, {"language", "en"}}),
      "session.hello");
  say("software", "signs on as " + text_of(hello.at("principal")) + ", role " + text_of(hello.at("role")));
  done(till.call("events.subscribe", {{"topics", json::array{"scanner", "reader"}}}), "events.subscribe");
  for (auto& a : {bread, coffee}) {
    done(till.call("org.tilld.simulation.scan", {{"text", a.code}}), "scan");
    auto scanned = till.next_event("scanner.scanned");
    must(scanned && scanned->at("data").at("text").as_string() == a.code,
         "the scan did not reach the software");
    say("scanner",
        std::string("beep: ") + a.code + " is " + a.name + ", " + base::money{a.price, "EUR"}.text());
  }
  done(till.call("org.tilld.simulation.present_card", {{"uid", "04A1B2C3D4E5F6"}}), "present_card");
  auto presented = till.next_event("reader.presented");
  must(presented.has_value(), "the card did not reach the software");
  auto& card = presented->at("data").as_object();
  say("reader", "a customer card is there; it proves: " + text_of(card.at("security_level")));
  auto who = done(till.call("customer.identify", {{"uid", card.at("uid")}}), "customer.identify");
  must(who.at("found").as_bool(), "the customer was not found");
  auto& person = who.at("customer").as_object();
  auto customer = json::object{{"id", person.at("id")}};
  say("customer", text_of(person.at("name")) + ", as of " + text_of(who.at("as_of")));

  auto recorded =
      done(till.call("sale.record", sale_of("story-1", "1001", {bread, coffee}, &customer)), "sale.record");
  auto number = recorded.at("sequence").to_number<std::int64_t>();
  auto head_code = text_of(recorded.at("hash")).substr(0, 8);
  say("journal", "the sale is record " + std::to_string(number) + ", chained with hash " + head_code +
                     "..., and durable");

  json::object slots{{"loyalty", json::array{{{"text", "Sie haben 120 Punkte"}, {"align", "center"}}}}};
  auto printed = done(till.call("printer.print",
                                {{"idempotency_key", "story-1-receipt"},
                                 {"device", "printer"},
                                 {"document", receipt_of("1001", {bread, coffee}, head_code)},
                                 {"slots", slots}},
                                milliseconds(30'000)),
                      "printer.print");
  say("printer", "printed, confirmation: " + text_of(printed.at("confirmation")));
  auto folder = shop.folder() + "/receipts";
  auto text = newest(folder, ".txt"), picture = newest(folder, ".png");
  must(!text.empty() && !picture.empty(), "no receipt in " + folder);
  std::printf("%s", show_file(text).c_str());
  say("printer", "to look at: " + picture);
  auto again = done(till.call("printer.print",
                              {{"idempotency_key", "story-1-receipt"},
                               {"device", "printer"},
                               {"document", receipt_of("1001", {bread, coffee}, head_code)},
                               {"slots", slots}},
                              milliseconds(30'000)),
                    "printer.print again");
  must(newest(folder, ".png") == picture && again == printed, "the receipt was printed twice");
  say("printer", "the same call again: the same answer, no second receipt");

  must(shop.wait_drained("ledger"), "the sale did not arrive at central");
  auto sales = sales_at_central(shop);
  must(sales.size() == 1 && sale_key(sales[0]) == "story-1", "central does not hold the sale");
  say("central", "holds the sale as entry " +
                     std::to_string(sales[0].at("central_sequence").to_number<std::int64_t>()) +
                     " of its own chain, hash " + text_of(sales[0].at("hash")).substr(0, 8) + "...");
}

void outage(tests::shop& shop) {
  chapter("The line to central breaks");
  shop.get_central("ledger").running.kill();
  say("central", "is gone");
  auto till = shop.connect();
  done(till.call("sale.record", sale_of("story-2", "1002", {roll, roll})), "sale.record");
  done(till.call("sale.record", sale_of("story-3", "1003", {coffee})), "sale.record");
  done(till.call("sale.record", sale_of("story-4", "1004", {bread, roll})), "sale.record");
  auto w = backlog(till);
  must(w.sales == 3 && w.money == base::money{90 + 320 + 465, "EUR"}.text(),
       "the backlog is not what was sold: " + w.money);
  say("till", "sold three times more; waiting: " + std::to_string(w.sales) + " sales, " + w.money);
  shop.start_central("ledger");
  say("central", "is back");
  must(shop.wait_drained("ledger"), "the backlog did not drain");
  auto sales = sales_at_central(shop);
  must(sales.size() == 4, "central does not hold four sales");
  for (std::size_t i = 0; i < sales.size(); ++i)
    must(sale_key(sales[i]) == "story-" + std::to_string(i + 1), "the order is not the order of the sales");
  w = backlog(till);
  say("central", "holds all four sales, once and in order; waiting: " + w.money);
}

void killed_in_a_call(tests::shop& shop, step where, const std::string& key, const std::string& words) {
  auto till = shop.connect();
  done(till.call("system.ping"), "system.ping");
  shop.till_steps().stop_at(where);
  auto asked = till.send("sale.record", sale_of(key, key, {coffee, roll}));
  must(shop.till().wait_stopped(milliseconds(10'000)), "tilld did not come to that step");
  shop.till().kill();
  must(!till.answer(asked, milliseconds(2000)), "there was an answer although tilld died before it");
  say("till", "SIGKILL " + words + "; the call stays unanswered");
  shop.start_till();
  auto again = shop.connect();
  auto first = done(again.call("sale.record", sale_of(key, key, {coffee, roll})), "the same call again");
  auto second = done(again.call("sale.record", sale_of(key, key, {coffee, roll})), "and again");
  must(first == second, "two answers to one key");
  say("software", "repeats the call with its key twice: record " +
                      std::to_string(first.at("sequence").to_number<std::int64_t>()) + " both times");
  must(shop.wait_drained("ledger"), "the sale did not arrive");
  std::size_t found = 0;
  for (auto& s : sales_at_central(shop)) found += sale_key(s) == key;
  must(found == 1, "central holds " + std::to_string(found) + " records of it");
  say("central", "holds it once");
}

void closing(tests::shop& shop) {
  chapter("The proof");
  auto till = shop.connect(true);
  auto here = done(till.call("journal.verify"), "journal.verify");
  must(here.at("whole").as_bool(), "the till's journal is broken: " + json::serialize(here));
  say("till", "journal verified: " + std::to_string(here.at("verified").to_number<std::int64_t>()) +
                  " records, " + json::serialize(here.at("kinds")));
  must(shop.wait_drained("ledger"), "not everything arrived");
  auto there = shop.get("ledger", "/v1/verify");
  must(there && there->at("good").as_bool(), "central's chain is broken");
  auto head = shop.get("ledger", "/v1/tills/till-1/head");
  must(head.has_value(), "central does not know the till");
  say("central", "verified: " + std::to_string(there->at("records").to_number<std::int64_t>()) +
                     " records in " + std::to_string(there->at("entries").to_number<std::int64_t>()) +
                     " entries of its own chain");
  auto all = shop.records_at("ledger");
  must(!all.empty() && all.back().at("hash").as_string() == here.at("hash").as_string(),
       "the two sides end with different hashes");
  say("both", "end with the same hash, " + text_of(here.at("hash")).substr(0, 16) + "...");
}

void keep(tests::shop& shop) {
  chapter("It stays up until you press Ctrl-C. Things to type elsewhere:");
  auto bin = std::string(TILLD_BUILD_FOLDER) + "/bin";
  std::printf(
      "  echo '{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"system.status\"}' | socat -t5 - UNIX-CONNECT:%s | "
      "jq\n"
      "  echo "
      "'{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"sale.record\",\"params\":{\"idempotency_key\":\"my-1\","
      "\"total\":{\"minor\":450,\"currency\":\"EUR\"}}}' | socat -t5 - UNIX-CONNECT:%s | jq\n"
      "  %s/tillctl --socket %s status\n"
      "  %s/tillctl --socket %s queue\n"
      "  %s/tillctl --socket %s watch scanner reader &\n"
      "  %s/tillctl --socket %s call org.tilld.simulation.scan '{\"text\":\"4006381333931\"}'\n"
      "  %s/till-central status --config %s/ledger/central.yaml\n",
      shop.socket().c_str(), shop.socket().c_str(), bin.c_str(), shop.admin_socket().c_str(), bin.c_str(),
      shop.admin_socket().c_str(), bin.c_str(), shop.admin_socket().c_str(), bin.c_str(),
      shop.admin_socket().c_str(), bin.c_str(), shop.folder().c_str());
  std::fflush(stdout);
  int got = 0;
  sigset_t ends;
  ::sigemptyset(&ends);
  ::sigaddset(&ends, SIGINT);
  ::sigaddset(&ends, SIGTERM);
  ::sigwait(&ends, &got);
}

std::string fresh_folder() {
  std::string path = "/tmp/tilld-run-XXXXXX";
  if (!::mkdtemp(path.data())) give_up("cannot make a folder in /tmp");
  return path;
}

}  // namespace

int main(int argc, char** argv) {
  std::string folder;
  bool stay = false;
  for (int i = 1; i < argc; ++i) {
    if (std::strcmp(argv[i], "--keep") == 0)
      stay = true;
    else if (std::strcmp(argv[i], "--folder") == 0 && i + 1 < argc)
      folder = argv[++i];
    else
      give_up("usage: tilld-story [--folder DIR] [--keep]");
  }
  // Ctrl-C ends the story in order: the programs it started are stopped first.
  sigset_t ends;
  ::sigemptyset(&ends);
  ::sigaddset(&ends, SIGINT);
  ::sigaddset(&ends, SIGTERM);
  if (stay) ::pthread_sigmask(SIG_BLOCK, &ends, nullptr);

  if (folder.empty()) folder = fresh_folder();
  tests::shop shop(folder);
  fs::create_directories(folder + "/receipts");
  shop.add_central("ledger");
  shop.plugins_yaml =
      "  - name: devices\n"
      "    plugin: simulated\n"
      "    config:\n"
      "      customers:\n"
      "        - found_by: [04A1B2C3D4E5F6]\n"
      "          customer:\n"
      "            id: 01930000-0000-7000-8000-000000000001\n"
      "            name: Test Customer 1\n"
      "            balances: []\n"
      "            rewards: []\n"
      "  - name: printer\n"
      "    plugin: escpos-printer\n"
      "    paths: [" +
      folder +
      "/receipts:rw]\n"
      "    config: {output: file, path: " +
      folder + "/receipts, width: 80, png: true, text: true}\n";
  std::printf("Everything of this run lies in %s\n", folder.c_str());
  opening(shop);
  first_sale(shop);
  outage(shop);
  chapter("The power goes, in the worst moments");
  killed_in_a_call(shop, step::commit_begun, "story-5", "when everything was written and nothing flushed");
  killed_in_a_call(shop, step::committed, "story-6", "when the sale was durable and the answer not sent");
  closing(shop);
  if (stay) keep(shop);
  shop.stop_till();
  std::printf("\nAll of it came true.\n");
  return 0;
}
