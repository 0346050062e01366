// Calls that change something: each runs at most once under its key, survives a restart, and answers a
// repetition with the stored octets. The rule is intake/intake.hpp; here it meets the store and the devices.
//
// Two shapes. book(): the whole effect is one transaction (a sale). act(): a device is asked to do something
// that no transaction can take back (print, open, charge):
//   intent stored -> device asked -> answer stored -> answered
// and between any two of these the power may go.
//
// An act() is carried out for its own sake: whoever asked may stop waiting, hang up, or come back with the
// same key.
//
// ask() is for what takes long and changes nothing (await a card, walk the journal), so that one need not
// wait for it either. Nothing of it is ever written down: see kept_answers.hpp. [I/O thread]
#pragma once

#include <chrono>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>

#include "base/cancellation.hpp"
#include "daemon/intake/intake.hpp"
#include "daemon/router/kept_answers.hpp"
#include "daemon/router/router.hpp"
#include "daemon/store/store.hpp"

namespace tilld::daemon {

// What became of asking a device.
struct device_outcome {
  enum class state { done, not_done, running, unknown } what = state::unknown;
  wire::answer result;  // with done
  base::error why;      // otherwise
};

class keyed_calls {
 public:
  keyed_calls(boost::asio::any_io_executor executor, store& s, const base::clock& clock,
              base::byte_string mac_key);

  struct request {
    call what;
    std::span<const std::string_view> secret_members;
    bool seal_answer = false;                         // it holds a bearer code or says who somebody is
    std::optional<base::hash256> mac = std::nullopt;  // content_of() it, when that was computed before
    // How long to wait for the end; after that the answer is {"operation_id", "state": "running"}, and never
    // before the intent is durable. Nothing waits to the end.
    std::optional<std::uint32_t> wait_ms = std::nullopt;
  };

  // Runs inside the transaction; what it returns is stored and answered. An error undoes everything and binds
  // nothing.
  using booking = std::function<base::result<wire::answer>(rows&, const base::uuid& operation)>;
  boost::asio::awaitable<wire::answer> book(request r, booking effect);

  struct device_action {
    std::string device;  // plugin instance
    // `cancel` is wished for by whoever asked with this key. errc::cancelled with not_done: nothing was done.
    std::function<boost::asio::awaitable<device_outcome>(base::uuid operation,
                                                         std::shared_ptr<base::cancellation> cancel)>
        act;
    // Asks the device what became of an operation; empty where it cannot tell.
    std::function<boost::asio::awaitable<device_outcome>(base::uuid operation, std::string device)> look_up;
    // Why no device can be asked now. What is stored is answered all the same; what would have to be asked
    // for the first time is refused with this and binds nothing.
    std::optional<base::error> absent;
  };
  boost::asio::awaitable<wire::answer> act(request r, device_action action);

  struct question {
    std::string device;  // plugin instance; empty for what the daemon itself answers
    std::function<boost::asio::awaitable<wire::answer>(std::shared_ptr<base::cancellation> cancel)> run;
    // Why it cannot be asked now. What is kept is answered all the same.
    std::optional<base::error> absent;
  };
  static constexpr std::size_t questions_max = 256;  // at work at once
  // The same key gets the same answer while it is kept, and shares the work while it runs. What failed may be
  // asked again with the same key.
  boost::asio::awaitable<wire::answer> ask(request r, question q);
  // A question that runs or whose answer is kept, as an operation.
  const operation_row* find_question(const operation_key& key) const;
  const operation_row* find_question(const base::uuid& operation) const;

  // Wishes that an operation be given up; false when it is not in hand. Its own answer says what became of
  // it.
  bool cancel(const base::uuid& operation);
  // Whose it is, while it is in hand; also by the id of the attempt before, whose outcome is being asked for.
  const operation_key* find_running(const base::uuid& operation) const;
  // The key of an attempt that came to nothing and gave way to another one, of the last few in this run.
  const operation_key* find_former(const base::uuid& operation) const;
  // Waits until what runs under this key has ended, at most so long; its answer, or nothing when nothing runs
  // or the time is over.
  boost::asio::awaitable<std::optional<wire::answer>> wait_for_end(
      operation_key key, std::chrono::milliseconds at_most, std::shared_ptr<base::cancellation> cancel);
  // Called when an act() came to an end, after its outcome is durable; not for repetitions.
  std::function<void(const operation_row&, const wire::answer&)> on_finished;

  // Of what a restart would leave open.
  std::size_t running() const;
  bool is_running(const operation_key& key) const { return jobs_->contains(key); }
  // What makes a call the same or another one. [any thread]
  base::hash256 content_of(const boost::json::object& params,
                           std::span<const std::string_view> secret_members) const {
    return content_mac(mac_key_, params, secret_members);
  }

 private:
  struct job;
  class ear;
  struct found_row {
    intake_decision decision = intake_decision::run;
    std::optional<operation_row> row;
  };

  static constexpr std::size_t former_max = 1024;

  base::result<operation_key> key_of(const call& c) const;
  boost::asio::awaitable<wire::answer> answer_of(std::shared_ptr<job> mine,
                                                 std::optional<std::uint32_t> wait_ms,
                                                 std::shared_ptr<base::cancellation> cancel,
                                                 std::shared_ptr<base::cancellation> gone);
  boost::asio::awaitable<void> carry_question(question q, base::language language, std::shared_ptr<job> mine);
  void forget_in_time(std::optional<std::uint64_t> at_ms);
  void remember_former(const base::uuid& operation, const operation_key& key);
  wire::answer replayed(const operation_row& row, base::language l) const;
  boost::asio::awaitable<void> carry_out(request r, device_action action, operation_key key,
                                         std::shared_ptr<job> mine);
  boost::asio::awaitable<wire::answer> act_once(request r, device_action action, operation_key key,
                                                std::shared_ptr<job> mine);
  boost::asio::awaitable<void> wait(std::shared_ptr<job> held, std::chrono::steady_clock::time_point until,
                                    std::shared_ptr<base::cancellation> cancel,
                                    std::shared_ptr<base::cancellation> gone);
  boost::asio::awaitable<base::result<>> put(operation_row row, bool seal);

  boost::asio::any_io_executor executor_;
  store& store_;
  const base::clock& clock_;
  base::byte_string mac_key_;
  // Shared with those who take their job out of it when they end, which may be after this object did.
  using jobs = std::map<operation_key, std::shared_ptr<job>>;
  std::shared_ptr<jobs> jobs_ = std::make_shared<jobs>();
  std::map<base::uuid, operation_key> former_;
  std::deque<base::uuid> former_order_;
  // The same: a question may end after this object did.
  std::shared_ptr<kept_answers> kept_ = std::make_shared<kept_answers>();
  boost::asio::steady_timer forget_;
};

}  // namespace tilld::daemon
