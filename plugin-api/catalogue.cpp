#include "plugin-api/catalogue.hpp"

#include <algorithm>
#include <deque>
#include <vector>

#include <tilld/card_reader.hpp>
#include <tilld/customer.hpp>
#include <tilld/display.hpp>
#include <tilld/json_schema.hpp>
#include <tilld/printer.hpp>
#include <tilld/scanner.hpp>
#include <tilld/services.hpp>
#include <tilld/tender.hpp>

namespace tilld::catalogue {

namespace {

namespace json = boost::json;
namespace mp = boost::mp11;

using device_interfaces = std::tuple<scanner::interface_1, card_reader::interface_1, printer::interface_1,
                                     display::interface_1, tender::interface_1, customer::interface_1>;
using services_of_the_daemon =
    std::tuple<services::central::interface_1, services::journal::interface_1, services::state::interface_1>;

template <class List, class Visit>
void for_each_type(Visit visit) {
  mp::mp_for_each<mp::mp_transform<mp::mp_identity, List>>(visit);
}

template <class T>
marks marks_of() {
  marks m;
  if constexpr (requires { T::secret_members; }) m.secret = T::secret_members;
  if constexpr (requires { T::personal_members; }) m.personal = T::personal_members;
  if constexpr (requires { T::bearer_members; }) m.bearer = T::bearer_members;
  return m;
}

template <class T>
std::optional<std::string> check_as(const json::object& body) {
  // Boost.JSON reads through values; this one shares nothing and copies once.
  return complaint_about<T>(json::value(body));
}

template <class Request>
consteval bool moves_value() {
  if constexpr (requires { Request::moves_value; }) return Request::moves_value;
  return false;
}

template <class Request>
word word_of(std::string_view interface, std::string_view method, bool service) {
  using reply = typename Request::reply;
  return {.interface = interface,
          .full_name = Request::name,
          .method = method,
          .summary = Request::summary,
          .service = service,
          .changes_state = Request::changes_state,
          .moves_value = moves_value<Request>(),
          .outcome = {},
          .deadline_ms_default = Request::deadline_ms_default,
          .request = marks_of<Request>(),
          .reply = marks_of<reply>(),
          .check_request = check_as<Request>,
          .check_reply = check_as<reply>};
}

struct table {
  std::vector<interface_entry> interfaces;
  std::vector<word> words;
  std::vector<topic> topics;
  std::deque<std::string> till_names;  // what the views in words and topics look at; a deque never moves them

  table() {
    for_each_type<device_interfaces>([this](auto it) { add<typename decltype(it)::type>(false); });
    for_each_type<services_of_the_daemon>([this](auto it) { add<typename decltype(it)::type>(true); });
    for (auto& w : words) {
      if (w.service || !w.changes_state) continue;
      const auto outcome = std::string(w.interface) + ".outcome";
      for (const auto& other : words)
        if (other.full_name == outcome) w.outcome = other.full_name;
    }
  }

