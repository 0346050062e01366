#include "central/replacing.hpp"

#include <unistd.h>

#include <algorithm>

#include <boost/asio/io_context.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "base/file.hpp"
#include "central/http.hpp"
#include "central/person.hpp"
#include "central/server.hpp"
#include "wire/export_file.hpp"

namespace tilld::central {

namespace asio = boost::asio;
namespace json = boost::json;
namespace sync = wire::sync;
using base::errc;
using base::error;
using base::result;

namespace {

constexpr std::size_t reason_octets_max = 500;
constexpr std::size_t brought_at_once = 500;

result<base::public_key> read_key_text(const std::string& text) {
  auto octets = base::from_hex(text);
  base::public_key key;
  if (!octets || octets->size() != key.size())
    return error{errc::invalid_params, "a public key has 64 hexadecimal digits, as device.pub has them"};
  std::copy(octets->begin(), octets->end(), key.begin());
  return key;
}

// Reads an export with all its statements; what is damaged is refused.
struct whole_export {
  wire::export_head head;
  std::vector<base::record> records;
  std::vector<wire::export_statement> said;
  base::chain_head end;
};

result<whole_export> read_export(const std::string& path) {
  auto report = wire::verify_export(path);
  if (!report) return report.error();
  if (!report->whole()) return error{errc::export_damaged, path + ": it does not verify"};
  auto octets = base::read_file(path, std::size_t{1} << 30);
  if (!octets) return octets.error();
  wire::export_reader reader;
  reader.feed(base::as_text(*octets));
  whole_export e;
  e.end = report->head();
  for (;;) {
    auto part = reader.next();
    if (!part) return part.error();
    if (!*part) return e;
    if (**part == wire::export_reader::part::head) e.head = reader.head();
    if (**part == wire::export_reader::part::record) e.records.push_back(reader.record());
    if (**part == wire::export_reader::part::statement) e.said.push_back(reader.statement());
  }
}

// The highest record that the files show for this till.
result<> see(const std::string& till, const std::vector<std::string>& files, replacement_wish& wish) {
  for (auto& path : files) {
    auto e = read_export(path);
    if (!e) return e.error();
    if (e->head.till != till)
      return error{errc::file_refused, path + ": it is of till " + e->head.till + ", not " + till};
    for (auto& s : e->said) {
      if (s.head.sequence <= wish.seen_up_to) continue;
      wish.seen_up_to = s.head.sequence;
      wish.seen_by = (s.by == wire::export_statement::signer::till ? "the till with the key "
                                                                   : "the server with the key ") +
                     base::to_hex(s.key);
    }
  }
  return {};
}

std::string body_of(const replacement_wish& w) {
  json::object o{{"public_key", base::to_hex(w.key)}, {"reason", w.reason},         {"by", w.by},
                 {"accept_loss", w.accept_loss},      {"seen_up_to", w.seen_up_to}, {"seen_by", w.seen_by}};
  if (w.order) o["order"] = w.order->text();
  return json::serialize(o);
}

error refusal_in(const http_answer& answer) {
  boost::system::error_code problem;
  auto body = json::parse(answer.body, problem);
  auto* why = !problem && body.is_object() ? body.get_object().if_contains("error") : nullptr;
  auto* detail = why && why->is_object() ? why->get_object().if_contains("detail") : nullptr;
  auto text = detail && detail->is_string() ? std::string(detail->get_string()) : answer.body;
  return {answer.status == 404   ? errc::till_unknown
          : answer.status == 409 ? errc::record_gap
          : answer.status == 400 ? errc::invalid_params
                                 : errc::internal,
          text};
}

result<wire::replacement> ask_running(const http_answer& answer) {
  if (answer.status != 200) return refusal_in(answer);
  boost::system::error_code problem;
  auto body = json::parse(answer.body, problem);
  auto* order = !problem && body.is_object() ? body.get_object().if_contains("order") : nullptr;
  if (!order || !order->is_string()) return error{errc::internal, "the server's answer cannot be read"};
  return wire::replacement::parse(order->get_string());
}

// The database of a stopped server, with all that the running one has around it.
struct stopped_server {
  asio::io_context io{1};
  base::system_clock clock;
  std::unique_ptr<server> it;
};

result<> open_stopped(const config& c, stopped_server& s) {
  if (::access(c.database.c_str(), F_OK) != 0)
    return error{errc::storage_failed, c.database + " does not exist"};
  server::options how;
  how.storage.create = false;
  auto opened = server::open(s.io, c, s.clock, how);
  if (!opened) return opened.error();
  s.it = std::move(*opened);
  return {};
}

}  // namespace

result<replacement_wish> read_replacement_wish(const std::string& text) {
  boost::system::error_code problem;
  auto value = json::parse(text, problem);
  error wrong{errc::invalid_params,
              "the body must have public_key and reason, and may have by, seen_up_to, seen_by, "
              "accept_loss and order"};
  if (problem || !value.is_object()) return wrong;
  replacement_wish w;
  std::string key, order;
  for (auto& [name, v] : value.get_object()) {
    auto is = [&, &member = name](std::string_view wanted) { return std::string_view(member) == wanted; };
    if (v.is_string() && v.get_string().size() <= 2048) {
      auto text_in = std::string(v.get_string());
      if (is("public_key"))
        key = text_in;
      else if (is("reason"))
        w.reason = text_in;
      else if (is("by"))
        w.by = "http, " + text_in;
      else if (is("seen_by"))
        w.seen_by = text_in;
      else if (is("order"))
        order = text_in;
      else
        return wrong;
    } else if (v.is_bool() && is("accept_loss")) {
      w.accept_loss = v.get_bool();
    } else if (v.is_number() && is("seen_up_to")) {
      w.seen_up_to = v.to_number<std::uint64_t>(problem);
      if (problem) return wrong;
    } else {
      return wrong;
    }
  }
  if (w.reason.empty() || w.reason.size() > reason_octets_max || w.by.size() > reason_octets_max)
    return wrong;
  if (w.by.empty()) w.by = "http";
  auto k = read_key_text(key);
  if (!k) return k.error();
  w.key = *k;
  if (!order.empty()) {
    auto read = wire::replacement::parse(order);
    if (!read) return read.error();
    w.order = std::move(*read);
  }
  return w;
}

result<wire::replacement> replace_till(const config& c, const replace_options& o) {
  replacement_wish w;
  w.reason = o.reason;
  w.by = who_runs_this();
  w.accept_loss = o.accept_loss;
  if (!o.order_in.empty()) {
    auto octets = base::read_file(o.order_in, 4096);
    if (!octets) return error{errc::file_refused, octets.error().detail};
    auto order = wire::replacement::parse(base::as_text(*octets));
    if (!order) return order.error();
    w.key = order->key;
    w.order = std::move(*order);
  } else {
    auto key = read_key_text(o.public_key);
    if (!key) return key.error();
    w.key = *key;
  }
  if (auto seen = see(o.till, o.seen, w); !seen) return seen.error();
  if (!o.order_out.empty() && ::access(o.order_out.c_str(), F_OK) == 0)
    return error{errc::file_refused, o.order_out + ": it exists"};

  result<wire::replacement> order = error{errc::internal, "nothing happened"};
  auto asked = http_ask(c.http, c.token_path(), "POST", "/v1/tills/" + o.till + "/replace", body_of(w));
  if (asked) {
    order = ask_running(*asked);
  } else {
    stopped_server s;
    if (auto opened = open_stopped(c, s); !opened) return opened.error();
    s.it->intake().replace(o.till, std::move(w),
                           [&](result<wire::replacement> done) { order = std::move(done); });
    s.io.run();
  }
  if (!order || o.order_out.empty()) return order;
  if (auto written = base::write_file_durably(o.order_out, base::as_bytes(order->text() + "\n"), 0644);
      !written)
    return written.error();
  return order;
}

result<std::uint64_t> complete_till(const config& c, const std::string& till, const std::string& file,
                                    const std::string& signer, const std::string& reason) {
  auto e = read_export(file);
  if (!e) return e.error();
  if (e->head.till != till) return error{errc::file_refused, file + ": it is of till " + e->head.till};
  stopped_server s;
  if (auto opened = open_stopped(c, s); !opened) return opened.error();
  auto& machine = s.it->intake().machine();
  if (!machine.tills().count(till)) return error{errc::till_unknown, "no till " + till + " is listed here"};
  auto trusted = machine.key_of(till);
  if (!signer.empty()) {
    auto key = read_key_text(signer);
    if (!key) return key.error();
    trusted = *key;
  }
  // Without a signature over its end, the file could hold whatever somebody computed behind a known record.
  auto vouched = std::find_if(e->said.begin(), e->said.end(), [&](auto& said) {
    return said.key == trusted && said.head == e->end && said.genuine(till);
  });
  if (vouched == e->said.end())
    return error{errc::export_damaged,
                 file + ": its last record is not signed with the key " + base::to_hex(trusted)};

  std::uint64_t taken = 0;
  auto has = machine.standing_of(till).head.sequence;
  auto first = e->head.before.sequence + 1;
  if (has + 1 < first)
    return error{errc::record_gap, file + ": begins with record " + std::to_string(first) +
                                       ", held here are those up to " + std::to_string(has)};
  for (std::size_t at = has + 1 - first; at < e->records.size(); at += brought_at_once) {
    sync::append some;
    auto end = std::min(at + brought_at_once, e->records.size());
    some.first = first + at;
    some.previous = at == 0 ? e->head.before.hash : e->records[at - 1].hash;
    some.records.assign(e->records.begin() + static_cast<std::ptrdiff_t>(at),
                        e->records.begin() + static_cast<std::ptrdiff_t>(end));
    result<> outcome = error{errc::internal, "nothing happened"};
    s.it->intake().complete(till, std::move(some), base::to_hex(trusted), reason, who_runs_this(),
                            [&](result<> done) { outcome = std::move(done); });
    s.io.restart();
    s.io.run();
    if (!outcome) return outcome.error();
    taken += end - at;
  }
  return taken;
}

}  // namespace tilld::central
