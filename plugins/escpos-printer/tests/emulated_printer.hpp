// A network printer for tests: listens on loopback, reads ESC/POS as a printer does, answers what it is
// asked, and can be told to misbehave. What it "printed" is what it processed, not what arrived: without
// paper it keeps commands in its buffer, as real ones do.
#pragma once

#include <string>
#include <vector>

#include "plugins/escpos-printer/tests/escpos_reader.hpp"
#include "plugins/escpos-printer/tests/plugin_bench.hpp"

namespace tilld::escpos::test {

class emulated_printer final : public bystander {
 public:
  emulated_printer();
  ~emulated_printer() override;

  std::string address() const;  // "127.0.0.1:34567"

  // What it is able to do; set before it is connected to.
  bool knows_process_ids = true;
  bool knows_gs_r = true;
  bool knows_real_time = true;
  bool knows_automatic_status = true;

  void set_paper_out(bool out);
  void set_cover_open(bool open);
  void switch_off();                                           // closes everything; connecting is refused
  void switch_on();                                            // on the same port
  void drop_after(std::size_t bytes) { drop_after_ = bytes; }  // ends the connection abruptly, once
  void run_out_of_paper_after(std::size_t commands) { paper_for_ = commands; }
  void read_at_most(std::size_t bytes_a_turn) { pace_ = bytes_a_turn; }  // 0: reads nothing
  void keep_silent(bool silent) { silent_ = silent; }  // prints, but answers nothing that is in its queue
  void say(std::string_view bytes);

  std::vector<int> descriptors() const override;
  void on_readable(int descriptor) override;

  bool connected() const { return connection_ >= 0; }
  int connections() const { return connections_; }
  std::size_t bytes_received() const { return received_; }
  const std::vector<command>& processed() const { return processed_; }
  std::string printed_text() const;  // the characters of all lines, code page 858 as Latin letters left out
  int count(const std::string& name) const;
  int drawer_kicks() const { return count("ESC p"); }
  const std::vector<std::string>& complaints() const { return complaints_; }

 private:
  void accept_one();
  void hang_up(bool abruptly);
  void process();
  void obey(const command& it);
  void answer_real_time(std::uint8_t n);
  bool blocked() const { return paper_out_ || cover_open_; }
  std::string automatic_status() const;
  void tell_change();

  int listener_ = -1, connection_ = -1, port_ = 0, connections_ = 0;
  bool paper_out_ = false, cover_open_ = false, automatic_on_ = false, silent_ = false;
  std::size_t received_ = 0, drop_after_ = 0, paper_for_ = 0, pace_ = 65536;
  escpos_reader reader_;
  std::vector<command> buffered_, processed_;
  std::vector<std::string> complaints_;
};

}  // namespace tilld::escpos::test