  template <class Interface>
  void add(bool service) {
    interfaces.push_back({Interface::name, service});
    for_each_type<typename Interface::requests>([&](auto it) {
      using request = typename decltype(it)::type;
      const auto& method = till_names.emplace_back(till_name(request::name));
      words.push_back(word_of<request>(Interface::name, method, service));
    });
    for_each_type<typename Interface::events>([&](auto it) {
      using event = typename decltype(it)::type;
      topics.push_back({.interface = Interface::name,
                        .full_name = event::name,
                        .name = till_names.emplace_back(till_name(event::name)),
                        .body = marks_of<event>(),
                        .check = check_as<event>});
    });
  }
};

const table& the_table() {
  static const auto& it = *new table;
  return it;
}

template <class List, class Member>
auto find_in(const List& list, Member member, std::string_view wanted) -> decltype(list.data()) {
  const auto found =
      std::find_if(list.begin(), list.end(), [&](const auto& e) { return e.*member == wanted; });
  return found == list.end() ? nullptr : &*found;
}

bool remove_path(json::value& from, std::string_view path) {
  if (auto* list = from.if_array()) {
    bool any = false;
    for (auto& element : *list) any = remove_path(element, path) || any;
    return any;
  }
  auto* object = from.if_object();
  if (!object) return false;
  const auto dot = path.find('.');
  if (dot == path.npos) return object->erase(path) > 0;
  auto* inner = object->if_contains(path.substr(0, dot));
  return inner && remove_path(*inner, path.substr(dot + 1));
}

}  // namespace

std::span<const interface_entry> interfaces() { return the_table().interfaces; }
std::span<const word> words() { return the_table().words; }
std::span<const topic> topics() { return the_table().topics; }

const word* find_word(std::string_view full_name) {
  return find_in(the_table().words, &word::full_name, full_name);
}
const word* find_method(std::string_view method) { return find_in(the_table().words, &word::method, method); }
const topic* find_topic(std::string_view full_name) {
  return find_in(the_table().topics, &topic::full_name, full_name);
}

bool is_interface_name(std::string_view text) {
  const auto slash = text.find('/');
  if (slash == text.npos || text.size() > 100) return false;
  const auto name = text.substr(0, slash), revision = text.substr(slash + 1);
  auto digit = [](char c) { return c >= '0' && c <= '9'; };
  if (revision.empty() || revision.size() > 4 || revision[0] == '0' ||
      !std::all_of(revision.begin(), revision.end(), digit))
    return false;
  char before = '.';
  for (char c : name) {
    const bool fine =
        (c >= 'a' && c <= 'z') || digit(c) || c == '_' || c == '-' || (c == '.' && before != '.');
    if (!fine) return false;
    before = c;
  }
  return before != '.' && name.find('.') != name.npos;
}

std::string till_name(std::string_view full_name) {
  const auto slash = full_name.find('/');
  if (slash == full_name.npos) return {};
  const auto dot = full_name.find('.', slash);
  if (dot == full_name.npos || dot + 1 == full_name.size() || !is_interface_name(full_name.substr(0, dot)))
    return {};
  auto interface = full_name.substr(0, slash);
  constexpr std::string_view ours = "tilld.";
  if (interface.starts_with(ours)) interface.remove_prefix(ours.size());
  return std::string(interface) + std::string(full_name.substr(dot));
}

std::optional<std::string> check(std::string_view full_name, const json::object& body) {
  if (const auto* w = find_word(full_name)) return w->check_request(body);
  if (const auto* t = find_topic(full_name)) return t->check(body);
  return std::nullopt;
}

std::optional<std::string> check_reply(std::string_view full_name, const json::object& body) {
  const auto* w = find_word(full_name);
  return w ? w->check_reply(body) : std::nullopt;
}

bool remove_members(json::object& from, paths which) {
  json::value whole(std::move(from));
  bool any = false;
  for (const auto path : which) any = remove_path(whole, path) || any;
  from = std::move(whole.get_object());
  return any;
}

namespace {

template <class T>
json::object marked_schema() {
  auto schema = schema_of<T>(detail::unknown_members_of<T>());
  auto mark = [&schema](const char* name, paths which) {
    if (which.empty()) return;
    json::array list;
    for (const auto path : which) list.push_back(json::string(path));
    schema[name] = std::move(list);
  };
  const auto m = marks_of<T>();
  mark("x-secret", m.secret);
  mark("x-personal", m.personal);
  mark("x-bearer", m.bearer);
  if (carries_blob<T>) schema["x-blob"] = true;
  return schema;
}

template <class Interface>
json::object schema_of_interface() {
  json::object requests, events;
  auto last_part = [](std::string_view name) { return name.substr(name.rfind('.') + 1); };
  for_each_type<typename Interface::requests>([&](auto it) {
    using request = typename decltype(it)::type;
    requests[last_part(request::name)] = json::object{
        {"description", request::summary},         {"x-changes-state", request::changes_state},
        {"x-moves-value", moves_value<request>()}, {"x-deadline-ms", request::deadline_ms_default},
        {"request", marked_schema<request>()},     {"reply", marked_schema<typename request::reply>()}};
  });
  for_each_type<typename Interface::events>([&](auto it) {
    using event = typename decltype(it)::type;
    events[last_part(event::name)] = marked_schema<event>();
  });
  return {{"$schema", "http://json-schema.org/draft-07/schema#"},
          {"title", Interface::name},
          {"definitions", json::object{{"requests", requests}, {"events", events}}}};
}

}  // namespace

std::optional<json::object> schema(std::string_view interface) {
  std::optional<json::object> found;
  for_each_type<mp::mp_append<device_interfaces, services_of_the_daemon>>([&](auto it) {
    using candidate = typename decltype(it)::type;
    if (interface == candidate::name) found = schema_of_interface<candidate>();
  });
  return found;
}

}  // namespace tilld::catalogue
