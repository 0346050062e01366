// What tillctl says when something did not work: what happened, in which words exactly, and what to do next.
#pragma once

#include <string>

#include <boost/json/object.hpp>

#include "base/error.hpp"
#include "ctl/exit_code.hpp"
#include "ctl/terminal.hpp"

namespace tilld::ctl {

class complaint {
 public:
  complaint() = default;
  // Found by tillctl itself.
  complaint(const base::error& why, base::language l);
  // The member "error" of an answer of the daemon, which is shown as it came.
  static complaint of_daemon(boost::json::object error) {
    complaint c;
    c.error_ = std::move(error);
    return c;
  }

  std::string kind() const;
  exit_code code() const;
  // Three or four lines for a person:
  //   tillctl: The till program is not running. (daemon_not_running)
  //     /run/tilld/tilld.sock: no such file
  //     Start it: systemctl start tilld. ...
  std::string text(const style& look) const;
  // One line, the error object as in docs/protocol.md.
  std::string json() const;

 private:
  boost::json::object error_;
};

template <class T = void>
using outcome = boost::system::result<T, complaint>;

[[noreturn]] void throw_exception_from_error(const complaint& c, const boost::source_location& where);

// en or de, from LC_ALL, LC_MESSAGES or LANG.
base::language language_of_user();

}  // namespace tilld::ctl
