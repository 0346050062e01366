// A laid-out receipt as plain text, for terminals, logs of tests and people who look for a line.
#pragma once

#include <string>

#include "plugins/escpos-printer/layout.hpp"

namespace tilld::escpos {

// One line a strip, LF at the end of each, no blanks before it. Columns come from the dots, so the line
// breaks are those of the paper; letters are single-sized whatever the document says. Pictures and codes are
// words in brackets.
std::string as_text(const layout& receipt);

}  // namespace tilld::escpos
