#include "daemon/plugins/plugin_words.hpp"

#include <tilld/plugin.h>

#include <boost/json.hpp>

#include "base/strict_json.hpp"

namespace tilld::daemon {

using base::errc;
using base::error;

namespace {

std::vector<std::string> text_list(const boost::json::object& from, std::string_view name) {
  std::vector<std::string> list;
  if (auto* found = from.if_contains(boost::json::string_view(name.data(), name.size()));
      found && found->is_array())
    for (auto& one : found->get_array())
      if (one.is_string()) list.emplace_back(one.get_string());
  return list;
}

// What a plugin's status means in the registry, when its reply names no kind.
errc code_of(std::int32_t status) {
  switch (status) {
    case TILLD_E_INVALID: return errc::invalid_params;
    case TILLD_E_UNSUPPORTED: return errc::unknown_method;
    case TILLD_E_CONFIG: return errc::plugin_config;
    case TILLD_E_BUSY: return errc::device_busy;
    case TILLD_E_TIMEOUT: return errc::device_timeout;
    case TILLD_E_CANCELLED: return errc::cancelled;
    case TILLD_E_IO: return errc::device_fault;
    case TILLD_E_NO_DEVICE: return errc::device_gone;
    default: return errc::device_fault;
  }
}

}  // namespace

std::optional<std::string> complaint_about_failure(std::string_view body) {
  boost::system::error_code failed;
  auto value = boost::json::parse(boost::json::string_view(body.data(), body.size()), failed);
  auto* object = failed ? nullptr : value.if_object();
  if (!object) return "body: is not a JSON object";
  auto* detail = object->if_contains("detail");
  if (!detail || !detail->is_string()) return "detail: is missing, or no text";
  auto* kind = object->if_contains("kind");
  if (kind && (!kind->is_string() || !base::find_error(std::string_view(kind->get_string().c_str()))))
    return "kind: is none of docs/errors.md";
  return std::nullopt;
}

boost::json::object parsed_object(std::string_view text) {
  boost::system::error_code failed;
  auto value = base::parse_json(text, failed);
  return !failed && value.is_object() ? value.as_object() : boost::json::object();
}

std::string text_member(const boost::json::object& from, std::string_view name) {
  auto* found = from.if_contains(boost::json::string_view(name.data(), name.size()));
  return found && found->is_string() ? std::string(found->get_string()) : std::string();
}

plugin_self_description read_hello(std::string_view body) {
  auto said = parsed_object(body);
  plugin_self_description d;
  d.id = text_member(said, "id");
  d.version = text_member(said, "version");
  d.summary = text_member(said, "summary");
  d.provides = text_list(said, "provides");
  d.uses = text_list(said, "uses");
  if (auto* sandbox = said.if_contains("sandbox"); sandbox && sandbox->is_object()) {
    auto& s = sandbox->get_object();
    d.sandbox_note = text_member(s, "note");
    if (auto* abi = s.if_contains("landlock_abi"); abi && abi->is_int64())
      d.landlock_abi = static_cast<int>(abi->get_int64());
    if (auto* restricted = s.if_contains("paths_restricted"); restricted && restricted->is_bool())
      d.paths_restricted = restricted->get_bool();
  }
  return d;
}

error error_of(std::int32_t status, std::string_view body) {
  auto said = parsed_object(body);
  error e{code_of(status), text_member(said, "detail")};
  if (auto* entry = base::find_error(text_member(said, "kind"))) {
    auto number = static_cast<int>(entry->code);
    if (number <= -32030 && number > -32050) e.code = entry->code;
  }
  return e;
}

}  // namespace tilld::daemon
