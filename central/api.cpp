#include "central/api.hpp"

#include <charconv>

#include <boost/asio/post.hpp>
#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "central/replacing.hpp"
#include "wire/base64.hpp"

namespace tilld::central {

namespace asio = boost::asio;
namespace json = boost::json;
using base::errc;
using base::error;
using then_answer = std::function<void(http_answer)>;

namespace {

constexpr std::uint64_t records_limit_default = 100;
constexpr std::uint64_t records_limit_max = 1000;
constexpr std::size_t records_octets_max = 4 << 20;
// Some milliseconds of work; a batch that arrives meanwhile waits no longer than that.
constexpr std::size_t verify_slice = 500;
constexpr std::size_t reason_size_max = 500;

std::string_view name(base::clock_trust t) {
  switch (t) {
    case base::clock_trust::unknown: return "unknown";
    case base::clock_trust::unsynchronised: return "unsynchronised";
    case base::clock_trust::synchronised: return "synchronised";
  }
  return "unknown";
}

int status_of(errc code) {
  switch (code) {
    case errc::till_unknown: return 404;
    case errc::record_gap: return 409;
    case errc::operation_not_found: return 409;
    case errc::invalid_params: return 400;
    case errc::busy: return 429;
    case errc::storage_full: return 507;
    default: return 500;
  }
}

http_answer refused(const error& why) { return {status_of(why.code), http_error_body(why), {}}; }
http_answer good(const json::object& body) { return {200, json::serialize(body), {}}; }

struct page {
  std::uint64_t from = 1;
  std::uint64_t limit = records_limit_default;
};

base::result<page> read_page(const http_request& asked) {
  page p;
  for (auto& [key, value] : asked.query) {
    std::uint64_t number = 0;
    auto [end, bad] = std::from_chars(value.data(), value.data() + value.size(), number);
    if (bad != std::errc() || end != value.data() + value.size() || number == 0 || number > (1ull << 62))
      return error{errc::invalid_params, key + " must be a number from 1 on"};
    if (key == "from")
      p.from = number;
    else if (key == "limit")
      p.limit = std::min(number, records_limit_max);
    else
      return error{errc::invalid_params, "unknown parameter " + key + "; from and limit are known"};
  }
  return p;
}

class api : public std::enable_shared_from_this<api> {
 public:
  api(asio::io_context& io, server& s) : io_(io), server_(s) {}

  void take(http_request asked, then_answer then) {
    auto& p = asked.path;
    auto get = [&] { return asked.method == "GET"; };
    auto wrong_method = [&](const char* allowed) {
      then({405, http_error_body({errc::invalid_request, std::string("this path takes ") + allowed}),
            allowed});
    };
    if (p.empty() || p[0] != "v1" || p.size() < 2)
      return then({404, http_error_body({errc::unknown_method, "no such path"}), {}});
    if (p.size() == 2 && p[1] == "status") return get() ? status(then) : wrong_method("GET");
    if (p.size() == 2 && p[1] == "tills") return get() ? tills(then) : wrong_method("GET");
    if (p.size() == 2 && p[1] == "verify") return get() ? verify(then) : wrong_method("GET");
    if (p.size() == 4 && p[1] == "tills" && p[3] == "head")
      return get() ? head(p[2], then) : wrong_method("GET");
    if (p.size() == 4 && p[1] == "tills" && p[3] == "records")
      return get() ? records(asked, then) : wrong_method("GET");
    if (p.size() == 4 && p[1] == "tills" && p[3] == "raw")
      return get() ? raw(asked, then) : wrong_method("GET");
    if (p.size() == 4 && p[1] == "tills" && p[3] == "statement")
      return get() ? statement(p[2], then) : wrong_method("GET");
    if (p.size() == 4 && p[1] == "tills" && p[3] == "replace")
      return asked.method == "POST" ? replace(asked, then) : wrong_method("POST");
    if (p.size() == 4 && p[1] == "tills" && p[3] == "release")
      return asked.method == "POST" ? release(asked, then) : wrong_method("POST");
    then({404, http_error_body({errc::unknown_method, "no such path"}), {}});
  }

 private:
  bool known(const std::string& till) const {
    auto& machine = server_.intake().machine();
    return machine.tills().count(till) || machine.standings().count(till);
  }
  const listing* listed(const std::string& till) const {
    auto& tills = server_.intake().machine().tills();
    auto at = tills.find(till);
    return at == tills.end() ? nullptr : &at->second;
  }

  void status(const then_answer& then) {
    auto s = server_.status();
    then(s ? good(*s) : refused(s.error()));
  }

  void tills(const then_answer& then) {
    auto s = server_.status();
    then(s ? good({{"tills", (*s)["tills"]}}) : refused(s.error()));
  }

  void head(const std::string& till, const then_answer& then) {
    if (!known(till)) return then(refused({errc::till_unknown, "no till " + till + " is known here"}));
    then(good(server_.till_status(till, listed(till))));
  }

  void records(const http_request& asked, const then_answer& then) {
    auto& till = asked.path[2];
    if (!known(till)) return then(refused({errc::till_unknown, "no till " + till + " is known here"}));
    auto p = read_page(asked);
    if (!p) return then(refused(p.error()));
    auto found = server_.intake().storage().records(till, p->from, p->limit, records_octets_max);
    if (!found) return then(refused(found.error()));
    json::array rows;
    for (auto& e : *found) rows.push_back(to_json(e));
    auto last = server_.intake().machine().standing_of(till).head.sequence;
    json::object body{{"till", till}, {"records", rows}, {"next", nullptr}};
    if (!found->empty() && found->back().till_sequence < last) body["next"] = found->back().till_sequence + 1;
    then(good(body));
  }

