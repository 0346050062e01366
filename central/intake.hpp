// Where everything that the tills hand in becomes durable: all that is ready goes through apply_machine and
// into one SQLite transaction, and only after its commit do the answers go out. One thread, one connection to
// the database.
//
// When a transaction fails nothing of it happened: the machine forgets it, and everybody who had a part in it
// is refused and has to come again.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <variant>

#include <boost/asio/io_context.hpp>

#include "base/clock.hpp"
#include "base/crypto.hpp"
#include "central/apply_machine.hpp"
#include "central/store.hpp"
#include "wire/sync_frame.hpp"

namespace tilld::central {

// A till's connection as the intake sees it. Neither call may call back into the intake before it returns.
class till_line {
 public:
  virtual ~till_line() = default;
  virtual void send(wire::sync::frame_type type, std::uint64_t request, base::byte_view payload) = 0;
  // From now on the till is believed, and may send more than a stranger.
  virtual void admitted(const std::string& till) = 0;
  // Closes when what was sent is out.
  virtual void close() = 0;
};

class intake {
 public:
  intake(boost::asio::io_context& io, store& s, apply_machine machine, const base::signing_key& key,
         const base::clock& clock);

  // Writes a changed listing of the tills into the chain, at the next opportunity.
  void note_listing() { push(listing_read{}); }

  // Reads where everything stands. Once, first.
  base::result<> load();

  connection_id opened(till_line& line);
  // After this nothing is sent to the line any more.
  void closed(connection_id connection);

  // Each is taken in at the next opportunity; the answer comes through the line.
  void greeted(connection_id connection, std::uint64_t request, wire::sync::hello h,
               base::byte_string proof_text, const base::signature& proof_signature);
  void append(connection_id connection, std::uint64_t request, wire::sync::append batch);
  void pong(connection_id connection, std::uint64_t request);
  void release(std::string till, std::string reason, std::string by,
               std::function<void(base::result<>)> then);
  // The order is signed when it is durable that the old device is refused.
  void replace(std::string till, replacement_wish wish,
               std::function<void(base::result<wire::replacement>)> then);
  void complete(std::string till, wire::sync::append records, std::string source, std::string reason,
                std::string by, std::function<void(base::result<>)> then);
  // Now and then: time-outs of the machine, checkpoint, recovery from a full disk.
  void tick();

  const apply_machine& machine() const { return machine_; }
  store& storage() { return store_; }
  // Set when the database cannot be trusted any more; nothing is taken then.
  const std::optional<base::error>& broken() const { return broken_; }

 private:
  struct greeting {
    connection_id connection;
    std::uint64_t request;
    wire::sync::hello hello;
  };
  struct proof {
    base::byte_string text;
    base::signature signature;
    base::public_key key;
  };
  struct batch {
    connection_id connection;
    std::uint64_t request;
    wire::sync::append records;
  };
  struct sign_of_life {
    connection_id connection;
    std::uint64_t request;
  };
  struct gone {
    connection_id connection;
  };
  struct wish_to_release {
    std::string till, reason, by;
    std::function<void(base::result<>)> then;
  };
  struct wish_to_replace {
    std::string till;
    replacement_wish wish;
    std::function<void(base::result<wire::replacement>)> then;
  };
  struct wish_to_complete {
    std::string till;
    wire::sync::append records;
    std::string source, reason, by;
    std::function<void(base::result<>)> then;
  };
  struct listing_read {};
  struct moment_passed {};
  using item = std::variant<greeting, batch, sign_of_life, gone, wish_to_release, wish_to_replace,
                            wish_to_complete, listing_read, moment_passed>;

  void push(item i);
  void schedule();
  void take_group();
  base::result<> take(item& i);
  base::result<> take(wish_to_replace& wish, const item& from);
  base::result<> take(wish_to_complete& wish, const item& from);
  base::result<> carry_out(apply_decisions decisions, const item& from);
  base::result<> carry_out(decision::keep_records& d, const item& from);
  base::result<> carry_out(decision::keep_event& d, const item&);
  base::result<> carry_out(decision::keep_standing& d, const item&);
  base::result<> carry_out(decision::acknowledge& d, const item&);
  base::result<> carry_out(decision::admit& d, const item&);
  base::result<> carry_out(decision::refuse& d, const item&);
  base::result<> carry_out(decision::ping& d, const item&);
  base::result<> carry_out(decision::close& d, const item&);
  base::result<> carry_out(decision::tell& d, const item&);
  base::result<> write();
  void refuse_group(std::deque<item>& group, const base::error& why);
  moment now() const;
  void later(connection_id to, std::function<void(till_line&)> what);

  boost::asio::io_context& io_;
  store& store_;
  apply_machine machine_;
  const base::signing_key& key_;
  const base::clock& clock_;
  std::map<connection_id, till_line*> lines_;
  connection_id last_connection_ = 0;
  std::map<connection_id, proof> proofs_;  // of those that are not admitted yet
  std::deque<item> waiting_;
  bool scheduled_ = false;
  bool writing_ = false;  // the group's transaction is open
  std::vector<std::pair<connection_id, std::function<void(till_line&)>>> after_commit_;
  std::vector<std::function<void()>> released_;
  std::optional<base::error> broken_;
};

}  // namespace tilld::central
