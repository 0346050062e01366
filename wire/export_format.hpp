// The export of a journal as octets: a head, records as stored, what others and the till itself signed about
// them, an end. docs/export-format.md has the grammar with worked octets; export_format_test.cpp holds them
// as golden values. No I/O.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/crypto.hpp"
#include "base/record.hpp"

namespace tilld::wire {

inline constexpr std::string_view export_magic = "tilld.export.2\n";            // and a zero octet: 16
inline constexpr std::string_view export_statement_magic = "tilld.export.say";  // 16
inline constexpr std::string_view export_end_magic = "tilld.export.end";        // 16
inline constexpr std::size_t export_head_size = 96;
inline constexpr std::size_t export_statement_size = 204;
inline constexpr std::size_t export_end_size = 56;

struct export_head {
  std::string till;
  base::chain_head
      before;  // the record before the first one; {1, 0, zeros} when the export begins with the journal
};

// Somebody's signed word on where a journal stands. The first one of a file is its writer's.
struct export_statement {
  enum class signer : std::uint8_t {
    till = 1,    // over base::checkpoint_text()
    server = 2,  // over wire::sync::acknowledgement::signed_text()
  };
  signer by = signer::till;
  base::public_key key{};
  base::chain_head head;
  std::uint64_t central_sequence = 0;  // of a server: where its own chain stood; else zeros
  base::hash256 central_hash{};
  base::signature signature{};

  // Whether it is what that key signed about this till.
  bool genuine(std::string_view till) const;
  bool operator==(const export_statement&) const = default;
};

struct export_end {
  std::uint64_t records = 0;
  base::hash256 last{};  // hash of the last record; that of `before` in an export without records
};

// The caller guarantees a short name.
std::string encode(const export_head& head);
std::string encode(const base::record& record);
std::string encode(const export_statement& statement);
std::string encode(const export_end& end);

// Takes an export apart, whatever the size of the pieces that it is fed. It checks the shape of the file;
// whether the chain holds is chain_report's question.
class export_reader {
 public:
  enum class part { head, record, statement, end };

  void feed(std::string_view octets) { buffer_.append(octets); }
  // The next whole part, or nothing when more octets are needed. export_damaged for what is no export and for
  // octets behind the end; nothing can be read after that.
  base::result<std::optional<part>> next();

  const export_head& head() const { return head_; }
  const base::record& record() const { return record_; }
  const export_statement& statement() const { return statement_; }
  const export_end& end() const { return end_; }
  bool at_end() const { return state_ == state::done; }
  // Octets taken as parts so far, to say where in the file the damage is.
  std::uint64_t offset() const { return offset_; }

 private:
  enum class state { before_head, in_records, in_statements, done };
  base::error damaged(const std::string& why) const;
  std::string_view ahead() const { return std::string_view(buffer_).substr(taken_); }
  void take(std::size_t size);
  base::result<std::optional<part>> next_head();
  base::result<std::optional<part>> next_record();
  base::result<std::optional<part>> next_behind_records();

  std::string buffer_;
  std::size_t taken_ = 0;
  std::uint64_t offset_ = 0;
  state state_ = state::before_head;
  export_head head_;
  base::record record_;
  export_statement statement_;
  export_end end_;
};

}  // namespace tilld::wire
