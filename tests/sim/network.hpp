// The network between tills and central servers: TCP as a program sees it. Within a connection octets arrive
// in order or not at all; a connection may be cut at any octet, one side may never learn of it, and what an
// old one still carries arrives after a new one was made. A partition holds octets back, in one direction or
// both.
#pragma once

#include <deque>
#include <map>
#include <memory>

#include "tests/sim/machine.hpp"
#include "tests/sim/swarm.hpp"

namespace tilld::sim {

class connection;

// One end of a connection. The calls come in the process of that end; none comes after closed() or after the
// life in which the end was made.
class line_end {
 public:
  virtual ~line_end() = default;
  virtual void connected(connection& c) = 0;
  virtual void arrived(connection& c, base::byte_view octets) = 0;
  virtual void ended(connection& c, std::string_view why) = 0;
};

enum class side { till, central };
inline side opposite(side s) { return s == side::till ? side::central : side::till; }

class network {
 public:
  network(world& w, const swarm& rates) : world_(w), rates_(rates) {}

  // From inside the till's process. `accept` is called in the process of the other machine and yields its
  // end.
  std::shared_ptr<connection> connect(machine& from, line_end& end, machine& to,
                                      std::function<line_end*(std::shared_ptr<connection>)> accept);
  void partition(machine& a, machine& b, bool there, bool back, std::uint64_t ms);
  // The faults stop: nothing is held back or broken any more.
  void calm() { calm_ = true; }

 private:
  friend class connection;
  // Until when what one machine sends to the other is held back.
  std::uint64_t held_until(const machine& from, const machine& to) const;

  world& world_;
  const swarm& rates_;
  std::map<std::pair<const machine*, const machine*>, std::uint64_t> held_;
  bool calm_ = false;
};

class connection : public std::enable_shared_from_this<connection> {
 public:
  connection(network& n, machine& till, machine& central);

  // From inside the process of that side. Octets are a frame or several.
  void send(side from, base::byte_string octets);
  // What was sent still arrives; nothing is heard any more.
  void close(side from);
  // This side has no more to say, but listens.
  void half_close(side from);
  // The machine of that side is gone: its kernel says so, or, without power, nobody.
  void orphaned(side which, death how);

 private:
  friend class network;
  struct end_point {
    machine* where = nullptr;
    line_end* who = nullptr;
    std::uint64_t life = 0;
    bool open = false;
    std::deque<base::byte_string> coming;  // towards this end; empty octets are the end of the stream
    std::uint64_t last_arrival_ms = 0;
  };
  end_point& at(side s) { return s == side::till ? till_ : central_; }
  void carry(side from, base::byte_string octets);
  void push(side to, base::byte_string octets);
  void arrive(side to);
  void cut();
  void end(side to, std::string_view why);

  network& network_;
  end_point till_, central_;
  bool broken_ = false;
};

}  // namespace tilld::sim