  // Octets as stored, for an export.
  void raw(const http_request& asked, const then_answer& then) {
    auto& till = asked.path[2];
    if (!known(till)) return then(refused({errc::till_unknown, "no till " + till + " is known here"}));
    auto p = read_page(asked);
    if (!p) return then(refused(p.error()));
    auto found = server_.intake().storage().records(till, p->from, p->limit, records_octets_max);
    if (!found) return then(refused(found.error()));
    json::array rows;
    for (auto& e : *found)
      rows.push_back({{"header", base::to_hex(e.record.header)},
                      {"hash", base::to_hex(e.record.hash)},
                      {"body", wire::to_base64(e.record.body)}});
    then(good({{"till", till}, {"records", std::move(rows)}}));
  }

  void statement(const std::string& till, const then_answer& then) {
    if (!known(till)) return then(refused({errc::till_unknown, "no till " + till + " is known here"}));
    auto a = server_.statement_on(till);
    then(good({{"till", till},
               {"public_key", base::to_hex(server_.key().public_half())},
               {"acknowledgement", base::to_hex(a.encode())}}));
  }

  void replace(const http_request& asked, then_answer then) {
    auto wish = read_replacement_wish(asked.body);
    if (!wish) return then(refused(wish.error()));
    auto done = [then = std::move(then)](base::result<wire::replacement> order) {
      then(order ? good({{"order", order->text()}}) : refused(order.error()));
    };
    server_.intake().replace(asked.path[2], std::move(*wish), std::move(done));
  }

  void release(const http_request& asked, then_answer then) {
    auto& till = asked.path[2];
    boost::system::error_code problem;
    auto body = json::parse(asked.body, problem);
    auto* reason = !problem && body.is_object() ? body.as_object().if_contains("reason") : nullptr;
    auto* by = reason ? body.as_object().if_contains("by") : nullptr;
    if (!reason || !reason->is_string() || reason->as_string().empty() ||
        body.as_object().size() != (by ? 2 : 1) || (by && !by->is_string()) ||
        reason->as_string().size() > reason_size_max || (by && by->as_string().size() > reason_size_max))
      return then(
          refused({errc::invalid_params, "the body must be {\"reason\":\"...\"}, at most 500 octets"}));
    auto who = "http" + (by ? ", " + std::string(by->as_string()) : std::string());
    auto done = [self = shared_from_this(), till, then = std::move(then)](base::result<> outcome) {
      if (!outcome) return then(refused(outcome.error()));
      then(good(self->server_.till_status(till, self->listed(till))));
    };
    server_.intake().release(till, std::string(reason->as_string()), who, std::move(done));
  }

  // One at a time: it reads the whole database.
  void verify(then_answer then) {
    if (verifying_) return then(refused({errc::busy, "a verification is running already"}));
    auto begun = verification::begin(server_.intake().storage(), server_.key().public_half());
    if (!begun) return then(refused(begun.error()));
    verifying_ = true;
    verify_on(std::make_shared<verification>(std::move(*begun)), std::move(then));
  }

  void verify_on(std::shared_ptr<verification> v, then_answer then) {
    auto done = v->step(verify_slice);
    if (done && !*done) {
      asio::post(io_, [self = shared_from_this(), v, then = std::move(then)]() mutable {
        self->verify_on(std::move(v), std::move(then));
      });
      return;
    }
    verifying_ = false;
    then(done ? good(to_json(v->report())) : refused(done.error()));
  }

  asio::io_context& io_;
  server& server_;
  bool verifying_ = false;
};

}  // namespace

json::object to_json(const stored_entry& e) {
  json::object o{{"central_sequence", e.place.sequence},
                 {"central_hash", base::to_hex(e.place.hash)},
                 {"recorded_unix_ms", e.recorded_ms},
                 {"till", e.till},
                 {"sequence", e.till_sequence},
                 {"hash", base::to_hex(e.record.hash)},
                 {"header", base::to_hex(e.record.header)}};
  if (auto h = e.record.decoded()) {
    o["epoch"] = h->epoch;
    o["id"] = h->id.text();
    o["kind"] = h->kind;
    o["happened_unix_ms"] = h->happened.unix_ms;
    o["clock"] = name(h->happened.trust);
  }
  boost::system::error_code problem;
  auto body = json::parse(e.record.body, problem);
  // A body that is no JSON is shown as it is: the reader of an audit must see what is there.
  o["body"] = problem ? json::value(e.record.body) : body;
  return o;
}

json::object to_json(const verification_report& r) {
  json::array tills, problems;
  for (auto& [till, v] : r.tills)
    tills.push_back({{"till", till},
                     {"records", v.records},
                     {"epoch", v.head.epoch},
                     {"sequence", v.head.sequence},
                     {"hash", base::to_hex(v.head.hash)}});
  for (auto& p : r.problems) problems.push_back(json::value(p));
  json::object own{{"sequence", r.own.sequence}, {"hash", base::to_hex(r.own.hash)}};
  return {{"good", r.good()},   {"entries", r.entries},       {"records", r.records},
          {"events", r.events}, {"signatures", r.signatures}, {"central", own},
          {"tills", tills},     {"problems", problems}};
}

http_route make_api(asio::io_context& io, server& s) {
  auto shared = std::make_shared<api>(io, s);
  return [shared](http_request asked, then_answer then) { shared->take(std::move(asked), std::move(then)); };
}

}  // namespace tilld::central
