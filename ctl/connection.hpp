// One connection to the daemon: a line out, a line in, each wait with a deadline. Blocking, because tillctl
// does one thing at a time.
#pragma once

#include <chrono>
#include <deque>
#include <optional>
#include <string>

#include <boost/json/object.hpp>

#include "base/file.hpp"
#include "ctl/complaint.hpp"

namespace tilld::ctl {

// TILLD_SOCKET when it is set; else /run/tilld/admin.sock when this user may use it, else
// /run/tilld/tilld.sock.
std::string default_socket();

class connection {
 public:
  using milliseconds = std::chrono::milliseconds;

  // Connects and says hello. daemon_not_running when nobody listens, socket_refused without permission,
  // daemon_silent when the daemon does not answer, or what it refuses hello with.
  static outcome<connection> open(const std::string& path, base::language l, milliseconds at_most);

  // The member "result" of the answer. Errors of the daemon come as they are; daemon_silent when nothing
  // comes in time, daemon_not_running when the daemon hangs up instead of answering.
  outcome<boost::json::object> call(const std::string& method, boost::json::object params,
                                    milliseconds at_most);

  // The next notification (method and params). Without a time limit when none is given; returns nothing when
  // `interrupted` became readable, which is how a signal ends the wait.
  outcome<std::optional<boost::json::object>> next_notification(int interrupted);

 private:
  connection(base::unique_fd fd, std::string path, base::language l)
      : fd_(std::move(fd)), path_(std::move(path)), language_(l) {}
  using deadline = std::optional<std::chrono::steady_clock::time_point>;
  outcome<> send(std::string_view line, deadline until);
  // Nothing when interrupted.
  outcome<std::optional<boost::json::object>> read_object(deadline until, int interrupted);
  complaint complain(base::errc code, const std::string& detail) const { return {{code, detail}, language_}; }

  base::unique_fd fd_;
  std::string path_;
  base::language language_;
  std::string input_;
  std::int64_t next_id_ = 1;
  std::deque<boost::json::object> notifications_;
};

}  // namespace tilld::ctl
