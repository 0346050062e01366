// The YAML section of a simulated instance. Every part may be left out. README.md shows one.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <tilld/customer.hpp>

#include "plugins/simulated/simulation.hpp"
#include "plugins/simulated/wallets.hpp"

namespace simulated {

// One thing that happens by itself. Exactly one of the last three.
struct script_step {
  std::uint32_t after_ms = 0;  // after the step before it, or after the start
  std::optional<simulation::scan> scan;
  std::optional<simulation::present_card> present_card;
  std::optional<simulation::remove_card> remove_card;

  const char* complaint() const {
    return !!scan + !!present_card + !!remove_card == 1 ? nullptr
                                                        : "must have one of scan, present_card, remove_card";
  }
};
BOOST_DESCRIBE_STRUCT(script_step, (), (after_ms, scan, present_card, remove_card))

// Somebody that customer.identify knows: by any of these words in uid, reference, proof, code, phone or
// email.
struct known_customer {
  std::vector<std::string> found_by;
  tilld::customer::person customer;
};
BOOST_DESCRIBE_STRUCT(known_customer, (), (found_by, customer))

struct settings {
  std::optional<std::vector<script_step>> script;
  std::optional<bool> repeat_script;
  std::optional<std::vector<known_customer>> customers;
  std::optional<std::string> as_of;  // what customer.identify says; the present moment when left out
  std::optional<std::vector<wallet>> wallets;
};
BOOST_DESCRIBE_STRUCT(settings, (), (script, repeat_script, customers, as_of, wallets))

}  // namespace simulated
