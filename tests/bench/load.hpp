// One thread that asks as quickly as it is answered, over one connection or many, and times each answer. The
// same code speaks to tilld, to the floors and to the peers, so that its own cost is the same everywhere.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

namespace tilld::bench {

struct load_plan {
  std::string socket;      // path of a Unix socket, or
  std::uint16_t port = 0;  // of 127.0.0.1
  int connections = 1;
  int in_flight = 1;  // requests a connection sends before it waits
  double seconds = 1;
  // Appends the request with this number, ended by LF; an answer is one line.
  std::function<void(std::string& out, int connection, std::uint64_t number)> ask;
  // What every good answer has in it.
  std::string good = "\"result\":";
};

struct load_result {
  std::uint64_t answers = 0;
  double seconds = 0;
  double p50_us = 0, p99_us = 0;
  double per_second() const { return seconds > 0 ? static_cast<double>(answers) / seconds : 0; }
};

// Ends the program with the answer when one is not good or does not come for ten seconds: a rate of refusals
// says nothing.
load_result run_load(const load_plan& plan);

double percentile_us(std::vector<double>& latencies_us, double share);

// Exactly 200 octets with the line's end.
std::string call_of_200_octets(const std::string& method, std::uint64_t number);
// A sale of about 600 octets with 4 lines; every `number` of a `till` is another sale with a key of its own.
void append_sale(std::string& out, const std::string& till, std::uint64_t number);
// Its params alone.
std::string sale_params(const std::string& till, std::uint64_t number);

}  // namespace tilld::bench
