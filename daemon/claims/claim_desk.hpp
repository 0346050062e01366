// The claims of a running till: claim_book with a timer, with those who wait in line, and with the events
// that tell of it.
//
//   claims.changed            to everybody      {"device", "claim": as describe(), or null}
//   device.release_requested  to the holder     {"claim", "device", "by", "answer_within_ms"}
//   device.claim_lost         to who held it    {"claim", "device", "why", "by"?}
//   device.input_dropped      to the holder     {"claim", "device"}
//
// [I/O thread]
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/json/object.hpp>

#include "base/cancellation.hpp"
#include "daemon/claims/acts_in_hand.hpp"
#include "daemon/claims/claim_book.hpp"
#include "daemon/events/event_hub.hpp"

namespace tilld::daemon {

class claim_desk {
 public:
  claim_desk(boost::asio::any_io_executor executor, const base::clock& clock, event_hub& events);

  enum class manner { wait, force };
  // As claim_book has it, and waits in line where the terms say so. Cancelled in line: errc::cancelled.
  boost::asio::awaitable<base::result<claim_view>> claim(std::string device, claimant who, claim_terms terms,
                                                         manner how,
                                                         std::shared_ptr<base::cancellation> cancel);
  base::result<claim_view> take_up(const std::string& claim, const claimant& who, const claim_terms& terms);
  base::result<claim_view> keep(const std::string& claim, const claimant& who);
  base::result<claim_view> retain(const std::string& claim, const claimant& who);
  base::result<> release(const std::string& claim, const claimant& who);
  base::result<claim_book::next_input> next(const std::string& claim, const claimant& who);
  void hang_up(std::uint64_t connection);

  // A plugin's event: to the holder alone where the device is claimed and the event is input, else to
  // everybody. What tells a state (its last word ends in "_changed") is everybody's.
  void publish(std::string topic, std::string device, std::string data);

  // Something of somebody who may act on the device is in hand there, while what is returned lives; when the
  // device goes to somebody else it is wished away.
  std::shared_ptr<acts_in_hand::act> begin_act(const std::string& device, acts_in_hand::actor who,
                                               std::shared_ptr<base::cancellation> wish) {
    return acts_.begin(device, std::move(who), book_.find(device), std::move(wish));
  }

  const claim_book& book() const { return book_; }
  // holder, client, here (whether its connection is), ends_in_ms, waiting, one_at_a_time, inputs_held; null
  // where it is shared.
  boost::json::value describe(const std::string& device) const;

 private:
  struct waiting_call {
    boost::asio::steady_timer answered;
    std::uint64_t connection = 0;
    std::optional<base::result<std::string>> answer;  // the claim
  };
  void carry_out_steps();
  void set_timer();
  base::result<claim_view> view_of(const base::result<std::string>& claim) const;
  void tell_holder(std::string topic, std::string claim, std::uint64_t connection, boost::json::object data);

  boost::asio::any_io_executor executor_;
  const base::clock& clock_;
  event_hub& events_;
  claim_book book_;
  acts_in_hand acts_;
  boost::asio::steady_timer timer_;
  std::map<std::uint64_t, std::shared_ptr<waiting_call>> waiting_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace tilld::daemon
