// Keeps the journal from growing for ever: what every destination has signed for and is old enough is moved,
// segment by segment, into files of its own (docs/export-format.md) and taken out of the journal. The chain
// is verified over the cut, from where it begins then; the keys of operations stay.
//
// A segment is in the journal or it is not: the file is durable and was read back before the rows go, and
// they go in one transaction. A crash in between leaves both, and the next try writes the same file again.
// The files are written on a thread beside, so that sales do not wait for them. [I/O thread]
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>

#include "base/clock.hpp"
#include "base/crypto.hpp"
#include "daemon/store/store.hpp"

namespace tilld::daemon {

class retention {
 public:
  struct options {
    std::string till;
    std::string folder;                     // for the files; made when the first one is written
    std::uint64_t days = 0;                 // 0: nothing is ever moved
    std::uint64_t segment_records = 1000;   // of each file
    std::vector<std::string> destinations;  // all that must have signed; without any nothing is moved
  };
  // `aside` runs what waits for the disk. All must outlive the work of both executors.
  retention(boost::asio::any_io_executor executor, boost::asio::any_io_executor aside, store& journal,
            const base::signing_key& key, const base::clock& clock, options how);
  ~retention();
  retention(const retention&) = delete;

  // Looks now and then, and goes on at once while there is more to move.
  void start();
  void stop();
  void look();

  std::uint64_t segments_moved() const { return segments_moved_; }
  // A segment is being moved.
  bool busy() const { return busy_; }

 private:
  struct segment;
  std::uint64_t signed_by_all() const;
  void gather(std::shared_ptr<segment> s);
  void judge(std::shared_ptr<segment> s);
  void write(std::shared_ptr<segment> s);
  void remove(std::shared_ptr<segment> s);
  void finish(const base::result<>& outcome);
  void arm();

  boost::asio::any_io_executor executor_, aside_;
  boost::asio::steady_timer timer_;
  store& journal_;
  const base::signing_key& key_;
  const base::clock& clock_;
  options how_;
  bool busy_ = false, stopped_ = false;
  std::uint64_t segments_moved_ = 0;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

// "till-1-000000000001-000000001000.tilld"
std::string segment_name(const std::string& till, std::uint64_t first, std::uint64_t last);

}  // namespace tilld::daemon
