#include "daemon/config/config.hpp"

#include <grp.h>
#include <pwd.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <set>

#include "base/id.hpp"
#include "base/yaml.hpp"
#include "base/yaml_fit.hpp"
#include "daemon/config/config_schema.hpp"
#include "daemon/config/installed_places.hpp"
#include "daemon/config/layers.hpp"
#include "wire/origin.hpp"

namespace tilld::daemon {

using base::error;
using base::result;
using base::yaml_value;

std::string_view name(role r) {
  switch (r) {
    case role::till: return "till";
    case role::operator_: return "operator";
    case role::self_checkout: return "self_checkout";
    case role::read: return "read";
    case role::admin: return "admin";
  }
  return "read";
}

std::optional<role> parse_role(std::string_view text) {
  for (auto r : every_role)
    if (text == name(r)) return r;
  return std::nullopt;
}

namespace {

constexpr std::size_t origins_max = 64;

result<std::string> short_name(const yaml_value& v) {
  auto text = v.text();
  if (!text) return text.error();
  if (!base::is_short_name(*text)) return v.wrong("expected 1 to 32 characters of a-z 0-9 -");
  return text;
}

result<std::string> absolute_path(const yaml_value& v) {
  auto text = v.text();
  if (!text) return text.error();
  if (text->empty() || text->front() != '/') return v.wrong("expected a path that begins with /");
  return text;
}

result<std::uint32_t> user_or_group(const yaml_value& v, bool group) {
  auto text = v.text();
  if (!text) return text.error();
  std::uint32_t number = 0;
  auto end = text->data() + text->size();
  if (auto [at, code] = std::from_chars(text->data(), end, number); code == std::errc() && at == end)
    return number;
  if (group) {
    if (auto* g = ::getgrnam(text->c_str())) return g->gr_gid;
    return v.wrong("this machine has no group " + *text);
  }
  if (auto* u = ::getpwnam(text->c_str())) return u->pw_uid;
  return v.wrong("this machine has no user " + *text);
}

result<role> read_role(const yaml_value& v) {
  auto word = v.one_of({"till", "operator", "self_checkout", "read", "admin"});
  if (!word) return word.error();
  return *parse_role(*word);
}

result<> read_till(const yaml_value& v, config& c) {
  auto map = v.map({"id", "branch", "merchant"});
  if (!map) return map.error();
  struct {
    const char* key;
    std::string* to;
  } all[] = {{"id", &c.till}, {"branch", &c.branch}, {"merchant", &c.merchant}};
  for (auto& one : all) {
    auto value = map->need(one.key);
    if (!value) return value.error();
    auto text = short_name(*value);
    if (!text) return text.error();
    *one.to = *text;
  }
  return {};
}

result<> read_roles(const yaml_value& v, std::vector<role_mapping>& to) {
  auto list = v.list();
  if (!list) return list.error();
  for (auto& entry : *list) {
    auto map = entry.map({"user", "group", "role"});
    if (!map) return map.error();
    role_mapping m;
    if (auto user = map->find("user")) {
      auto id = user_or_group(*user, false);
      if (!id) return id.error();
      m.user = *id;
    }
    if (auto group = map->find("group")) {
      auto id = user_or_group(*group, true);
      if (!id) return id.error();
      m.group = *id;
    }
    if (!m.user && !m.group) return entry.wrong("expected user or group, and role");
    auto word = map->need("role");
    if (!word) return word.error();
    auto r = read_role(*word);
    if (!r) return r.error();
    m.gets = *r;
    to.push_back(m);
  }
  return {};
}

result<http_config> read_http(const yaml_value& v) {
  auto map = v.map({"address", "origins"});
  if (!map) return map.error();
  http_config http;
  auto given = map->need("address");
  if (!given) return given.error();
  auto text = given->text();
  if (!text) return text.error();
  auto address = wire::parse_loopback(*text);
  if (!address) return given->wrong(address.error().detail);
  http.address = *address;
  if (auto value = map->find("origins")) {
    auto list = value->list();
    if (!list) return list.error();
    if (list->size() > origins_max) return value->wrong("at most 64 origins");
    for (auto& one : *list) {
      auto spelled = one.text();
      if (!spelled) return spelled.error();
      auto origin = wire::parse_origin(*spelled);
      if (!origin) return one.wrong(origin.error().detail);
      http.origins.push_back(*origin);
    }
  }
  return http;
}

result<> read_listen(const yaml_value& v, listen_config& to) {
  auto map = v.map({"unix", "admin", "roles", "tcp", "http"});
  if (!map) return map.error();
  // A socket's name must fit into sockaddr_un.
  auto socket_path = [](const yaml_value& value) -> result<std::string> {
    auto path = absolute_path(value);
    if (path && path->size() > 100) return value.wrong("the path of a socket has at most 100 characters");
    return path;
  };
  if (auto value = map->find("unix")) {
    auto path = socket_path(*value);
    if (!path) return path.error();
    to.unix_path = *path;
  }
  if (auto value = map->find("admin")) {
    auto path = socket_path(*value);
    if (!path) return path.error();
    to.admin_path = *path;
  }
  if (auto value = map->find("roles"))
    if (auto read = read_roles(*value, to.roles); !read) return read.error();
  if (auto value = map->find("tcp")) {
    auto text = value->text();
    if (!text) return text.error();
    auto address = wire::parse_loopback(*text);
    if (!address) return value->wrong(address.error().detail);
    to.tcp = *address;
  }
  if (auto value = map->find("http")) {
    auto http = read_http(*value);
    if (!http) return http.error();
    to.http = std::move(*http);
  }
  return {};
}

result<> read_destinations(const yaml_value& v, std::vector<destination_config>& to) {
  auto list = v.list();
  if (!list) return list.error();
  std::set<std::string> names;
  int ledgers = 0;
  for (auto& entry : *list) {
    auto map = entry.map({"name", "url", "role", "public_key"});
    if (!map) return map.error();
    destination_config d;
    auto given_name = map->need("name");
    if (!given_name) return given_name.error();
    auto text = short_name(*given_name);
    if (!text) return text.error();
    if (!names.insert(*text).second) return given_name->wrong("two destinations have the same name");
    d.name = *text;
    auto url = map->need("url");
    if (!url) return url.error();
    auto url_text = url->text();
    if (!url_text) return url_text.error();
    auto address = wire::parse_destination_url(*url_text);
    if (!address) return url->wrong(address.error().detail);
    d.address = *address;
    auto given_role = map->need("role");
    if (!given_role) return given_role.error();
    auto word = given_role->one_of({"ledger", "witness"});
    if (!word) return word.error();
    d.expected_role = *wire::sync::parse_role(*word);
    ledgers += d.expected_role == wire::sync::role::ledger;
    if (auto key = map->find("public_key")) {
      auto hex = key->text();
      if (!hex) return hex.error();
      auto octets = base::from_hex(*hex);
      if (!octets || octets->size() != 32) return key->wrong("expected 64 hexadecimal digits");
      d.public_key.emplace();
      std::copy(octets->begin(), octets->end(), d.public_key->begin());
    }
    to.push_back(std::move(d));
  }
  if (!to.empty() && ledgers != 1)
    return v.wrong("exactly one destination has role: ledger, the others witness");
  return {};
}

result<plugin_config> read_plugin(const yaml_value& entry, const std::string& folder) {
  auto map = entry.map({"name", "plugin", "isolation", "config", "paths", "memory_max_mib"});
  if (!map) return map.error();
  plugin_config p;
  auto given_name = map->need("name");
  if (!given_name) return given_name.error();
  auto text = short_name(*given_name);
  if (!text) return text.error();
  p.name = *text;
  auto file = map->need("plugin");
  if (!file) return file.error();
  auto file_text = file->text();
  if (!file_text) return file_text.error();
  // "simulated" stands for FOLDER/simulated.so; nothing is loaded because it happens to lie there.
  bool plain = file_text->find('/') == std::string::npos;
  if (file_text->empty() || file_text->back() == '/' || (!plain && file_text->front() != '/'))
    return file->wrong("expected a plain name or a path that begins with /");
  p.file = plain ? folder + "/" + *file_text + (file_text->ends_with(".so") ? "" : ".so") : *file_text;
  if (auto value = map->find("isolation")) {
    auto word = value->one_of({"process", "none"});
    if (!word) return word.error();
    p.how = *word == "none" ? isolation::none : isolation::process;
  }
  if (auto value = map->find("config")) {
    if (!value->is_map()) return value->wrong("expected keys and values");
    auto json = value->json();
    if (!json) return json.error();
    p.config = json->as_object();
  }
  if (auto value = map->find("paths")) {
    auto list = value->list();
    if (!list) return list.error();
    for (auto& one : *list) {
      auto path = absolute_path(one);
      if (!path) return path.error();
      p.paths.push_back(*path);
    }
  }
  if (auto value = map->find("memory_max_mib")) {
    auto mib = value->integer(16, 4096);
    if (!mib) return mib.error();
    p.memory_max = static_cast<std::uint64_t>(*mib) << 20;
  }
  return p;
}

result<> read_number(const base::yaml_map& map, const char* key, std::int64_t min, std::int64_t max,
                     std::uint64_t& to) {
  auto value = map.find(key);
  if (!value) return {};
  auto number = value->integer(min, max);
  if (!number) return number.error();
  to = static_cast<std::uint64_t>(*number);
  return {};
}

result<> read_journal(const yaml_value& v, config& c) {
  auto map = v.map({"checkpoint_every", "retention_days"});
  if (!map) return map.error();
  if (auto read = read_number(*map, "checkpoint_every", 1, 100'000, c.checkpoint_every); !read) return read;
  return read_number(*map, "retention_days", 0, 36'500, c.retention_days);
}

result<> read_alarm(const yaml_value& v, config& c) {
  auto map = v.map({"waiting_records", "waiting_minutes"});
  if (!map) return map.error();
  if (auto read = read_number(*map, "waiting_records", 1, 1'000'000'000, c.lag_records_max); !read)
    return read;
  return read_number(*map, "waiting_minutes", 1, 525'600, c.lag_minutes_max);
}

result<> read_storage(const yaml_value& v, storage_config& to) {
  auto map = v.map({"keep_free_mib", "backup"});
  if (!map) return map.error();
  if (auto value = map->find("keep_free_mib")) {
    auto mib = value->integer(0, 1 << 20);
    if (!mib) return mib.error();
    to.keep_free = static_cast<std::uint64_t>(*mib) << 20;
  }
  auto backup = map->find("backup");
  if (!backup) return {};
  auto keys = backup->map({"folder", "every_hours", "keep"});
  if (!keys) return keys.error();
  backup_config b;
  auto place = keys->need("folder");
  if (!place) return place.error();
  auto folder = absolute_path(*place);
  if (!folder) return folder.error();
  b.folder = *folder;
  if (auto value = keys->find("every_hours")) {
    auto hours = value->integer(1, 24 * 31);
    if (!hours) return hours.error();
    b.every_hours = static_cast<std::uint32_t>(*hours);
  }
  if (auto value = keys->find("keep")) {
    auto count = value->integer(1, 1000);
    if (!count) return count.error();
    b.keep = static_cast<std::uint32_t>(*count);
  }
  to.backup = std::move(b);
  return {};
}

// A drop-in that wants to change an instance and has its name wrong seems to describe a new one.
result<> names_that_were_meant(const layers& from) {
  struct {
    const char *list, *needed, *what;
  } all[] = {{"plugins", "plugin", "plugin"}, {"destinations", "url", "destination"}};
  for (auto& [list, needed, what] : all) {
    auto elements = from.whole.tree()->member(list);
    if (!elements) continue;
    std::vector<std::string_view> others;
    for (auto& e : elements->items)
      if (e->member(needed)) others.push_back(e->member("name")->scalar);
    for (auto& e : elements->items) {
      auto name = e->member("name");
      if (e->member(needed) || *e->file == from.files.front()) continue;
      auto why = name->place() + ": " + list + ": no file before this one has a " + what + " named \"" +
                 name->scalar + "\", and for a new one the key \"" + needed + "\" is missing";
      if (auto near = base::nearest_word(name->scalar, others)) why += "; did you mean \"" + *near + "\"?";
      return error{base::errc::config_wrong_value, why};
    }
  }
  return {};
}

}  // namespace

result<config> load_config(const std::string& path) {
  auto from = read_layers(path);
  if (!from) return from.error();
  return read_config(*from);
}

result<config> read_config(const layers& from) {
  if (auto fine = names_that_were_meant(from); !fine) return fine.error();
  if (auto fine = base::fits(from.whole, config_schema()); !fine) return fine.error();
  auto map = from.whole.map({"till", "state", "language", "storage", "listen", "destinations",
                             "plugin_folder", "plugins", "journal", "alarm"});
  if (!map) return map.error();
  config c;
  auto till = map->need("till");
  if (!till) return till.error();
  if (auto read = read_till(*till, c); !read) return read.error();
  if (auto value = map->find("state")) {
    auto folder = absolute_path(*value);
    if (!folder) return folder.error();
    c.state_folder = *folder;
  }
  if (auto value = map->find("language")) {
    auto word = value->one_of({"en", "de"});
    if (!word) return word.error();
    c.language = *word == "de" ? base::language::german : base::language::english;
  }
  if (auto value = map->find("storage"))
    if (auto read = read_storage(*value, c.storage); !read) return read.error();
  if (auto value = map->find("listen"))
    if (auto read = read_listen(*value, c.listen); !read) return read.error();
  if (auto value = map->find("destinations"))
    if (auto read = read_destinations(*value, c.destinations); !read) return read.error();
  std::string folder = own_places().plugin_folder;
  if (auto value = map->find("plugin_folder")) {
    auto given = absolute_path(*value);
    if (!given) return given.error();
    folder = *given;
  }
  if (auto value = map->find("plugins")) {
    auto list = value->list();
    if (!list) return list.error();
    std::set<std::string> names;
    for (auto& entry : *list) {
      auto p = read_plugin(entry, folder);
      if (!p) return p.error();
      if (!names.insert(p->name).second) return entry.wrong("two plugins have the name " + p->name);
      c.plugins.push_back(std::move(*p));
    }
  }
  if (auto value = map->find("journal"))
    if (auto read = read_journal(*value, c); !read) return read.error();
  if (auto value = map->find("alarm"))
    if (auto read = read_alarm(*value, c); !read) return read.error();
  c.digest = from.digest;
  return c;
}

}  // namespace tilld::daemon
