#include "tests/verify/verify_run.hpp"

#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "base/checkpoint.hpp"
#include "base/file.hpp"
#include "tests/support/process.hpp"
#include "tests/support/scratch.hpp"
#include "tests/support/shop.hpp"

namespace tilld::tests {

using wire::export_statement;

base::record make_record(const base::chain_head& before, const std::string& kind, const std::string& body) {
  base::record_header h;
  h.epoch = before.epoch;
  h.sequence = before.sequence + 1;
  h.id = *base::uuid::parse("018bcfe5-6800-7abc-8123-456789abcdef");
  h.happened = {1'700'000'000'000, 1000, {}, base::clock_trust::synchronised};
  h.till = "till-1";
  h.kind = kind;
  h.body_size = static_cast<std::uint32_t>(body.size());
  auto header = base::encode(h);
  return {header, base::record_hash(before.hash, header, base::as_bytes(body)), body};
}

sample_journal::sample_journal(std::size_t count, std::uint8_t till_seed) : till_(key_of(till_seed)) {
  for (std::uint64_t n = 1; n <= count; ++n) {
    auto before = head_at(n - 1);
    bool point = n % 5 == 0;
    records.push_back(
        make_record(before, point ? std::string(base::checkpoint_kind) : "sale",
                    point ? base::make_checkpoint(*till_, "till-1", before, "count").body()
                          : R"({"total":{"minor":)" + std::to_string(1000 + n) + R"(,"currency":"EUR"}})"));
  }
}

base::chain_head sample_journal::head_at(std::uint64_t sequence) const {
  if (sequence == 0) return {};
  auto h = records.at(sequence - 1).decoded();
  return {h->epoch, sequence, records[sequence - 1].hash};
}

void sample_journal::rewrite_from(std::uint64_t sequence, const std::string& body) {
  for (auto n = sequence; n <= records.size(); ++n) {
    auto& r = records[n - 1];
    r = make_record(head_at(n - 1), r.decoded()->kind, n == sequence ? body : r.body);
  }
}

export_statement sample_journal::said_by_till(std::uint64_t sequence) const {
  auto made = base::make_checkpoint(*till_, "till-1", head_at(sequence), "count");
  return {export_statement::signer::till, made.by, made.head, 0, {}, made.signature};
}

export_statement sample_journal::said_by_server(const base::signing_key& server,
                                                std::uint64_t sequence) const {
  wire::sync::acknowledgement a{head_at(sequence), 70 + sequence, base::hash256{9}, {}};
  a.signature = server.sign(a.signed_text("till-1"));
  return {export_statement::signer::server,
          server.public_half(),
          a.head,
          a.central_sequence,
          a.central_hash,
          a.signature};
}

std::string export_of(const std::vector<base::record>& records, const base::chain_head& before,
                      const std::vector<export_statement>& said) {
  auto octets = wire::encode(wire::export_head{"till-1", before});
  for (auto& r : records) octets += wire::encode(r);
  for (auto& s : said) octets += wire::encode(s);
  return octets +
         wire::encode(wire::export_end{records.size(), records.empty() ? before.hash : records.back().hash});
}

std::string export_of(const sample_journal& j, std::uint64_t from, std::uint64_t to,
                      const std::vector<export_statement>& said) {
  std::vector<base::record> some(j.records.begin() + static_cast<std::ptrdiff_t>(from - 1),
                                 j.records.begin() + static_cast<std::ptrdiff_t>(to));
  return export_of(some, j.head_at(from - 1), said);
}

std::string verdict::findings() const {
  std::string text;
  for (auto& f : json.at("findings").as_array())
    text += (text.empty() ? "" : ", ") + std::string(f.at("kind").as_string()) + " " +
            std::to_string(f.at("record").to_number<std::uint64_t>());
  return text;
}

verdict run_verify(const std::vector<std::string>& arguments) {
  scratch_folder folder;
  process::how how;
  how.arguments = arguments;
  how.arguments.push_back("--json");
  how.log = folder.file("said");
  process run(program_path("tilld-verify"), how);
  verdict v;
  v.code = run.wait(std::chrono::seconds(60)).value_or(-1);
  auto said = base::read_file(how.log);
  boost::system::error_code failed;
  auto value = boost::json::parse(said ? base::as_text(*said) : "", failed);
  if (!failed && value.is_object()) v.json = value.as_object();
  return v;
}

}  // namespace tilld::tests
