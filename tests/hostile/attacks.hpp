// What hostile or broken clients do, each as something that goes on until it is told to stop. None needs a
// right that a till does not have.
#pragma once

#include <atomic>
#include <functional>
#include <string>
#include <vector>

#include "tests/support/shop.hpp"

namespace tilld::hostile {

struct attack {
  std::string name;
  std::function<void(const tests::shop&, const std::atomic<bool>& stop)> run;
};

// The shop has TCP, HTTP and a plugin `devices` of the simulated kind.
const std::vector<attack>& attacks();

}  // namespace tilld::hostile
