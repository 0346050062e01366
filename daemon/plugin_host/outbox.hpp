// Frames that wait for the socket. Any thread puts them in, the I/O thread takes them out.
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <string>

#include "wire/plugin_frame.hpp"

namespace tilld::daemon::plugin_host {

class outbox {
 public:
  static constexpr std::size_t bytes_max = 4 * 1024 * 1024;

  enum class added { yes, full, closed, invalid };

  // Waits for room as long as told. One message always has room in an empty outbox, however large.
  added add(const wire::plugin_message_view& message, std::chrono::milliseconds patience);

  // For the host's own messages, which are few: never full.
  void add_now(const wire::plugin_message_view& message);

  // After this add() says closed; what is inside still goes out.
  void close();

  // Writes until the socket takes no more. False when the other side is gone.
  bool write_to(int socket);

  std::size_t bytes() const;

 private:
  void append(std::string frame);

  mutable std::mutex guard_;
  std::condition_variable room_;
  std::deque<std::string> frames_;
  std::size_t bytes_ = 0;
  std::size_t written_ = 0;  // of the first frame
  bool closed_ = false;
};

}  // namespace tilld::daemon::plugin_host
