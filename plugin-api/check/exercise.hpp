// A little of everything: each word with a right body and with a wrong one, a cancelled one, an unknown one.
#pragma once

#include "plugin-api/check/conversation.hpp"

namespace tilld::plugin_check {

// After start(). A finding when a request stays without an answer.
void exercise(conversation& with);

// The same for checks that look at something else: what goes wrong with the messages is the finding of
// another.
void exercise_or_skip(conversation& with);

}  // namespace tilld::plugin_check
