// Asks a destination what it holds of this till, on a connection of its own that signs on as nobody: the
// questions are signed with the till's key, change nothing at central, and are answered also where the till
// is stopped. So a till can name the first record on which it and a server disagree, when records no longer
// flow. [I/O thread]
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include "daemon/forward/forward_machine.hpp"
#include "wire/loopback.hpp"

namespace tilld::daemon {

class inquiry {
 public:
  struct options {
    wire::loopback_address address;
    wire::sync::role expected_role = wire::sync::role::ledger;
    std::optional<base::public_key> expected_key;  // the one that forwarding insists on
    till_identity who;
    base::chain_head head;
    std::chrono::milliseconds answer_max{20'000};
  };
  // `keys` must outlive this.
  inquiry(boost::asio::any_io_executor executor, const signatures& keys, options how);
  ~inquiry();
  inquiry(const inquiry&) = delete;

  // Once, first. Errors: central_unreachable, destination_changed when it is not the server that this till
  // knows, and whatever it refuses with.
  boost::asio::awaitable<base::result<>> open();
  // One question at a time. The answer is JSON.
  boost::asio::awaitable<base::result<std::string>> ask(std::string method, std::string params);

  const base::public_key& central_key() const;

 private:
  class line;
  std::unique_ptr<line> line_;
};

}  // namespace tilld::daemon
