// central.yaml: who may send records, where they are kept, where the server listens. config/central.yaml has
// a sentence on every key.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/yaml.hpp"
#include "central/apply_machine.hpp"
#include "wire/loopback.hpp"

namespace tilld::central {

struct merchant {
  std::string id;
  std::string name;
};

struct branch {
  std::string id;
  std::string merchant;
  std::string name;
};

// Where the ledger's own events go.
struct witness_config {
  std::string name;
  wire::loopback_address address;
  std::string id, merchant;  // as the witness lists this server under tills:
  base::public_key key{};    // of the witness
};

struct config {
  std::vector<witness_config> witnesses;
  std::vector<merchant> merchants;
  std::vector<branch> branches;
  std::map<std::string, listing> tills;
  std::string database;  // path of the SQLite file
  wire::sync::role role = wire::sync::role::ledger;
  wire::loopback_address sync;
  wire::loopback_address http;

  // Everything that is wrong is refused with file, line and what is expected; nothing is guessed.
  static base::result<config> load(const std::string& path);
  static base::result<config> parse(const std::string& text, const std::string& file_name);

  // What lies beside the database, mode 0600.
  std::string key_path() const;
  std::string token_path() const;
};

}  // namespace tilld::central
