// journal ...: through the daemon, from an export, or from a copy of the database.
#include <algorithm>

#include <boost/json.hpp>

#include "ctl/chain_report.hpp"
#include "ctl/database_copy.hpp"
#include "ctl/export_file.hpp"
#include "ctl/members.hpp"
#include "ctl/phrase.hpp"
#include "ctl/verbs.hpp"
#include "ctl/views.hpp"
#include "wire/base64.hpp"

namespace tilld::ctl {

using base::errc;
using base::error;

namespace {

// A chain of a million records takes the daemon some seconds; a slow disk much longer.
constexpr auto verify_wait = std::chrono::minutes(10);

std::string one_line(const boost::json::object& o) { return boost::json::serialize(o) + "\n"; }

exit_code show_report(const surroundings& s, const boost::json::object& report) {
  auto then = flag_of(report, "whole") ? exit_code::ok : exit_code::failed;
  return say(s.json ? one_line(report) : show_verification(report, s.out), then);
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
  // The record before the first one says what the export chains to.
  auto slice = read_slice(*daemon, std::max<std::uint64_t>(o.from, 2) - 1, 1, wait);
  if (!slice) return fail(s, slice.error());
  auto head = static_cast<std::uint64_t>(integer_of(*slice, "head").value_or(0));
  if (o.from > head)
    return refuse({errc::record_not_found,
                   "record " + std::to_string(o.from) + ": the journal ends at " + std::to_string(head)});
  export_head begin{text_of(*slice, "till"), {}};
  if (!base::is_short_name(begin.till))
    return refuse({errc::record_damaged, "the daemon did not say which till it is"});
  if (o.from > 1) {
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
  while (report.head().sequence < head) {
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
  if (auto done = (*file)->finish(); !done) return refuse(done.error());
  auto answer = report.json();
  answer["file"] = o.path;
  answer["records"] = report.records();
  answer["octets"] = (*file)->octets();
  if (s.json) return say(one_line(answer));
  return say(harmless(o.path) + ": " +
             count(static_cast<std::int64_t>(report.records()), "record", "records") + " in " +
             count(static_cast<std::int64_t>((*file)->octets()), "octet", "octets") + "\n" +
             show_verification(answer, s.out));
}

}  // namespace tilld::ctl
