// A journal of a till with two servers for tests to damage, and tilld-verify run on the files.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <boost/json/object.hpp>

#include "wire/export_format.hpp"
#include "wire/sync.hpp"

namespace tilld::tests {

// The same records on every machine: sales, and a checkpoint as every fifth record.
class sample_journal {
 public:
  explicit sample_journal(std::size_t records, std::uint8_t till_seed = 1);

  // Record `sequence` with another body and a right hash, and all behind it made anew: what somebody does who
  // has the files and not the key. The checkpoints keep the words that the till signed.
  void rewrite_from(std::uint64_t sequence, const std::string& body);

  const base::signing_key& till_key() const { return *till_; }
  const base::signing_key& ledger_key() const { return *ledger_; }
  const base::signing_key& witness_key() const { return *witness_; }
  base::chain_head head_at(std::uint64_t sequence) const;
  wire::export_statement said_by_till(std::uint64_t sequence) const;
  wire::export_statement said_by_server(const base::signing_key& server, std::uint64_t sequence) const;

  std::vector<base::record> records;

 private:
  // Shared, since a copy is made to be damaged and has the same keys.
  using key = std::shared_ptr<const base::signing_key>;
  static key key_of(std::uint8_t seed) {
    return std::make_shared<base::signing_key>(std::array<std::uint8_t, 32>{seed});
  }
  key till_, ledger_ = key_of(2), witness_ = key_of(3);
};

base::record make_record(const base::chain_head& before, const std::string& kind, const std::string& body);

// Records `from` to `to`, with these words behind them.
std::string export_of(const sample_journal& j, std::uint64_t from, std::uint64_t to,
                      const std::vector<wire::export_statement>& said);
std::string export_of(const std::vector<base::record>& records, const base::chain_head& before,
                      const std::vector<wire::export_statement>& said);

struct verdict {
  int code = -1;
  boost::json::object json;
  // "record_changed 4, tail_cut 9"; empty when everything holds.
  std::string findings() const;
};
// The program's --json answer; ends the test with a failure when there is none.
verdict run_verify(const std::vector<std::string>& arguments);

}  // namespace tilld::tests
