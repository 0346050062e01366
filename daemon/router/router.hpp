// Who may call what, and where a call goes. A method is a name, the roles that may call it and the code
// behind it; the calls/ folder adds the daemon's own methods, and what a plugin provides is found through its
// interface.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>

#include <boost/asio/awaitable.hpp>
#include <boost/json/object.hpp>

#include "base/error.hpp"
#include "daemon/config/config.hpp"
#include "daemon/events/event_hub.hpp"
#include "wire/json_rpc.hpp"

namespace tilld::daemon {

// Who is at the other end of a connection, and how to tell it something unasked.
struct caller {
  std::string principal;  // "unix:1000", "token:7f3a"
  role acts_as = role::read;
  base::language language = base::language::english;
  std::string client;  // name and version as given in hello, for people
  int protocol = 1;
  std::uint64_t connection = 0;
  // Appends a notification to the connection's output; dropped when the client does not read.
  std::function<void(const event&, std::uint64_t subscription)> notify;
  std::set<std::uint64_t> subscriptions;
};

struct call {
  std::shared_ptr<caller> who;
  std::string method;
  boost::json::object params;
  std::string raw_params;  // as received; only kept for methods that ask for it
};

// Sets of roles, written as a bit for each.
using role_set = unsigned;
constexpr role_set only(role r) { return 1u << static_cast<unsigned>(r); }
inline constexpr role_set anyone = 0xff;
inline constexpr role_set cashiers = only(role::till) | only(role::operator_) | only(role::admin);
inline constexpr role_set checkouts = cashiers | only(role::self_checkout);
inline constexpr role_set staff = only(role::operator_) | only(role::admin);
inline constexpr role_set watchers = staff | only(role::read);
inline constexpr role_set admins = only(role::admin);

struct method {
  std::string name;
  role_set allowed = admins;
  bool keeps_raw_params = false;
  // Exactly one of the two. `quick` answers from memory without waiting for anything.
  std::function<wire::answer(const call&)> quick;
  std::function<boost::asio::awaitable<wire::answer>(call)> slow;
};

class router {
 public:
  void add(method m);
  // What calls every name that add() does not know: plugin interfaces.
  void add_rest(std::function<std::optional<method>(const std::string& name)> rest) {
    rest_ = std::move(rest);
  }

  // unknown_method, forbidden, or the method. The result is valid until the next find().
  base::result<const method*> find(const std::string& name, role r);
  std::vector<std::string> names() const;

 private:
  std::map<std::string, method, std::less<>> methods_;
  std::function<std::optional<method>(const std::string&)> rest_;
  method found_rest_;
};

}  // namespace tilld::daemon
