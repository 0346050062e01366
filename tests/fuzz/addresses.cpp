// Short texts that decide who may come: addresses, origins, ids, keys, hexadecimal and base64.
#include "base/id.hpp"
#include "tests/fuzz/target.hpp"
#include "wire/base64.hpp"
#include "wire/loopback.hpp"
#include "wire/origin.hpp"

namespace tilld::fuzz {
namespace {

std::string lowered(std::string_view text) {
  std::string out(text);
  for (auto& c : out) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
  return out;
}

void check_address(std::string_view text) {
  auto at = wire::parse_loopback(text);
  if (!at) return;
  demand(at->host == "::1" || at->host.starts_with("127."), "nothing but this machine is listened on");
  auto colon = text.rfind(':');
  auto host = text.substr(0, colon);
  demand(host == "localhost" || host == "[::1]" || host == at->host, "the address is spelled out");
  demand(wire::parse_loopback(at->text()).has_value(), "an address can be written");
  auto url = wire::parse_destination_url("tcp://" + std::string(text));
  demand(url.has_value() == (at->port != 0), "nobody connects to port 0");
}

void check_origin(std::string_view text) {
  auto origin = wire::parse_origin(text);
  if (!origin) return;
  auto again = wire::parse_origin(*origin);
  demand(again.has_value() && *again == *origin, "an origin has one spelling");
  demand(lowered(text).starts_with(origin->substr(0, origin->rfind(':'))), "an origin is not invented");
  for (char c : *origin)
    demand(c > 0x20 && c < 0x7f && !(c >= 'A' && c <= 'Z') && c != '*', "an origin has the letters of one");
  demand(origin->find('/') == origin->find("://") + 1 && origin->rfind('/') == origin->find("://") + 2,
         "nothing stands behind an origin");
}

// What is read back from its canonical text is the same; nothing outside this machine is an address; no
// wildcard and no path is an origin.
void eat(std::string_view octets) {
  dice from(octets);
  auto which = from.up_to(5);
  auto text = from.rest();
  switch (which) {
    case 0: check_address(text); break;
    case 1: check_origin(text); break;
    case 2:
      if (auto id = base::uuid::parse(text)) demand(id->text() == lowered(text), "an id is what it says");
      break;
    case 3:
      if (auto found = base::from_hex(text)) demand(base::to_hex(*found) == lowered(text), "hex is hex");
      demand(base::from_hex(base::to_hex(base::as_bytes(text))).has_value(), "any octets have a hex");
      break;
    case 4:
      if (auto found = wire::from_base64(text))
        demand(wire::to_base64(*found) == text, "base64 has one spelling");
      demand(wire::from_base64(wire::to_base64(text)) == text, "any octets have a base64");
      break;
    default:
      if (base::is_short_name(text)) demand(base::is_idempotency_key(text), "a short name is printable");
      if (base::is_idempotency_key(text))
        for (char c : text) demand(c >= 0x20 && c <= 0x7e && text.size() <= 64, "a key is printable");
  }
}

const target addresses{"addresses", eat};

}  // namespace
}  // namespace tilld::fuzz
