#include "central/export.hpp"

#include <unistd.h>

#include <functional>

#include <boost/asio/io_context.hpp>
#include <boost/json/parse.hpp>

#include "central/http.hpp"
#include "central/server.hpp"
#include "wire/base64.hpp"
#include "wire/export_file.hpp"

namespace tilld::central {

namespace json = boost::json;
namespace sync = wire::sync;
using base::errc;
using base::error;
using base::result;

namespace {

constexpr std::uint64_t read_at_once = 500;
constexpr std::size_t read_octets_max = 4 << 20;

// Where the records come from: the running server or the database of a stopped one.
struct record_source {
  std::function<result<std::vector<base::record>>(std::uint64_t from)> read;
  std::function<result<wire::export_statement>()> statement;
};

wire::export_statement said_by(const base::public_key& key, const sync::acknowledgement& a) {
  return {
      wire::export_statement::signer::server, key, a.head, a.central_sequence, a.central_hash, a.signature};
}

template <std::size_t N>
bool octets_of(const json::value& from, std::array<std::uint8_t, N>& to) {
  if (!from.is_string()) return false;
  auto octets = base::from_hex(from.get_string());
  if (!octets || octets->size() != N) return false;
  std::copy(octets->begin(), octets->end(), to.begin());
  return true;
}

result<json::object> get(const config& c, const std::string& path) {
  auto asked = http_ask(c.http, c.token_path(), "GET", path, "");
  if (!asked) return asked.error();
  boost::system::error_code problem;
  auto body = json::parse(asked->body, problem);
  if (asked->status != 200)
    return error{asked->status == 404 ? errc::till_unknown : errc::internal,
                 "the server answered " + asked->body};
  if (problem || !body.is_object()) return error{errc::internal, "the server's answer cannot be read"};
  return std::move(body.get_object());
}

const json::value& member_of(const json::object& from, std::string_view name) {
  static const json::value nothing;
  auto* v = from.if_contains(name);
  return v ? *v : nothing;
}

record_source running_server(const config& c, const std::string& till) {
  auto base_path = "/v1/tills/" + till;
  return {[&c, base_path](std::uint64_t from) -> result<std::vector<base::record>> {
            auto page = get(c, base_path + "/raw?from=" + std::to_string(from) +
                                   "&limit=" + std::to_string(read_at_once));
            if (!page) return page.error();
            std::vector<base::record> all;
            auto* list = member_of(*page, "records").if_array();
            if (!list) return error{errc::internal, "the server's answer cannot be read"};
            for (auto& one : *list) {
              base::record r;
              auto* o = one.if_object();
              auto body = o && member_of(*o, "body").is_string()
                              ? wire::from_base64(member_of(*o, "body").get_string())
                              : std::nullopt;
              if (!body || !octets_of(member_of(*o, "header"), r.header) ||
                  !octets_of(member_of(*o, "hash"), r.hash))
                return error{errc::internal, "the server's answer cannot be read"};
              r.body = std::move(*body);
              all.push_back(std::move(r));
            }
            return all;
          },
          [&c, base_path]() -> result<wire::export_statement> {
            auto said = get(c, base_path + "/statement");
            if (!said) return said.error();
            base::public_key key;
            std::array<std::uint8_t, 148> octets;
            if (!octets_of(member_of(*said, "public_key"), key) ||
                !octets_of(member_of(*said, "acknowledgement"), octets))
              return error{errc::internal, "the server's answer cannot be read"};
            auto a = sync::acknowledgement::parse(octets);
            if (!a) return a.error();
            return said_by(key, *a);
          }};
}

record_source database_of(server& s, const std::string& till) {
  return {[&s, till](std::uint64_t from) -> result<std::vector<base::record>> {
            auto found = s.intake().storage().records(till, from, read_at_once, read_octets_max);
            if (!found) return found.error();
            std::vector<base::record> all;
            for (auto& e : *found) all.push_back(std::move(e.record));
            return all;
          },
          [&s, till]() -> result<wire::export_statement> {
            auto& machine = s.intake().machine();
            if (!machine.tills().count(till) && !machine.standings().count(till))
              return error{errc::till_unknown, "no till " + till + " is known here"};
            return said_by(s.key().public_half(), s.statement_on(till));
          }};
}

result<base::chain_head> write_export(const record_source& from, const export_wish& wish) {
  auto said = from.statement();
  if (!said) return said.error();
  wire::export_head head{wish.till, {}};
  if (wish.statement_only) {
    head.before = said->head;
  } else if (wish.from > said->head.sequence + 1) {
    return error{errc::record_gap, "the last record held here is " + std::to_string(said->head.sequence)};
  } else if (wish.from > 1) {
    auto before = from.read(wish.from - 1);
    if (!before) return before.error();
    auto header =
        before->empty() ? error{errc::record_gap, "it is not held here"} : before->front().decoded();
    if (!header) return header.error();
    head.before = {header->epoch, header->sequence, before->front().hash};
  }
  using present = wire::export_file::present;
  auto file = wire::export_file::create(wish.path, wish.force ? present::replace : present::refuse, head);
  if (!file) return file.error();
  wire::chain_report report(wish.till, head.before);
  while (report.head().sequence < said->head.sequence) {
    auto some = from.read(report.head().sequence + 1);
    if (!some) return some.error();
    if (some->empty()) report.break_off("the record is missing");
    for (auto& r : *some) {
      // What came after the signature belongs into the next file.
      if (report.head().sequence == said->head.sequence || !report.take(r)) break;
      if (auto added = (*file)->add(r); !added) return added.error();
    }
    if (!report.whole())
      return error{errc::journal_damaged,
                   "record " + std::to_string(report.head().sequence + 1) + " does not verify"};
  }
  report.hear(*said);
  if (!report.whole())
    return error{errc::journal_damaged, "the records end with another hash than the one that is signed"};
  if (auto added = (*file)->add(*said); !added) return added.error();
  if (auto done = (*file)->finish(); !done) return done.error();
  return said->head;
}

}  // namespace

result<base::chain_head> export_till(const config& c, const export_wish& wish) {
  auto running = running_server(c, wish.till);
  auto asked = running.statement();
  if (asked || asked.error().code != errc::central_unreachable) return write_export(running, wish);
  if (::access(c.database.c_str(), F_OK) != 0)
    return error{errc::storage_failed, c.database + " does not exist"};
  boost::asio::io_context io(1);
  base::system_clock clock;
  server::options how;
  how.storage.create = false;
  auto opened = server::open(io, c, clock, how);
  if (!opened) return opened.error();
  return write_export(database_of(**opened, wish.till), wish);
}

}  // namespace tilld::central
