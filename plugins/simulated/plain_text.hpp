// A receipt document as lines of plain text. Pure: no device, no clock.
#pragma once

#include <string>
#include <vector>

#include <tilld/failure.hpp>
#include <tilld/printer.hpp>

namespace simulated {

// Not a layout engine: one line a text, cells of a row apart by a blank, a picture or code as a word in
// brackets. An element that this simulation does not know prints nothing. Slots are filled by name.
std::vector<std::string> plain_text(const boost::json::object& document,
                                    const tilld::printer::slots_by_name& slots);

}  // namespace simulated
