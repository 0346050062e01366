#include "central/config.hpp"

#include <algorithm>
#include <filesystem>

#include "base/yaml_fit.hpp"
#include "central/config_schema.hpp"

namespace tilld::central {

using base::errc;
using base::error;
using base::result;
using base::yaml_map;
using base::yaml_value;

namespace {

result<std::string> short_name(const yaml_map& in, std::string_view key) {
  auto value = in.need(key);
  if (!value) return value.error();
  auto text = value->text();
  if (!text) return text.error();
  if (!base::is_short_name(*text)) return value->wrong("must be 1 to 32 of a-z 0-9 -");
  return *text;
}

result<std::string> text_or(const yaml_map& in, std::string_view key, std::string otherwise) {
  auto value = in.find(key);
  if (!value) return otherwise;
  return value->text();
}

// Listening and nothing else needs the file and line of a wrong address, so the reason is put behind them.
result<wire::loopback_address> address_or(const yaml_map& in, std::string_view key, const char* otherwise) {
  auto value = in.find(key);
  if (!value) return wire::parse_loopback(otherwise);
  auto text = value->text();
  if (!text) return text.error();
  auto address = wire::parse_loopback(*text);
  if (!address) return error{address.error().code, value->wrong(address.error().detail).detail};
  return address;
}

result<base::public_key> public_key(const yaml_map& in) {
  auto value = in.need("public_key");
  if (!value) return value.error();
  auto text = value->text();
  if (!text) return text.error();
  auto octets = base::from_hex(*text);
  if (!octets || octets->size() != 32)
    return value->wrong(
        "must be the till's public key as 64 hexadecimal digits, as device.pub on the till has it");
  base::public_key key;
  std::copy(octets->begin(), octets->end(), key.begin());
  return key;
}

result<config> read(const yaml_value& document) {
  if (auto fine = base::fits(document, config_schema()); !fine) return fine.error();
  config c;
  auto root = document.map({"merchants", "branches", "tills", "database", "role", "listen", "witnesses"});
  if (!root) return root.error();

  auto merchants = root->need("merchants");
  if (!merchants) return merchants.error();
  auto merchant_list = merchants->list();
  if (!merchant_list) return merchant_list.error();
  for (auto& item : *merchant_list) {
    auto in = item.map({"id", "name"});
    if (!in) return in.error();
    auto id = short_name(*in, "id");
    if (!id) return id.error();
    auto label = text_or(*in, "name", *id);
    if (!label) return label.error();
    for (auto& m : c.merchants)
      if (m.id == *id) return item.wrong("merchant " + *id + " is listed twice");
    c.merchants.push_back({*id, *label});
  }

  auto branches = root->need("branches");
  if (!branches) return branches.error();
  auto branch_list = branches->list();
  if (!branch_list) return branch_list.error();
  for (auto& item : *branch_list) {
    auto in = item.map({"id", "merchant", "name"});
    if (!in) return in.error();
    auto id = short_name(*in, "id");
    if (!id) return id.error();
    auto of = short_name(*in, "merchant");
    if (!of) return of.error();
    auto label = text_or(*in, "name", *id);
    if (!label) return label.error();
    if (std::none_of(c.merchants.begin(), c.merchants.end(), [&](auto& m) { return m.id == *of; }))
      return item.wrong("no merchant " + *of + " is listed under merchants");
    for (auto& b : c.branches)
      if (b.id == *id) return item.wrong("branch " + *id + " is listed twice");
    c.branches.push_back({*id, *of, *label});
  }

  if (auto tills = root->find("tills")) {
    auto till_list = tills->list();
    if (!till_list) return till_list.error();
    for (auto& item : *till_list) {
      auto in = item.map({"id", "branch", "public_key", "epoch"});
      if (!in) return in.error();
      auto id = short_name(*in, "id");
      if (!id) return id.error();
      auto of = short_name(*in, "branch");
      if (!of) return of.error();
      auto key = public_key(*in);
      if (!key) return key.error();
      std::int64_t epoch = 1;
      if (auto value = in->find("epoch")) {
        auto number = value->integer(1, 0x7fffffff);
        if (!number) return number.error();
        epoch = *number;
      }
      auto at = std::find_if(c.branches.begin(), c.branches.end(), [&](auto& b) { return b.id == *of; });
      if (at == c.branches.end()) return item.wrong("no branch " + *of + " is listed under branches");
      if (c.tills.count(*id)) return item.wrong("till " + *id + " is listed twice");
      for (auto& [other, l] : c.tills)
        if (l.key == *key)
          return item.wrong("till " + other + " has the same public_key; each till makes its own");
      c.tills[*id] = {at->merchant, at->id, *key, static_cast<std::uint32_t>(epoch)};
    }
  }

  auto database = root->need("database");
  if (!database) return database.error();
  auto where = database->text();
  if (!where) return where.error();
  static constexpr std::string_view sqlite = "sqlite:";
  if (where->rfind("postgresql:", 0) == 0)
    return database->wrong(
        "PostgreSQL comes with a later version; this one keeps its records in SQLite: sqlite:PATH");
  if (where->rfind(sqlite, 0) != 0 || where->size() == sqlite.size())
    return database->wrong("must be sqlite:PATH");
  c.database = where->substr(sqlite.size());

  if (auto role = root->find("role")) {
    auto word = role->one_of({"ledger", "witness"});
    if (!word) return word.error();
    c.role = *wire::sync::parse_role(*word);
  }

  if (auto witnesses = root->find("witnesses")) {
    auto list = witnesses->list();
    if (!list) return list.error();
    if (!list->empty() && c.role != wire::sync::role::ledger)
      return witnesses->wrong("a witness sends its events nowhere; only the ledger has witnesses");
    for (auto& item : *list) {
      auto entry = item.map({"name", "url", "id", "merchant", "public_key"});
      if (!entry) return entry.error();
      witness_config w;
      std::pair<const char*, std::string*> names[] = {
          {"name", &w.name}, {"id", &w.id}, {"merchant", &w.merchant}};
      for (auto& [key, to] : names) {
        auto text = short_name(*entry, key);
        if (!text) return text.error();
        *to = *text;
      }
      auto url = entry->need("url");
      if (!url) return url.error();
      auto text = url->text();
      if (!text) return text.error();
      auto address = wire::parse_destination_url(*text);
      if (!address) return url->wrong(address.error().detail);
      w.address = *address;
      auto key = public_key(*entry);
      if (!key) return key.error();
      w.key = *key;
      for (auto& other : c.witnesses)
        if (other.name == w.name) return item.wrong("witness " + w.name + " is listed twice");
      c.witnesses.push_back(std::move(w));
    }
  }

  auto listen = root->find("listen");
  auto in = listen ? listen->map({"sync", "http"}) : yaml_value::parse("{}", "")->map({"sync", "http"});
  if (!in) return in.error();
  auto sync = address_or(*in, "sync", "127.0.0.1:7710");
  if (!sync) return sync.error();
  c.sync = *sync;
  auto http = address_or(*in, "http", "127.0.0.1:7711");
  if (!http) return http.error();
  c.http = *http;
  return c;
}

}  // namespace

result<config> config::load(const std::string& path) {
  auto document = yaml_value::load(path);
  if (!document) return document.error();
  return read(*document);
}

result<config> config::parse(const std::string& text, const std::string& file_name) {
  auto document = yaml_value::parse(text, file_name);
  if (!document) return document.error();
  return read(*document);
}

// central.db has central.key and central.token beside it.
std::string config::key_path() const {
  return std::filesystem::path(database).replace_extension(".key").string();
}
std::string config::token_path() const {
  return std::filesystem::path(database).replace_extension(".token").string();
}

}  // namespace tilld::central
