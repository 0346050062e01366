// What central keeps: its chain with the records of all tills, and where it stands with each of them. One
// SQLite database, one connection, one thread; reads happen between the transactions of the same thread.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/record.hpp"
#include "base/sqlite.hpp"
#include "central/apply_machine.hpp"

namespace tilld::central {

std::span<const base::migration> central_migrations();

// A row of the chain as it lies there.
struct stored_entry {
  own_head place;
  entry_kind kind{};
  std::string till;
  std::uint64_t till_sequence = 0;  // 0 for an event
  base::record record;              // of a record
  std::string text;                 // of an event
  std::int64_t recorded_ms = 0;
};

// Evidence about a till that lies beside its records.
struct till_evidence {
  std::optional<wire::sync::acknowledgement> acknowledged;
  base::byte_string proof_text;
  base::signature proof_signature{};
  base::public_key proof_key{};
};

class store {
 public:
  struct options {
    const char* vfs = nullptr;
    std::int64_t ballast_size = 8 << 20;
    bool create = true;
  };
  // The database must belong to this key: config_wrong_value when it was made under another one.
  static base::result<std::unique_ptr<store>> open(const std::string& path, const base::public_key& own_key,
                                                   const options& how);

  // Reading. Whole tables only where they are as small as the number of tills.
  base::result<own_head> own();
  base::result<std::map<std::string, standing>> standings();
  base::result<std::map<std::string, till_evidence>> evidence();
  base::result<std::vector<base::hash256>> record_hashes(const std::string& till, std::uint64_t first,
                                                         std::size_t count_max);
  base::result<std::optional<base::hash256>> own_hash(std::uint64_t sequence);
  // Entries from this number on, at most so many rows and about so many octets of content.
  base::result<std::vector<stored_entry>> entries(std::uint64_t from, std::size_t count_max,
                                                  std::size_t octets_max);
  base::result<std::vector<stored_entry>> records(const std::string& till, std::uint64_t from,
                                                  std::size_t count_max, std::size_t octets_max);
  base::result<std::vector<stored_entry>> events(std::size_t count_max);  // the newest
  // In their order, those behind this number of central's.
  base::result<std::vector<stored_entry>> events_after(std::uint64_t sequence, std::size_t count_max);

  // Writing, between begin() and commit(). storage_full when the disk is full: the ballast was then given
  // back and writing is refused until recover() found room again.
  base::result<> begin();
  base::result<> commit();
  void rollback() { db_->rollback(); }
  base::result<> keep(const base::record& r, const std::string& till, std::uint64_t sequence,
                      const own_head& entry, std::int64_t recorded_ms);
  base::result<> keep_event(entry_kind kind, const std::string& till, const std::string& text,
                            const own_head& entry, std::int64_t recorded_ms);
  base::result<> keep_standing(const std::string& till, const standing& s);
  base::result<> keep_acknowledgement(const std::string& till, const wire::sync::acknowledgement& a);
  base::result<> keep_proof(const std::string& till, base::byte_view text, const base::signature& s,
                            const base::public_key& key);
  base::result<> keep_own(const own_head& head);

  // Moves the write-ahead log into the file when it has grown; call between transactions. Small and often, so
  // that none takes long.
  base::result<> checkpoint_if_due();
  // Call now and then. After a full disk: tries to get the ballast back and, with it, lets writing go on.
  void recover();
  bool full() const { return full_; }
  bool failed() const { return db_->failed(); }

 private:
  explicit store(std::unique_ptr<base::database> db, const std::string& path, std::int64_t ballast_size);
  base::result<> prepare_all(const base::public_key& own_key);
  // Passes an error on; one that says the disk is full gives the ballast back.
  base::result<> judged(base::result<> done);

  std::unique_ptr<base::database> db_;
  base::ballast ballast_;
  bool full_ = false;
  base::statement own_, keep_own_, standings_, hashes_, own_hash_, entries_, records_, events_, events_after_,
      insert_, standing_, acknowledge_, prove_;
};

}  // namespace tilld::central
