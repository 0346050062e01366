// What a printer says, and the session that asks it.
#include <set>

#include "plugins/escpos-printer/printer_session.hpp"
#include "tests/fuzz/target.hpp"

namespace tilld::fuzz {
namespace {

using milliseconds = std::chrono::milliseconds;

std::size_t count(const std::vector<std::string_view>& pieces) {
  escpos::status_reader in;
  std::size_t n = 0;
  for (auto piece : pieces)
    for (auto& message : in.eat(piece)) {
      ++n;
      if (auto* done = std::get_if<escpos::process_done>(&message))
        demand(done->id.size() == 4, "an id has four");
      if (auto* who = std::get_if<escpos::identity>(&message))
        for (char c : who->text) demand(c >= 0x20 && c < 0x7f, "a model's name is printable");
    }
  return n;
}

// Pieces change nothing; a session confirms each receipt at most once and only what was asked; a printer that
// floods costs no memory.
void eat(std::string_view octets) {
  demand(count({octets}) == count(in_pieces(octets)), "pieces do not change the messages");

  dice from(octets);
  std::optional<escpos::confirm_level> level;
  if (auto told = from.up_to(3); told > 0) level = static_cast<escpos::confirm_level>(told - 1);
  escpos::printer_session session(level, from.octet());
  milliseconds now{1000};
  session.connected(now, from.up_to(40));
  std::set<std::uint64_t> asked, confirmed;
  std::uint64_t tag = 0;
  std::string last_question;
  for (int i = 0; i < 200 && !from.empty(); ++i) {
    now += milliseconds(from.octet() * 10);
    switch (from.up_to(6)) {
      case 0: session.eat(from.text(), now); break;
      case 1: session.advance(now); break;
      case 2: session.ask_condition(now); break;
      case 3:
        last_question = session.closing_question(++tag);
        if (!last_question.empty()) asked.insert(tag);
        break;
      case 4:  // an honest answer to the last question
        if (last_question.size() >= 11)
          session.eat("\x37\x22" + last_question.substr(last_question.size() - 4) + '\0', now);
        break;
      case 5:
        session.eat(from.octet() & 1 ? std::string("\x12") : std::string("\x14\0\0\x0f", 4), now);
        break;
      default: session.closed(); session.connected(now, 0);
    }
    demand(session.take_output().size() < 4096, "questions are short");
    for (auto done : session.take_confirmed()) {
      demand(asked.count(done) == 1, "only what was asked is confirmed");
      demand(confirmed.insert(done).second, "a receipt is confirmed once");
    }
    demand(session.model().size() < 200, "a model's name is bounded");
  }
}

const target printer_replies{"printer_replies", eat};

}  // namespace
}  // namespace tilld::fuzz
