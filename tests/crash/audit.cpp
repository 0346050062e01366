#include "tests/crash/audit.hpp"

#include <signal.h>

#include <algorithm>
#include <map>

#include <boost/json.hpp>

#include "wire/base64.hpp"

namespace tilld::crash {

namespace json = boost::json;
using std::chrono::milliseconds;
using tests::give_up;

namespace {

struct journal_record {
  std::uint64_t sequence = 0;
  std::string hash, id, kind, body;
};

std::string text_of(const json::value& v) { return std::string(v.as_string()); }

json::object result_of(tests::line_client& till, const std::string& method, const json::object& params) {
  auto answer = till.call(method, params, milliseconds(60'000));
  if (!answer) give_up(method + " was not answered");
  if (auto* e = answer->if_contains("error")) give_up(method + ": " + json::serialize(*e));
  return answer->at("result").as_object();
}

std::vector<journal_record> read_journal(tests::line_client& till) {
  std::vector<journal_record> all;
  for (;;) {
    auto page = result_of(till, "journal.read", {{"from", all.size() + 1}, {"limit", 1000}});
    auto& list = page.at("records").as_array();
    if (list.empty()) return all;
    for (auto& r : list) {
      auto body = wire::from_base64(std::string_view(r.at("body").as_string()));
      if (!body) give_up("journal.read gives a body that is not base64");
      all.push_back({r.at("sequence").to_number<std::uint64_t>(), text_of(r.at("hash")), text_of(r.at("id")),
                     text_of(r.at("kind")), *body});
    }
  }
}

class auditor {
 public:
  explicit auditor(const own_record& record) {
    for (std::size_t i = 0; i < record.size(); ++i) by_key_[record.at(i).key] = &record.at(i);
  }

  findings found;

  void complain(std::size_t& counter, const std::string& why) {
    ++counter;
    if (found.words.size() < 20) found.words.push_back(why);
  }

  void sales(const std::vector<journal_record>& journal) {
    std::map<std::string, const journal_record*> seen;
    std::uint64_t asked_latest = 0;
    std::string asked_latest_key;
    for (auto& r : journal) {
      if (r.kind != "sale") continue;
      ++found.sales;
      auto body = json::parse(r.body);
      auto key = text_of(body.at("sale").at("idempotency_key"));
      auto at = by_key_.find(key);
      if (at == by_key_.end() || at->second->kind != operation_kind::sale) {
        complain(found.foreign,
                 "record " + std::to_string(r.sequence) + " has the key " + key + ", which nobody used");
        continue;
      }
      auto& o = *at->second;
      if (!seen.emplace(key, &r).second)
        complain(found.doubled, key + " is recorded twice, as " + std::to_string(seen[key]->sequence) +
                                    " and " + std::to_string(r.sequence));
      if (!r.body.ends_with(R"("sale":)" + o.params + "}"))
        complain(found.wrong, key + " is recorded with other octets than were sent");
      if (body.at("sale").at("total").at("minor").to_number<std::int64_t>() != o.minor)
        complain(found.wrong, key + " is recorded with another amount");
      // Whoever was answered before another began comes before it.
      if (o.answered_at != 0 && o.answered_at < asked_latest)
        complain(found.wrong,
                 key + " was answered before " + asked_latest_key + " was asked, and stands behind it");
      if (o.asked_at > asked_latest) {
        asked_latest = o.asked_at;
        asked_latest_key = key;
      }
    }
    for (auto& [key, o] : by_key_) {
      if (o->kind != operation_kind::sale || o->answered == 0) continue;
      ++found.acknowledged;
      auto at = seen.find(key);
      if (at == seen.end()) {
        complain(found.lost, key + " was acknowledged and is not in the journal");
        continue;
      }
      auto told = json::parse(o->result);
      if (told.at("sequence").to_number<std::uint64_t>() != at->second->sequence ||
          text_of(told.at("hash")) != at->second->hash || text_of(told.at("record_id")) != at->second->id)
        complain(found.wrong, key + " was told to be another record than it is");
    }
  }

  void central(const std::vector<journal_record>& journal, const std::vector<json::object>& held) {
    if (journal.size() != held.size())
      complain(found.differing, "the till has " + std::to_string(journal.size()) + " records, central " +
                                    std::to_string(held.size()));
    for (std::size_t i = 0; i < std::min(journal.size(), held.size()); ++i) {
      auto& r = held[i];
      if (r.at("sequence").to_number<std::uint64_t>() == journal[i].sequence &&
          text_of(r.at("hash")) == journal[i].hash && text_of(r.at("kind")) == journal[i].kind &&
          r.at("body") == json::parse(journal[i].body))
        continue;
      complain(found.differing,
               "record " + std::to_string(journal[i].sequence) + " is another one at central");
    }
  }

  // The simulated printer counts documents, over all its lives.
  void prints(std::uint64_t printed) {
    std::size_t acknowledged = 0, uncertain = 0;
    for (auto& [key, o] : by_key_) {
      if (o->kind != operation_kind::print) continue;
      acknowledged += o->answered > 0;
      uncertain += o->answered == 0;
    }
    found.prints = acknowledged;
    found.printed = printed;
    if (printed < acknowledged) {
      complain(found.lost, std::to_string(acknowledged) + " prints were acknowledged, " +
                               std::to_string(printed) + " documents came out");
      found.lost += acknowledged - printed - 1;
    }
    if (printed > acknowledged + uncertain) {
      complain(found.doubled, std::to_string(printed) + " documents came out for " +
                                  std::to_string(acknowledged + uncertain) + " prints");
      found.doubled += printed - acknowledged - uncertain - 1;
    }
  }

 private:
  std::map<std::string, const operation*> by_key_;
};

std::uint64_t documents_printed(tests::line_client& till) {
  return result_of(till, "org.tilld.simulation.look", {{"device", "devices"}})
      .at("printed")
      .to_number<std::uint64_t>();
}

}  // namespace

findings audit(const own_record& record, tests::shop& shop, const std::string& central_program) {
  auditor a(record);
  auto till = shop.connect(true);
  auto journal = read_journal(till);
  a.found.records = journal.size();
  a.sales(journal);
  a.central(journal, shop.records_at("ledger"));
  a.prints(documents_printed(till));

  auto whole = result_of(till, "journal.verify", {});
  if (!whole.at("whole").as_bool())
    a.complain(a.found.unverified, "journal.verify: " + json::serialize(whole));
  auto verified = shop.get("ledger", "/v1/verify");
  if (!verified || !verified->at("good").as_bool())
    a.complain(a.found.unverified,
               "/v1/verify: " + (verified ? json::serialize(*verified) : std::string("no answer")));
  auto& central = shop.get_central("ledger");
  central.running.signal(SIGTERM);
  if (auto code = central.running.wait(milliseconds(15'000)); code != 0)
    a.complain(a.found.unverified, "till-central did not stop in order");
  tests::process::how how;
  how.arguments = {"verify", "--config", central.folder + "/central.yaml"};
  how.log = central.folder + "/verify.log";
  tests::process offline(central_program, how);
  if (auto code = offline.wait(milliseconds(120'000)); code != 0)
    a.complain(a.found.unverified, "till-central verify says no; see " + how.log);
  return a.found;
}

void audit_repetition(const own_record& record, tests::shop& shop, findings& found) {
  auto till = shop.connect(true);
  std::size_t sales = 0;
  for (auto& r : read_journal(till)) sales += r.kind == "sale";
  if (sales > found.sales) found.doubled += sales - found.sales;
  if (auto printed = documents_printed(till); printed > found.printed)
    found.doubled += printed - found.printed;
  found.wrong += record.complaints().size();
  for (auto& why : record.complaints())
    if (found.words.size() < 20) found.words.push_back(why);
}

}  // namespace tilld::crash
