// A plugin as the daemon sees it: behind a socket, in a process of its own or on a thread. The tests play the
// daemon.
//
// Every wait has an end (ten seconds); a process that is still there at the end is killed by its own pid.
#pragma once

#include <gtest/gtest.h>
#include <sys/types.h>

#include <deque>
#include <functional>
#include <future>
#include <optional>
#include <string>
#include <vector>

#include <boost/json.hpp>

#include "base/file.hpp"
#include "daemon/plugin_host/exit_code.hpp"
#include "daemon/plugin_host/runner.hpp"
#include "wire/plugin_frame.hpp"
#include "wire/plugin_instance.hpp"

namespace tilld::tests {

using daemon::plugin_host::allowed_path;
using daemon::plugin_host::exit_code;
namespace instance = wire::plugin_instance;

enum class isolation { process, thread };

// Where the build put a plugin of tests/plugins, and one of plugins/.
std::string test_plugin(const std::string& name);
std::string shipped_plugin(const std::string& name);

// How it ended.
struct ending {
  std::optional<exit_code> code;  // also on a thread
  int other_code = -1;            // exit status that is none of ours
  int signal = 0;
};

class plugin_under_test {
 public:
  struct options {
    isolation mode = isolation::process;
    std::vector<allowed_path> allowed_paths;
    std::string memory_max;
    std::vector<std::string> environment;
    bool allow_test_environment = false;
  };

  plugin_under_test(const std::string& file, options how);
  explicit plugin_under_test(const std::string& file, isolation mode = isolation::process);
  ~plugin_under_test();

  // Waits for hello, sends start and returns the status of its reply.
  int start(const boost::json::object& config = {});
  const boost::json::object& hello() const { return hello_; }

  std::uint64_t ask(const std::string& name, const std::string& body = "{}", const std::string& blob = {},
                    std::uint32_t deadline_ms = 10'000);
  void cancel(std::uint64_t id);
  void send(wire::plugin_message message);
  void send_octets(std::string_view octets);
  void hang_up();

  // The reply to a request; what comes before it is kept for event(). A failure of the test when none comes.
  wire::plugin_message reply_to(std::uint64_t id);
  wire::plugin_message call(const std::string& name, const std::string& body = "{}",
                            const std::string& blob = {});
  // The next event or request of this name.
  wire::plugin_message event(std::string_view name);

  // Replies that came and were not asked for by reply_to(). None of a plugin that answers each request once.
  std::size_t replies_nobody_waits_for() const;

  // Answers the plugin's questions by this function while the test waits for something else.
  using responder = std::function<wire::plugin_message(const wire::plugin_message&)>;
  void answer_questions(responder with) { respond_ = std::move(with); }

  // Waits until the other side has hung up, and tells how it ended. Reads and drops what still comes.
  ending end();

  pid_t pid() const { return pid_; }
  isolation mode() const { return mode_; }
  int socket() const { return socket_.get(); }
  // What the process wrote to standard output and error.
  std::string spoken();

 private:
  void start_process(const std::string& file, const options& how, base::unique_fd other_end);
  void start_thread(const std::string& file, const options& how, base::unique_fd other_end);
  std::optional<wire::plugin_message> receive();

  isolation mode_;
  base::unique_fd socket_;
  base::unique_fd spoken_;
  pid_t pid_ = -1;
  std::future<exit_code> thread_;
  wire::plugin_frame_reader reader_;
  std::deque<wire::plugin_message> kept_;
  boost::json::object hello_;
  std::uint64_t last_id_ = 0;
  responder respond_;
};

inline boost::json::object body_of(const wire::plugin_message& message) {
  boost::json::error_code failed;
  auto value = boost::json::parse(message.body, failed);
  return failed || !value.is_object() ? boost::json::object() : value.get_object();
}
inline std::string detail_of(const wire::plugin_message& message) {
  const auto body = body_of(message);
  const auto* detail = body.if_contains("detail");
  return detail && detail->is_string() ? std::string(detail->get_string()) : std::string();
}

// Tests that run once in a process and once on a thread.
class in_both_isolations : public testing::TestWithParam<isolation> {};

inline std::string isolation_name(const testing::TestParamInfo<isolation>& info) {
  return info.param == isolation::process ? "process" : "thread";
}

}  // namespace tilld::tests
