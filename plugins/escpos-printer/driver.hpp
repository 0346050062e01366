// The driver of tilld.printer/1: takes print jobs one after the other from the request to the confirmed
// outcome.
//
// One job at a time is under way; the others wait for their turn or their deadline. A job goes through
//   looking_up   has this operation been seen before? Then its first outcome is the answer
//   waiting      for its turn
//   readying     the outlet connects and asks the printer how it is; until here nothing can have happened
//   noting       the daemon writes down that printing begins
//   printing     bytes go out, and the printer is waited for
//   recording    the outcome is written down, and then told
// Nothing here blocks but the drawing of a receipt, which takes milliseconds.
#pragma once

#include <chrono>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include <tilld/plugin.hpp>
#include <tilld/printer.hpp>

#include "plugins/escpos-printer/config.hpp"
#include "plugins/escpos-printer/layout.hpp"
#include "plugins/escpos-printer/memory.hpp"
#include "plugins/escpos-printer/outlet.hpp"
#include "plugins/escpos-printer/typesetter.hpp"

namespace tilld::escpos {

class printer_driver : private outlet_listener {
 public:
  using config = printer_config;

  // Opens the fonts and the folder or starts to connect. A printer that is switched off is no reason to fail.
  printer_driver(tilld::host host, const printer_config& config);
  ~printer_driver() override;

  void print(const printer::print& request, tilld::pending<printer::print> pending);
  void open_drawer(const printer::open_drawer& request, tilld::pending<printer::open_drawer> pending);
  void outcome(const printer::outcome& request, tilld::pending<printer::outcome> pending);
  void status(const printer::status& request, tilld::pending<printer::status> pending);
  printer::rendered render(const printer::render& request);

  void on_fd(int fd, std::int16_t events) { outlet_->on_fd(fd, events); }
  void on_timer(std::uint32_t timer_id);

  using methods =
      std::tuple<tilld::method<&printer_driver::print>, tilld::method<&printer_driver::open_drawer>,
                 tilld::method<&printer_driver::outcome>, tilld::method<&printer_driver::status>,
                 tilld::method<&printer_driver::render>>;

 private:
  using milliseconds = std::chrono::milliseconds;

  // A receipt that is ready to be printed, and what the reply will say of it.
  struct drawn_receipt {
    layout laid_out;
    bitmap dots;
    int copies = 1;
    std::optional<drawer_kick> drawer;
  };

  struct job {
    enum class phase { looking_up, waiting, readying, noting, printing, recording };
    std::uint64_t tag;
    std::string operation_id;
    operation_kind kind;
    phase at = phase::looking_up;
    milliseconds arrived;
    std::optional<milliseconds> deadline;  // a little before the caller's
    std::optional<drawn_receipt> receipt;
    int drawer_pin = 2;
    std::vector<tilld::pending<printer::print>> print_calls;
    std::vector<tilld::pending<printer::open_drawer>> drawer_calls;
    bool over = false;  // its deadline passed while the daemon was writing
  };
  using job_pointer = std::shared_ptr<job>;

  void on_ready() override;
  void on_refused(const failure& why) override;
  void on_done(std::uint64_t tag, const done_printout& how) override;
  void on_lost(std::uint64_t tag, bool anything_sent, const std::string& why) override;
  void on_condition_changed() override;

  drawn_receipt draw(const boost::json::object& document, const std::optional<printer::slots_by_name>& slots,
                     const std::string& blob);
  job_pointer new_job(const std::string& operation_id, operation_kind kind, std::uint32_t deadline_ms);
  void submit(job_pointer job);
  void take_memory(const job_pointer& job, const std::optional<remembered>& before);
  void start_next();
  void note_and_print();
  void put_out_active();
  printout printout_of(const job& job);
  // By value: the last pointer to a job is often the member that they clear.
  void record(job_pointer job, remembered what, const std::optional<failure>& why);
  void settle(job_pointer job, const std::optional<failure>& why, const boost::json::object& reply);
  void not_printed(job_pointer job, const failure& why);
  void answer_status_calls();
  void pass_deadlines();
  void set_deadline_timer();
  boost::json::object reply_for(const job& job, const done_printout& how) const;

  tilld::host host_;
  paper paper_;
  print_mode mode_;
  bool keep_png_, keep_text_;
  typesetter type_;
  operation_memory memory_;
  std::unique_ptr<outlet> outlet_;
  std::uint64_t last_tag_ = 0;
  std::map<std::string, job_pointer> jobs_;  // every one that is not answered yet
  std::deque<job_pointer> queue_;
  job_pointer active_;
  // Given up, but the printer may still confirm it.
  struct doubtful {
    std::string operation_id;
    operation_kind kind;
    boost::json::object reply;
  };
  std::map<std::uint64_t, doubtful> doubtful_;
  std::vector<tilld::pending<printer::status>> status_calls_;
  std::optional<printer::condition> told_;
};

}  // namespace tilld::escpos
