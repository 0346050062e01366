// Who may call what, and where a call goes. A method is a name, what a reader must know of it (who may call
// it, what goes in, what comes out, what can go wrong) and the code behind it. The calls/ folder adds the
// daemon's own methods; what a plugin provides is found through its interface. rpc.discover, docs/methods.md
// and the check of params are made from the same words, so none of them can say something else.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>

#include <boost/asio/awaitable.hpp>
#include <boost/json/object.hpp>

#include "base/cancellation.hpp"
#include "base/error.hpp"
#include "base/schema.hpp"
#include "daemon/config/config.hpp"
#include "daemon/events/event_hub.hpp"
#include "wire/json_rpc.hpp"

namespace tilld::daemon {

// Who is at the other end of a connection, and how to tell it something unasked.
struct caller {
  std::string principal;  // "unix:1000", "token:7f3a"
  role acts_as = role::read;
  base::language language = base::language::english;
  std::string origin;  // of the web page behind it; empty for programs
  std::string client;  // name and version as given in hello, for people
  int protocol = 1;
  std::uint64_t connection = 0;
  // Says a notification, unasked. False when the client does not read: nothing was said then, and
  // event_hub::resume comes for each subscription when there is room. Empty where nobody listens.
  std::function<bool(std::string_view method, std::string_view params)> notify;
  // Wishes that a request of this connection be given up, by its id as JSON text; false when it is not in
  // flight. Empty where a connection has one request only.
  std::function<bool(std::string_view id)> cancel;
  std::set<std::uint64_t> subscriptions;
  // False when it will say nothing more: what only somebody who speaks can keep is not given to it.
  bool here = true;
};

// Memory that a request in hand counts for, while it lives. Whoever has used up a part of the request gives
// that part back.
class loan {
 public:
  virtual ~loan() = default;
  // Only so much is needed from now on; never more than before.
  virtual void shrink_to(std::size_t octets) = 0;
};

struct call {
  std::shared_ptr<caller> who;
  std::string method;
  boost::json::object params;
  std::string raw_params;                                // as received; only kept for methods that ask for it
  std::shared_ptr<base::cancellation> cancel = nullptr;  // null for who cannot take it back
  // Wished when nobody can hear the answer any more. What has a key goes on; who only waits for it need not.
  std::shared_ptr<base::cancellation> gone = nullptr;
  std::shared_ptr<loan> lent = nullptr;  // null for a small request

  // Forgets what was asked, once it is read: a call that waits must not keep a mebibyte for it.
  void drop_params() {
    params = {};
    lent = nullptr;
  }
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

// A sentence that cannot be left out.
class one_line {
 public:
  one_line(const char* text) : text_(text) {}
  one_line(std::string text) : text_(std::move(text)) {}
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

// Whether a call changes something and so carries an idempotency_key; the router refuses it without one, and
// the member need not be named in the params. Long calls that change nothing may have one, so that nobody
// need wait for them.
enum class keyed { no, may_be, always };

// Who compares the params with their schema. by_call is for params that the call reads into a described
// struct, from which the schema is printed: looking twice would cost a large sale its speed.
enum class params_checked { by_router, by_call };

// What everybody may know of a method.
struct method {
  std::string name;
  one_line summary;  // what it does, without a full stop
  role_set allowed = admins;
  keyed key = keyed::no;
  bool before_hello = false;  // on TCP, before it is known who calls
  bool keeps_raw_params = false;
  params_checked checked = params_checked::by_router;
  base::schema params;                  // an object; say shape::object({}) for none
  base::schema result;                  // the same
  std::vector<base::errc> errors = {};  // beside those of common_errors()
};

// What any call of this method can be answered with, its own errors first.
std::vector<base::errc> errors_of(const method& m);
// The params with the members that the router itself reads.
base::schema whole_params(const method& m);

using quick_call = std::function<wire::answer(const call&)>;
using slow_call = std::function<boost::asio::awaitable<wire::answer>(call)>;

// Where a call goes: what find() gives. Exactly one of the two; `quick` answers from memory without waiting
// for anything.
struct route {
  role_set allowed = admins;
  bool before_hello = false;
  bool keeps_raw_params = false;
  quick_call quick;
  slow_call slow;
};

class router {
 public:
  // The code is reached only by params that fit their schema.
  void add(method m, quick_call run);
  void add(method m, slow_call run);
  // What calls every name that add() does not know, and what lists all of them that there are now: the words
  // of plugins.
  void add_rest(std::function<std::optional<route>(const std::string& name)> find,
                std::function<std::vector<method>()> list) {
    find_rest_ = std::move(find);
    list_rest_ = std::move(list);
  }

  // unknown_method, forbidden, or the way. The result is valid until the next find().
  base::result<const route*> find(const std::string& name, role r);
  // Every method that can be called now, by name.
  std::vector<method> methods() const;

 private:
  struct entry {
    std::shared_ptr<const method> what;
    route way;
  };
  route way_of(const method& m) const;
  void insert(std::shared_ptr<const method> what, route way);

  std::map<std::string, entry, std::less<>> own_;
  std::function<std::optional<route>(const std::string&)> find_rest_;
  std::function<std::vector<method>()> list_rest_;
  route found_rest_;
};

}  // namespace tilld::daemon
