#include "base/canonical_json.hpp"

#include <algorithm>

#include <boost/container/small_vector.hpp>
#include <boost/json.hpp>

namespace tilld::base {
namespace {

// Most texts need no escape, and a serializer costs more than the text that it writes.
void append_text(std::string_view text, std::string& out) {
  bool plain = std::all_of(text.begin(), text.end(), [](char c) {
    return static_cast<unsigned char>(c) >= 0x20 && c != '"' && c != '\\' && c != 0x7f;
  });
  if (!plain) {
    out += boost::json::serialize(boost::json::string_view(text.data(), text.size()));
    return;
  }
  out += '"';
  out += text;
  out += '"';
}

void append(const boost::json::value& value, std::string& out);

void append_object(const boost::json::object& object, std::string_view without, std::string& out) {
  boost::container::small_vector<const boost::json::key_value_pair*, 16> members;
  for (auto& member : object)
    if (without.empty() || std::string_view(member.key()) != without) members.push_back(&member);
  std::sort(members.begin(), members.end(),
            [](auto* a, auto* b) { return std::string_view(a->key()) < std::string_view(b->key()); });
  out += '{';
  for (auto* member : members) {
    if (member != members.front()) out += ',';
    append_text(std::string_view(member->key()), out);
    out += ':';
    append(member->value(), out);
  }
  out += '}';
}

void append(const boost::json::value& value, std::string& out) {
  if (auto* object = value.if_object()) {
    append_object(*object, {}, out);
  } else if (auto* list = value.if_array()) {
    out += '[';
    for (auto& element : *list) {
      if (&element != &list->front()) out += ',';
      append(element, out);
    }
    out += ']';
  } else if (auto* text = value.if_string()) {
    append_text(std::string_view(*text), out);
  } else if (auto* number = value.if_int64()) {
    out += std::to_string(*number);
  } else {
    out += boost::json::serialize(value);
  }
}

void remove_member(boost::json::value& from, std::string_view path) {
  if (auto* list = from.if_array()) {
    for (auto& element : *list) remove_member(element, path);
    return;
  }
  auto* object = from.if_object();
  if (!object) return;
  auto dot = path.find('.');
  auto name = path.substr(0, dot);
  if (dot == std::string_view::npos) {
    object->erase(boost::json::string_view(name.data(), name.size()));
  } else if (auto* inner = object->if_contains(boost::json::string_view(name.data(), name.size()))) {
    remove_member(*inner, path.substr(dot + 1));
  }
}

}  // namespace

std::string canonical_json(const boost::json::value& value) {
  std::string out;
  append(value, out);
  return out;
}

std::string canonical_json(const boost::json::object& members, std::string_view without) {
  std::string out;
  append_object(members, without, out);
  return out;
}

void remove_members(boost::json::value& from, std::span<const std::string_view> paths) {
  for (auto path : paths) remove_member(from, path);
}

}  // namespace tilld::base
