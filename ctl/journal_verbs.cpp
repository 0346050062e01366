// journal ...: through the daemon, from an export, or from a copy of the database.
#include <algorithm>

#include <boost/json.hpp>

#include "ctl/database_copy.hpp"
#include "ctl/members.hpp"
#include "ctl/phrase.hpp"
#include "ctl/verbs.hpp"
#include "ctl/views.hpp"
#include "wire/base64.hpp"
#include "wire/chain_report.hpp"
#include "wire/export_file.hpp"

namespace tilld::ctl {

using base::errc;
using base::error;
using wire::chain_report;
using wire::export_file;
using wire::export_head;
using wire::export_statement;
using wire::verify_export;

namespace {

// A chain of a million records takes the daemon some seconds; a slow disk much longer.
constexpr auto verify_wait = std::chrono::minutes(10);

exit_code show_report(const surroundings& s, const boost::json::object& report) {
  auto then = flag_of(report, "whole") ? exit_code::ok : exit_code::failed;
  return say(s.json ? one_line(report) : show_verification(report, s.out), then);
}

template <std::size_t N>
bool read_octets(const boost::json::object& from, std::string_view member, std::array<std::uint8_t, N>& to) {
  auto octets = base::from_hex(text_of(from, member));
  if (!octets || octets->size() != N) return false;
  std::copy(octets->begin(), octets->end(), to.begin());
  return true;
}

// What the till or one of its destinations signed, as journal.attest has it.
base::result<export_statement> read_statement(const boost::json::object& from, export_statement::signer by) {
  export_statement s;
  s.by = by;
  s.head.epoch = static_cast<std::uint32_t>(integer_of(from, "epoch").value_or(0));
  s.head.sequence = static_cast<std::uint64_t>(integer_of(from, "sequence").value_or(0));
  bool whole = read_octets(from, "public_key", s.key) && read_octets(from, "hash", s.head.hash) &&
               read_octets(from, "signature", s.signature);
  if (by == export_statement::signer::server) {
    s.central_sequence = static_cast<std::uint64_t>(integer_of(from, "central_sequence").value_or(0));
    whole = whole && read_octets(from, "central_hash", s.central_hash);
  }
  if (!whole) return error{errc::record_damaged, "the daemon sent a signature that cannot be read"};
  return s;
}

// A record of journal.read, octet for octet.
base::result<base::record> read_record(const boost::json::value& from) {
  error unreadable{errc::record_damaged, "the daemon sent a record that cannot be read"};
  if (!from.is_object()) return unreadable;
  auto header = base::from_hex(text_of(from.get_object(), "header"));
  auto hash = base::from_hex(text_of(from.get_object(), "hash"));
  auto body = wire::from_base64(text_of(from.get_object(), "body"));
  base::record r;
  if (!header || header->size() != r.header.size() || !hash || hash->size() != r.hash.size() || !body)
    return unreadable;
  std::copy(header->begin(), header->end(), r.header.begin());
  std::copy(hash->begin(), hash->end(), r.hash.begin());
  r.body = std::move(*body);
  return r;
}

outcome<boost::json::object> read_slice(connection& daemon, std::uint64_t from, std::int64_t limit,
                                        std::chrono::milliseconds at_most) {
  return daemon.call("journal.read", {{"from", from}, {"limit", limit}}, at_most);
}

}  // namespace

exit_code journal_head(const surroundings& s) {
  auto answer = ask(s, "journal.head", {});
  if (!answer) return fail(s, answer.error());
  return say(s.json ? one_line(*answer) : show_head(*answer, s.out));
}

exit_code verify_journal(const surroundings& s) {
  auto answer = ask(s, "journal.verify", {}, verify_wait);
  if (!answer) return fail(s, answer.error());
  return show_report(s, *answer);
}

exit_code prove_journal(const surroundings& s) {
  auto answer = ask(s, "journal.prove", {}, verify_wait);
  if (!answer) return fail(s, answer.error());
  auto then = flag_of(*answer, "agrees") ? exit_code::ok : exit_code::failed;
  return say(s.json ? one_line(*answer) : show_proof(*answer, s.out), then);
}

exit_code verify_export_file(const surroundings& s, const std::string& path) {
  auto report = verify_export(path);
  if (!report) return fail(s, complaint(report.error(), s.language));
  return show_report(s, report->json());
}

exit_code verify_database_file(const surroundings& s, const std::string& path) {
  auto report = verify_database(path);
  if (!report) return fail(s, complaint(report.error(), s.language));
  return show_report(s, report->json());
}

exit_code show_journal_record(const surroundings& s, std::uint64_t sequence) {
  auto answer = ask(s, "journal.read", {{"from", sequence}, {"limit", 1}});
  if (!answer) return fail(s, answer.error());
  auto& records = list_of(*answer, "records");
  if (records.empty() || !records[0].is_object() ||
      integer_of(records[0].get_object(), "sequence") != static_cast<std::int64_t>(sequence)) {
    error none{errc::record_not_found, "record " + std::to_string(sequence) + ": the journal ends at " +
                                           std::to_string(integer_of(*answer, "head").value_or(0))};
    return fail(s, complaint(none, s.language));
  }
  auto& record = records[0].get_object();
  return say(s.json ? one_line(record) : show_record(record, s.out));
}

exit_code export_journal(const surroundings& s, const export_options& o) {
  auto refuse = [&](const error& why) { return fail(s, complaint(why, s.language)); };
  auto wait = s.timeout.value_or(answer_wait);
  auto daemon = connection::open(s.socket, s.language, wait);
  if (!daemon) return fail(s, daemon.error());
  auto ends = daemon->call("journal.head", {}, wait);
  if (!ends) return fail(s, ends.error());
  auto head = static_cast<std::uint64_t>(integer_of(*ends, "sequence").value_or(0));
  auto& begins = object_of(*ends, "beginning");
  auto oldest = static_cast<std::uint64_t>(integer_of(begins, "sequence").value_or(0)) + 1;
  auto from = o.from == 0 ? oldest : o.from;
  if (from > head || from < oldest)
    return refuse({errc::record_not_found, "record " + std::to_string(from) + ": the journal goes from " +
                                               std::to_string(oldest) + " to " + std::to_string(head)});
  export_head begin{text_of(*ends, "till"), {}};
  if (!base::is_short_name(begin.till))
    return refuse({errc::record_damaged, "the daemon did not say which till it is"});
  outcome<boost::json::object> slice = boost::json::object();
  if (from == oldest) {
    begin.before.epoch = static_cast<std::uint32_t>(integer_of(begins, "epoch").value_or(1));
    begin.before.sequence = oldest - 1;
    if (!read_octets(begins, "hash", begin.before.hash))
      return refuse({errc::record_damaged, "the daemon did not say where its journal begins"});
  } else {
    // The record before the first one says what the export chains to.
    slice = read_slice(*daemon, from - 1, 1, wait);
    if (!slice) return fail(s, slice.error());
    auto& records = list_of(*slice, "records");
    auto before = read_record(records.empty() ? boost::json::value() : records[0]);
    auto header = before ? before->decoded() : before.error();
    if (!header) return refuse(header.error());
    begin.before = {header->epoch, header->sequence, before->hash};
  }

  auto file = export_file::create(
      o.path, o.force ? export_file::present::replace : export_file::present::refuse, begin);
  if (!file) return refuse(file.error());
  chain_report report(begin.till, begin.before);
  std::optional<boost::json::object> attested;
  // Sales go on meanwhile: what the till signs is where its journal stands then, and the file goes on to
  // there.
  while (!attested || report.head().sequence < head) {
    if (report.head().sequence == head) {
      auto answer = daemon->call("journal.attest", {}, wait);
      if (!answer) return fail(s, answer.error());
      head = static_cast<std::uint64_t>(integer_of(*answer, "sequence").value_or(0));
      attested = std::move(*answer);
      continue;
    }
    slice = read_slice(*daemon, report.head().sequence + 1, 1000, wait);
    if (!slice) return fail(s, slice.error());
    auto& records = list_of(*slice, "records");
    if (records.empty()) report.break_off("the record is missing");
    for (auto& one : records) {
      if (report.head().sequence == head) break;
      auto record = read_record(one);
      if (!record) return refuse(record.error());
      if (!report.take(*record)) break;
      if (auto added = (*file)->add(*record); !added) return refuse(added.error());
    }
    // An export that does not verify would only carry the damage on.
    if (!report.whole())
      return refuse({errc::journal_damaged, "record " + std::to_string(report.head().sequence + 1) + ": " +
                                                text_of(report.json(), "why")});
  }
  auto say = [&](const boost::json::object& from, export_statement::signer by) -> base::result<> {
    auto said = read_statement(from, by);
    if (!said) return said.error();
    report.hear(*said);
    if (!report.whole()) return error{errc::journal_damaged, text_of(report.json(), "why")};
    return (*file)->add(*said);
  };
  if (auto said = say(*attested, export_statement::signer::till); !said) return refuse(said.error());
  for (auto& d : list_of(*attested, "destinations"))
    if (d.is_object())
      if (auto said = say(d.get_object(), export_statement::signer::server); !said)
        return refuse(said.error());
  if (auto done = (*file)->finish(); !done) return refuse(done.error());
  auto answer = report.json();
  answer["file"] = o.path;
  answer["records"] = report.records();
  answer["octets"] = (*file)->octets();
  if (s.json) return ctl::say(one_line(answer));
  return ctl::say(harmless(o.path) + ": " +
                  count(static_cast<std::int64_t>(report.records()), "record", "records") + " in " +
                  count(static_cast<std::int64_t>((*file)->octets()), "octet", "octets") + "\n" +
                  show_verification(answer, s.out));
}

}  // namespace tilld::ctl
