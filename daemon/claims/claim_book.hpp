// Who holds which device: the rules of claiming, without I/O. Events and the time go in, steps come out.
//
// A device that nobody claimed is shared. A claim makes one connection its holder, for a time that the holder
// must renew. Who comes meanwhile may wait in line; the holder is then asked to let go and has
// answer_within_ms to say yes (release), no (retain), or nothing, and with nothing it loses the claim, since
// a till that does not answer must not keep the printer of a shop. Staff may take a claim by force.
//
// A connection that hangs up keeps its claim without a connection: the same principal may take it up from
// another one, by the id of the claim, until its time ends or somebody asks and gets no answer.
//
// What the device says while it is claimed (input) is for the holder. One at a time, it waits here until the
// holder asks for the next one; who asks before it comes, and as often as it asks, has it at once. With new
// terms nothing is asked for any more.
//
// Everything ends with the daemon. All times are milliseconds of base::clock::monotonic_ms.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/error.hpp"

namespace tilld::daemon {

// Who asks.
struct claimant {
  std::string principal;
  std::string client;            // for people: name and version of its software
  std::uint64_t connection = 0;  // 0 for one that cannot be told anything
};

struct claim_terms {
  std::uint64_t time_limit_ms = 60'000;
  std::uint64_t wait_ms = 0;
  bool one_at_a_time = false;
};

// Something that the device said.
struct device_input {
  std::string topic;
  std::string data;
};

// What is known of a claim, for device.list and claims.changed.
struct claim_view {
  std::string claim, device;
  claimant holder;  // connection 0 while it hung up
  std::uint64_t time_limit_ms = 0, ends_at_ms = 0;
  std::size_t waiting = 0;      // in line
  std::size_t inputs_held = 0;  // until the holder asks for the next one
  bool one_at_a_time = false;
};

namespace claim_step {

// The answer to claim(), take() or take_up().
struct granted {
  std::uint64_t ticket = 0;
  std::string claim;
};
struct refused {
  std::uint64_t ticket = 0;
  base::error why;
};
// The holder is asked to let go.
struct release_requested {
  std::string claim, device;
  std::uint64_t connection = 0;
  std::string by;  // principal
  std::uint64_t answer_within_ms = 0;
};
// The holder is none any more, and did not ask for that.
struct lost {
  std::string claim, device;
  std::uint64_t connection = 0;
  std::string why;  // "time_limit", "no_answer", "taken"
  std::string by;   // principal, where there is one
};
// Input for the holder, to be told now.
struct deliver {
  std::string claim, device;
  std::uint64_t connection = 0;
  device_input input;
};
// Input is dropped, since the holder does not ask for it. Told at the first of a row.
struct input_dropped {
  std::string claim, device;
  std::uint64_t connection = 0;
};
// Holder or line of a device changed.
struct changed {
  std::string device;
};

}  // namespace claim_step

using claim_steps = std::vector<
    std::variant<claim_step::granted, claim_step::refused, claim_step::release_requested, claim_step::lost,
                 claim_step::deliver, claim_step::input_dropped, claim_step::changed>>;

class claim_book {
 public:
  static constexpr std::uint64_t answer_within_ms = 2000;
  static constexpr std::size_t waiting_max = 32;  // in one line
  static constexpr std::size_t inputs_held_max = 64, inputs_octets_max = 1 << 20;

  // `make_id` names a new claim; never the same twice, also not over restarts.
  explicit claim_book(std::function<std::string()> make_id) : make_id_(std::move(make_id)) {}

  // Each returns a ticket; a step granted or refused with it follows, at once or when the wait is over.
  // Claiming again by the connection that holds renews, with the new terms. By one that waits in line already
  // it takes the place of its earlier one, which is refused with cancelled: a connection has one place.
  // Errors: claimed, and busy when the line is full.
  std::uint64_t claim(const std::string& device, const claimant& who, const claim_terms& terms,
                      std::uint64_t now);
  // Whoever holds loses it. Whether `who` may is not decided here.
  std::uint64_t take(const std::string& device, const claimant& who, const claim_terms& terms,
                     std::uint64_t now);
  // The holder comes back, maybe from another connection. claim_ended where it is not held any more.
  std::uint64_t take_up(const std::string& claim, const claimant& who, const claim_terms& terms,
                        std::uint64_t now);
  // Leaves the line; false when the ticket does not wait.
  bool withdraw(std::uint64_t ticket);

  // By the holder: its connection, or its principal from another one. claim_ended for everybody else.
  base::result<> keep(const std::string& claim, const claimant& who, std::uint64_t now);
  base::result<> retain(const std::string& claim, const claimant& who, std::uint64_t now);
  base::result<> release(const std::string& claim, const claimant& who, std::uint64_t now);
  struct next_input {
    std::size_t waiting = 0;    // that are held still
    std::uint64_t dropped = 0;  // since the last call
  };
  // busy when as many are asked for as could be held.
  base::result<next_input> next(const std::string& claim, const claimant& who);

  // A connection is gone: its places in line too, its claims wait for it.
  void hang_up(std::uint64_t connection);
  // The device said something. False when it is shared, and the input everybody's.
  bool input(const std::string& device, device_input what);
  // Let time pass.
  void tick(std::uint64_t now);
  // When tick() has something to do; nothing without claims.
  std::optional<std::uint64_t> next_tick() const;

  // What is to be done, in order; empty afterwards.
  claim_steps take_steps() { return std::exchange(steps_, {}); }

  std::optional<claim_view> find(const std::string& device) const;
  std::optional<claim_view> find_claim(const std::string& claim) const;
  // Whether somebody acts for the holder of this claim: by its connection, or by its id and its principal.
  static bool is_holder(const claim_view& of, std::uint64_t connection, const std::string& principal,
                        const std::string& claim);
  // What others are told.
  static base::error held_by(const claim_view& of);

 private:
  struct waiter {
    std::uint64_t ticket = 0;
    claimant who;
    claim_terms terms;
    std::uint64_t until = 0;
  };
  struct held {
    std::string id;
    claimant holder;
    claim_terms terms;
    std::uint64_t ends_at = 0;
    std::optional<std::uint64_t> answer_until;  // set while the holder is asked to let go
    std::size_t wanted = 0;                     // that were asked for and did not come yet
    std::deque<device_input> inputs;
    std::size_t octets = 0;
    std::uint64_t dropped = 0;
  };
  struct place {
    std::optional<held> now;
    std::deque<waiter> line;
  };
  using places = std::map<std::string, place>;

  places::iterator place_of(const std::string& claim);
  static claim_view view_of(const std::string& device, const place& at);
  base::result<places::iterator> of_holder(const std::string& claim, const claimant& who);
  void give(const std::string& device, place& at, std::uint64_t ticket, const claimant& who,
            const claim_terms& terms, std::uint64_t now);
  void renew(const std::string& device, held& h, std::uint64_t ticket, const claim_terms& terms,
             std::uint64_t now);
  void end(const std::string& device, place& at, std::uint64_t now);
  void lose(const std::string& device, place& at, std::string why, std::string by);
  void ask_holder(const std::string& device, held& h, const std::string& by, std::uint64_t now);
  void line_shrank(const std::string& device, place& at);

  std::function<std::string()> make_id_;
  places places_;
  std::uint64_t last_ticket_ = 0;
  claim_steps steps_;
};

}  // namespace tilld::daemon
