// The examiner's side of a conversation with a plugin: what is sent, what comes, who has not answered.
//
// Every wait has an end. A plugin whose process ends while something is waited for ends the check: as a
// finding, unless the device went (no_device), which is a reason to skip.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "plugin-api/check/plugin_process.hpp"
#include "plugin-api/check/services.hpp"
#include "plugin-api/check/subject.hpp"
#include "plugin-api/check/test_device.hpp"
#include "wire/plugin_frame.hpp"

namespace tilld::plugin_check {

using milliseconds = std::chrono::milliseconds;

// "status 2 {"detail":"port: is missing"}", cut where it is long.
std::string readable_reply(const wire::plugin_message& reply);
// "tilld.scanner/1.enable {"on":1}", cut where it is long.
std::string readable_request(std::string_view name, std::string_view body, std::size_t blob_size = 0);
std::string status_name(std::int32_t status);

class conversation {
 public:
  struct manner {
    int lives = 1;
    services* with = nullptr;         // state that outlives this conversation
    bool answer_questions = true;     // false: the plugin's questions to the daemon stay open
    test_devices* devices = nullptr;  // else it makes its own, where the configuration names one
  };
  explicit conversation(const subject& what);
  conversation(const subject& what, manner how);

  // Waits for hello. False when the file was not loaded: why_not() says why.
  bool hello();
  const boost::json::object& hello_body() const { return hello_; }
  // Sends start with this configuration and returns the status; why_not() has the detail.
  std::int32_t start_with(const boost::json::object& config);
  // The same with the subject's configuration; skips the check when the plugin does not start.
  void start();
  const std::string& why_not() const { return why_not_; }

  std::uint64_t ask(std::string_view name, std::string body, std::string blob = {},
                    std::uint32_t deadline_ms = 5000);
  void cancel(std::uint64_t id);

  // Whether it was answered in this time.
  bool answered(std::uint64_t id, milliseconds patience);
  // The first reply; a finding when none comes within deadline and grace.
  const wire::plugin_message& reply_to(std::uint64_t id);
  const wire::plugin_message& call(std::string_view name, std::string body, std::string blob = {},
                                   std::uint32_t deadline_ms = 5000);
  std::size_t replies_to(std::uint64_t id) const;
  std::string sent_as(std::uint64_t id) const;  // as readable_request
  // A finding when a request was answered twice, or an answer came that nobody asked for.
  void nothing_is_answered_twice() const;
  // Goes on listening for a time, or until a condition holds. False when it never did.
  bool listen(milliseconds time, const std::function<bool()>& until = {});
  const std::vector<wire::plugin_message>& events() const { return events_; }
  const std::vector<wire::plugin_message>& all_replies() const { return order_; }
  const std::string& name_asked(std::uint64_t id) const { return asked_.at(id).name; }

  // Whether its thread still turns: a finding when it answers no ping within the time.
  void ping(milliseconds patience = milliseconds(5000));
  // Asks it to stop. A finding when the plugin does not come back; how long it took otherwise.
  milliseconds stop();
  // Stop in a process that has further lives: true when the stop was answered.
  bool stop_this_life();

  // Whether the device was given up: the event failed, a reply, or an exit code that says so.
  bool gave_up_device() const { return gave_up_device_; }
  // From here on the end of the process is what the check looks for, and not a finding.
  void may_end() { may_end_ = true; }
  bool over() const { return over_; }

  plugin_process& process() { return *process_; }
  test_devices& devices() { return *devices_; }
  const subject& what() const { return what_; }
  // How long anything may take, longer where the host is slow.
  milliseconds patient(int ms) const { return milliseconds(what_.slow ? ms * 6 : ms); }

 private:
  using clock = std::chrono::steady_clock;
  struct asked {
    std::string name, body;
    std::size_t blob_size = 0;
    std::uint32_t deadline_ms = 0;
    std::vector<wire::plugin_message> replies;
  };

  void send(const wire::plugin_message& message);
  bool pump(clock::time_point until, const std::function<bool()>& done);
  void turn(milliseconds patience);
  void take(wire::plugin_message message);
  void hung_up();
  void give_late_answers();
  [[noreturn]] void ended_unasked();

  subject what_;
  manner how_;
  std::unique_ptr<test_devices> own_devices_;
  test_devices* devices_;
  services own_services_;
  services* services_;
  std::unique_ptr<plugin_process> process_;
  wire::plugin_frame_reader reader_;
  std::string unsent_;
  std::size_t sent_ = 0;
  std::uint64_t last_id_ = 0;
  std::map<std::uint64_t, asked> asked_;
  std::vector<wire::plugin_message> events_, order_, unasked_;
  struct late {
    clock::time_point due;
    wire::plugin_message reply;
  };
  std::deque<late> late_;
  boost::json::object hello_;
  std::string why_not_, last_log_, loading_failure_;
  int hellos_ = 0, hellos_wanted_ = 0;
  bool over_ = false, gave_up_device_ = false, may_end_ = false;
};

}  // namespace tilld::plugin_check
