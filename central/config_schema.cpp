#include "central/config_schema.hpp"

#include <boost/json.hpp>

#include "base/file_schema.hpp"

namespace tilld::central {

using namespace base::shape;
using base::schema;

namespace {

// For people; one that is written in digits alone needs no quotes.
schema label() { return schema({{"type", boost::json::array{"string", "integer"}}}); }

schema merchant() {
  return closed(
      object({needed("id", short_name(), "Stands in the tills' configuration too, and never changes"),
              optional("name", label(), "For people; the id when left out")}));
}

schema branch() {
  return closed(object({needed("id", short_name(), "The shop; it never changes"),
                        needed("merchant", short_name(), "One of the merchants of this file"),
                        optional("name", label(), "For people; the id when left out")}));
}

schema till() {
  auto key = judged(text(), "^[0-9a-fA-F]{64}$", "64 hexadecimal digits, as device.pub on the till has them");
  return closed(
      object({needed("id", short_name(), "As in the till's own configuration; never given to another till"),
              needed("branch", short_name(), "One of the branches of this file"),
              needed("public_key", std::move(key),
                     "The key that the till made at its first start, from its device.pub"),
              optional("epoch", with_default(whole(1, 0x7fffffff), 1),
                       "How many tills or disks have had this id, one after the other")}));
}

schema witness() {
  auto key = judged(text(), "^[0-9a-fA-F]{64}$",
                    "64 hexadecimal digits, as the witness's till-central status prints them");
  auto url = judged(text(), R"(^tcp://(127(\.[0-9]{1,3}){3}|\[::1\]|localhost):0*[1-9][0-9]{0,4}$)",
                    "tcp://127.0.0.1:PORT");
  return closed(
      object({needed("name", short_name(), "For people"),
              needed("url", std::move(url), "Where the witness listens for tills"),
              needed("id", short_name(), "Under which the witness lists this server, among its tills"),
              needed("merchant", short_name(), "The merchant of that till there"),
              needed("public_key", std::move(key), "The key that the witness must prove")}));
}

schema listen() {
  return closed(object({optional("sync", with_default(loopback_address(), "127.0.0.1:7710"), "For the tills"),
                        optional("http", with_default(loopback_address(), "127.0.0.1:7711"),
                                 "For people and their scripts, with the token")}));
}

}  // namespace

schema config_schema() {
  auto database = judged(text(), "^sqlite:.", "sqlite:PATH");
  return closed(object(
      {needed("merchants", list(merchant()), "Who owns the shops"),
       needed("branches", list(branch()), "The shops"),
       optional("tills", list(till()), "The tills that may send records; all others are refused"),
       needed("database", std::move(database),
              "Where the records are kept, one file, with key and token beside it"),
       optional("role", with_default(one_of({"ledger", "witness"}), "ledger"),
                "ledger is the one server that posts; a witness verifies and keeps"),
       optional("witnesses", list(witness()),
                "Of the ledger: where its own events go, releases, replacements and the listing of tills"),
       optional("listen", listen(), "Where it listens; addresses of this machine only")}));
}

boost::json::object schema_for_editors() {
  return base::for_editors(config_schema(), "central.yaml, how till-central is set up");
}

}  // namespace tilld::central
