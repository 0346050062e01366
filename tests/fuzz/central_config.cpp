// central.yaml.
#include "central/config.hpp"
#include "tests/fuzz/target.hpp"

namespace tilld::fuzz {
namespace {

// What is taken keeps the tills apart and listens on this machine alone; what is not says where it is wrong.
void eat(std::string_view octets) {
  auto got = central::config::parse(std::string(octets), "central.yaml");
  if (!got) {
    demand(got.error().detail.starts_with("central.yaml"), "a complaint names the file");
    return;
  }
  demand(got->sync.host == "::1" || got->sync.host.starts_with("127."),
         "tills are listened for on this machine");
  demand(got->http.host == "::1" || got->http.host.starts_with("127."),
         "people are listened for on this machine");
  for (auto& [name, till] : got->tills) {
    demand(base::is_short_name(name) && till.epoch_allowed > 0, "a till is listed by its name");
    for (auto& [other, too] : got->tills) demand(name == other || till.key != too.key, "a key is one till's");
  }
}

const target central_config{"central_config", eat};

}  // namespace
}  // namespace tilld::fuzz
