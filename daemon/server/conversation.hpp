// What a till and the daemon say to each other, whatever carries it: JSON-RPC texts in, calls made, answers
// and events out. It knows who speaks, what may be asked before sign-on, which calls are in flight and by
// which id, what they borrowed of the memory for large requests, what is subscribed, and which events were
// lost. The framings (session.hpp and the others) know octets and sockets, and nothing of this.
//
// Answers to quick calls are said before take() returns, in the order of the requests; slow ones when they
// are done, by id. What is in flight with a key is carried to its end although nobody listens any more;
// without a key nobody could ever learn what became of it, and it is given up. [I/O thread]
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include <boost/asio/awaitable.hpp>

#include "daemon/calls/parts.hpp"
#include "daemon/server/connection_memory.hpp"

namespace tilld::daemon {

// Where a conversation says what it has to say. Messages are gathered until flush(), so that all answers of
// one read leave in one write.
class outlet {
 public:
  virtual ~outlet() = default;
  // The text to which one message is appended, and that it is whole now. Nothing happens between the two.
  virtual std::string& begin_message() = 0;
  virtual void end_message() = 0;
  // Write at once what the other side takes.
  virtual void flush() = 0;
  // At once, whatever was said and not written.
  virtual void close() = 0;
  // Octets that were said and not yet taken by the other side.
  virtual std::size_t unsent() const = 0;
  // A call ended: may_take() and in_flight() may say something else now.
  virtual void call_ended() = 0;
  // Held by each call in flight, also of a client that is gone: who stops the daemon waits for it.
  virtual std::shared_ptr<void> keep() = 0;
};

class conversation : public std::enable_shared_from_this<conversation> {
 public:
  // A call that was asked for and is not answered. Whoever wants to stop one finds it by its id.
  struct call_in_flight {
    std::string method;
    std::shared_ptr<base::cancellation> cancel;
    std::shared_ptr<base::cancellation> gone;
    bool has_key = false;
  };
  // By the id as JSON text. Ids ought to differ; where a client uses one twice, both are answered.
  using calls_in_flight = std::multimap<std::string, call_in_flight, std::less<>>;

  // `who` has a principal where something vouches for it (the kernel, a token that came with the request); an
  // empty principal must say session.hello with a token first. The outlet must live until leave().
  conversation(std::shared_ptr<caller> who, till_parts& till, connection_memory& memory, outlet& out);
  ~conversation();

  // Lets events through to the outlet, and requests be cancelled by their id; without it events.subscribe is
  // refused, and nothing is in hand for rpc.cancel.
  void listen_to_events();
  // One JSON-RPC text, and a blob that came beside it, which is the same to the call as the member blob in
  // base64. Views that need not outlive the call.
  void take(std::string_view text, std::string_view blob = {});
  // Says that something could not be read as a message at all.
  void refuse(const base::error& why);
  // Something that was said is on its way, and there is room again.
  void sent();
  // The other side will say nothing more, and may still listen. It cannot renew a claim any more.
  void heard_all();
  // The other side is gone: subscriptions end, nothing is said any more, calls without a key are given up.
  void leave();

  // False while 32 calls are in flight or a mebibyte waits unread: nothing more is to be read meanwhile.
  bool may_take() const;
  // After session.bye, and after what a stranger may not say: the connection is to be closed once what was
  // said is written.
  bool wants_end() const { return wants_end_; }
  bool signed_on() const { return signed_on_; }
  const calls_in_flight& in_flight() const { return in_flight_; }
  const caller& who() const { return *who_; }

 private:
  // The call comes by value: the method object may be gone with the next find().
  boost::asio::awaitable<void> serve(std::shared_ptr<void> kept, calls_in_flight::iterator place, call c,
                                     slow_call run, chaos::call_fate fate);
  void answer_to(std::string_view id, const wire::answer& a);
  void hang_up_on_purpose();
  bool tell(std::string_view method, std::string_view params);
  bool cancel(std::string_view id);

  std::shared_ptr<caller> who_;
  till_parts& till_;
  connection_memory& memory_;
  outlet* out_;  // nullptr after leave()
  calls_in_flight in_flight_;
  bool behind_ = false;  // something was not told for want of room
  bool said_nonsense_ = false, wants_end_ = false, signed_on_;
};

}  // namespace tilld::daemon
