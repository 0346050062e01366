// Holds the till's journal, central's records and the printer against the clients' own record.
#pragma once

#include <string>
#include <vector>

#include "tests/crash/own_record.hpp"
#include "tests/support/shop.hpp"

namespace tilld::crash {

struct findings {
  std::size_t sales = 0, acknowledged = 0, records = 0, prints = 0, printed = 0;
  std::size_t lost = 0;        // acknowledged and not there
  std::size_t doubled = 0;     // there twice, or printed twice
  std::size_t foreign = 0;     // there and never asked for
  std::size_t wrong = 0;       // other amounts, octets, numbers or order than told
  std::size_t differing = 0;   // between till and central
  std::size_t unverified = 0;  // a chain that does not verify
  std::vector<std::string> words;

  std::size_t all() const { return lost + doubled + foreign + wrong + differing + unverified; }
};

// The shop runs, everything is drained and nobody asks anything any more. Stops central at the end to verify
// its database offline.
findings audit(const own_record& record, tests::shop& shop, const std::string& central_program);

// Everything was asked once more: nothing may have happened, and every answer must have been the same.
void audit_repetition(const own_record& record, tests::shop& shop, findings& found);

}  // namespace tilld::crash
