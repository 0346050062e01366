// What several answers have in common, as schemas. Each stands for a describe() somewhere in the daemon;
// tests/docs compares them with what a running daemon answers, member by member. [pure]
#pragma once

#include "base/schema.hpp"

namespace tilld::daemon {

base::schema shape_of_plugin();
// An entry of a journal's backlog: how much waits for one destination.
base::schema shape_of_backlog();
base::schema shape_of_queue();
// An entry of device.list, with its claim.
base::schema shape_of_device();
base::schema shape_of_status();
base::schema shape_of_operation();
base::schema shape_of_record();

}  // namespace tilld::daemon
