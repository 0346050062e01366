// Where print jobs go: a folder of files, or a printer. The driver talks to either in the same three steps,
// and the line between "certainly nothing happened" and "something may have happened" runs between the second
// and the third.
//
//   prepare()   until the outlet says on_ready or on_refused; nothing is printed
//   (the driver writes down that it is about to print)
//   put_out()   until the outlet says on_done or on_lost
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <tilld/failure.hpp>
#include <tilld/printer.hpp>

namespace tilld::escpos {

struct printout {
  std::uint64_t tag = 0;  // of the job
  std::string operation_id;
  std::string bytes;
  std::string png, text;  // for outlets that keep previews; empty otherwise
};

struct done_printout {
  printer::confirmation confirmation{};
  std::string job;                     // as the outlet calls it
  std::optional<std::string> preview;  // path of the picture
};

class outlet_listener {
 public:
  virtual ~outlet_listener() = default;
  virtual void on_ready() = 0;
  virtual void on_refused(const failure& why) = 0;  // not printed
  virtual void on_done(std::uint64_t tag, const done_printout& how) = 0;
  // anything_sent: whether the device may have acted.
  virtual void on_lost(std::uint64_t tag, bool anything_sent, const std::string& why) = 0;
  virtual void on_condition_changed() = 0;
};

class outlet {
 public:
  virtual ~outlet() = default;

  virtual void prepare() = 0;
  virtual void put_out(const printout& job) = 0;
  // The job's time is over: what was not sent yet is never sent. Whether anything was. A printer may still
  // confirm what was sent, by on_done.
  virtual bool abandon(std::uint64_t tag) = 0;
  // What became of an operation that an earlier life of this plugin began: true printed, false not printed,
  // nothing where it cannot be known.
  virtual std::optional<bool> was_printed(const std::string& operation_id) const = 0;
  virtual bool keeps_previews() const = 0;

  virtual printer::condition condition() const = 0;
  virtual void on_fd(int, std::int16_t) {}
  virtual void on_timer(std::uint32_t) {}
};

}  // namespace tilld::escpos
