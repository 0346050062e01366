// What the listener needs to know of a connection, whatever it speaks. [I/O thread]
#pragma once

#include <string>

#include <boost/asio/awaitable.hpp>

namespace tilld::daemon {

class connection {
 public:
  virtual ~connection() = default;
  // Until the other side hangs up, breaks the rules or close() is called. Once, and the object lives on for
  // it.
  virtual boost::asio::awaitable<void> run() = 0;
  virtual void close() = 0;
  // Empty before sign-on.
  virtual const std::string& principal() const = 0;
  // It was closed, or handed its socket over, and is only ending.
  virtual bool closed() const = 0;
  // The other side sends nothing more and may be gone; a call into the kernel.
  virtual bool other_side_ended() const = 0;
  // Nothing is in flight and nothing waits to be written.
  virtual bool idle() const = 0;
};

}  // namespace tilld::daemon
