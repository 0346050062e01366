// A till as a till maker would write it: one socket, one JSON object a line, each wait with a deadline.
#pragma once

#include <chrono>
#include <deque>
#include <map>
#include <optional>
#include <string>

#include <boost/json.hpp>

namespace tilld::tests {

class line_client {
 public:
  using milliseconds = std::chrono::milliseconds;

  line_client() = default;
  line_client(line_client&& other) noexcept;
  line_client& operator=(line_client&& other) noexcept;
  ~line_client();

  // Tries again until the deadline, since the daemon may just be starting. False when it never answered.
  bool connect_unix(const std::string& path, milliseconds at_most = milliseconds(5000));
  bool connect_tcp(std::uint16_t port, milliseconds at_most = milliseconds(5000));
  void close();
  bool connected() const { return fd_ >= 0; }
  // For those who wait for several clients at once; -1 when not connected.
  int descriptor() const { return fd_; }

  // What came after the last whole line.
  const std::string& unread() const { return inbox_; }

  bool send_raw(std::string_view octets);
  // A line without its end; nothing at the deadline or when the other side hung up (connected() is false
  // then).
  std::optional<std::string> read_line(milliseconds at_most = milliseconds(5000));

  // Sends a request and returns its id.
  std::int64_t send(const std::string& method, const boost::json::object& params);
  // The whole answer to that id; notifications that come before it are kept. Nothing when the daemon did not
  // answer.
  std::optional<boost::json::object> answer(std::int64_t id, milliseconds at_most = milliseconds(10000));
  std::optional<boost::json::object> call(const std::string& method, const boost::json::object& params = {},
                                          milliseconds at_most = milliseconds(10000));
  // params of the next events.notify whose topic is this.
  std::optional<boost::json::object> next_event(const std::string& topic,
                                                milliseconds at_most = milliseconds(5000));

 private:
  int fd_ = -1;
  std::string inbox_;
  std::int64_t next_id_ = 1;
  std::deque<boost::json::object> notifications_;
  std::map<std::int64_t, boost::json::object> answers_;  // that came before they were waited for
};

}  // namespace tilld::tests
