#include "plugin-api/check/subject.hpp"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <map>

#include "base/schema.hpp"
#include "plugin-api/catalogue.hpp"
#include "plugin-api/check/schema_defect.hpp"

namespace tilld::plugin_check {

namespace json = boost::json;

namespace {

// Calls back with each text in it, however deep.
template <class Value, class Visit>
void each_text(Value& value, Visit visit) {
  if (auto* object = value.if_object()) {
    for (auto&& member : *object) each_text(member.value(), visit);
  } else if (auto* array = value.if_array()) {
    for (auto& element : *array) each_text(element, visit);
  } else if (auto* text = value.if_string()) {
    visit(*text);
  }
}

const json::object* member_object(const json::object& in, std::string_view name) {
  const auto* value = in.if_contains(name);
  return value ? value->if_object() : nullptr;
}

bool flag(const json::object& in, std::string_view name) {
  const auto* value = in.if_contains(name);
  return value && value->is_bool() && value->get_bool();
}

// For an interface that tilld does not know: whatever its schema says.
complaint_function by_schema(const json::object* schema) {
  if (!schema) return [](const json::object&) -> std::optional<std::string> { return std::nullopt; };
  return [shape = base::schema(*schema)](const json::object& body) -> std::optional<std::string> {
    const auto wrong = base::complaints(shape, body);
    return wrong.empty() ? std::nullopt : std::optional<std::string>(wrong.front().text());
  };
}

std::optional<std::string> defect_in(const json::object& interface) {
  const auto* definitions = member_object(interface, "definitions");
  if (!definitions) return "has no definitions";
  const auto look = [](const json::object* schema, const std::string& where) -> std::optional<std::string> {
    if (!schema) return std::nullopt;
    auto defect = schema_defect(*schema);
    if (defect) *defect = where + ": " + *defect;
    return defect;
  };
  if (const auto* requests = member_object(*definitions, "requests"))
    for (const auto& [name, entry] : *requests) {
      if (!entry.is_object()) return std::string(name) + ": is not an object";
      for (const char* side : {"request", "reply"})
        if (auto defect = look(member_object(entry.get_object(), side), std::string(name) + "." + side))
          return defect;
    }
  if (const auto* events = member_object(*definitions, "events"))
    for (const auto& [name, schema] : *events) {
      if (!schema.is_object()) return std::string(name) + ": is not an object";
      if (auto defect = look(&schema.get_object(), std::string(name))) return defect;
    }
  return std::nullopt;
}

std::optional<json::object> example_in(const json::object& schema) {
  const auto* examples = schema.if_contains("examples");
  if (!examples || !examples->is_array() || examples->get_array().empty()) return std::nullopt;
  const auto& first = examples->get_array()[0];
  return first.is_object() ? std::optional<json::object>(first.get_object()) : std::nullopt;
}

void add_interface(subject& to, const std::string& name, const json::object& schema, bool ours) {
  const auto* definitions = member_object(schema, "definitions");
  if (const auto* requests = member_object(*definitions, "requests"))
    for (const auto& [last, entry] : *requests) {
      word w;
      w.interface = name;
      w.full_name = name + "." + std::string(last);
      const auto& about = entry.get_object();
      const auto* request = member_object(about, "request");
      if (request) w.request_schema = *request;
      w.changes_state = flag(about, "x-changes-state");
      w.moves_value = flag(about, "x-moves-value");
      w.waits = flag(about, "x-waits") || w.full_name == "tilld.reader/1.await";
      if (request) w.example = example_in(*request);
      if (const auto* known = ours ? catalogue::find_word(w.full_name) : nullptr) {
        w.complaint_about_request = known->check_request;
        w.complaint_about_reply = known->check_reply;
      } else {
        w.complaint_about_request = by_schema(request);
        w.complaint_about_reply = by_schema(member_object(about, "reply"));
      }
      to.words.push_back(std::move(w));
    }
  if (const auto* events = member_object(*definitions, "events"))
    for (const auto& [last, event] : *events) {
      const auto full_name = name + "." + std::string(last);
      const auto* known = ours ? catalogue::find_topic(full_name) : nullptr;
      to.topics.push_back(
          {full_name, known ? complaint_function(known->check) : by_schema(&event.get_object())});
    }
}

}  // namespace

bool has_place(const json::object& config, std::string_view place) {
  bool found = false;
  const json::value whole(config);
  each_text(whole, [&](const json::string& text) {
    found = found || std::string_view(text.data(), text.size()).find(place) != std::string_view::npos;
  });
  return found;
}

json::object put_in_place(const json::object& config, std::string_view place, const std::string& with) {
  json::value whole(config);
  each_text(whole, [&](json::string& text) {
    std::string changed(text.data(), text.size());
    for (auto at = changed.find(place); at != changed.npos; at = changed.find(place, at + with.size()))
      changed.replace(at, place.size(), with);
    text = changed;
  });
  return whole.get_object();
}

std::optional<std::string> read_interfaces(subject& it, const std::vector<std::string>& schema_files) {
  std::map<std::string, json::object> of_others;
  for (const auto& path : schema_files) {
    std::ifstream file(path, std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    json::error_code failed;
    const auto value = json::parse(text, failed);
    const auto* object = failed ? nullptr : value.if_object();
    const auto* title = object ? object->if_contains("title") : nullptr;
    if (!file || !title || !title->is_string() || !catalogue::is_interface_name(title->get_string()))
      return path + ": is not the schema of an interface (a JSON object whose title is its name)";
    if (auto defect = defect_in(*object)) return path + ": " + *defect;
    of_others[std::string(title->get_string())] = *object;
  }
  for (const auto& name : it.provides) {
    if (const auto ours = catalogue::schema(name))
      add_interface(it, name, *ours, true);
    else if (const auto given = of_others.find(name); given != of_others.end())
      add_interface(it, name, given->second, false);
    else
      it.without_schema.push_back(name);
  }
  return std::nullopt;
}

}  // namespace tilld::plugin_check
