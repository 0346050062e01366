// How code in a plugin says that something went wrong: it throws a failure, and the SDK turns it into the
// status and body of a reply, into the reason why start() failed, or into the end of the instance.
//
// What the business expects is not a failure: a declined payment or an unknown card is a value of the reply.
#pragma once

#include <tilld/plugin.h>

#include <stdexcept>
#include <string>
#include <utility>

namespace tilld {

class failure : public std::runtime_error {
 public:
  // detail is for the log and IT staff: what exactly, where. Never a card number, a PIN, a token or a name.
  // kind is a name from tilld's list of errors (docs/errors.md) when the cashier can do something about it:
  // "paper_out", "cover_open", "device_timeout"; paper_out, cover_open, device_busy and code_too_wide promise
  // that the device did not act. Empty leaves it to the status.
  failure(tilld_status status, const std::string& detail, std::string kind = {})
      : std::runtime_error(detail), status_(status), kind_(std::move(kind)) {}

  tilld_status status() const { return status_; }
  const std::string& kind() const { return kind_; }

 private:
  tilld_status status_;
  std::string kind_;
};

}  // namespace tilld
