// Prints docs/methods.md from the dispatch table: tilld-method-page > docs/methods.md
#include <algorithm>
#include <cstdio>
#include <map>
#include <string>

#include <boost/json.hpp>

#include "daemon/calls/parts.hpp"

namespace {

using namespace tilld;
using namespace tilld::daemon;
namespace json = boost::json;

std::string code(std::string_view text) { return "`" + std::string(text) + "`"; }
std::string text_of(const json::value& v) {
  return v.is_string() ? std::string(v.get_string()) : json::serialize(v);
}

bool is_money(const json::object& s) {
  auto* properties = s.if_contains("properties");
  return properties && properties->as_object().size() == 2 && properties->as_object().contains("minor") &&
         properties->as_object().contains("currency");
}

// "integer from 1 to 9", "text of 1 to 64 characters", "list of money"
std::string type_of(const json::object& s) {
  auto bounds = [&](const char* least, const char* most, const std::string& between,
                    const std::string& unit) {
    auto *a = s.if_contains(least), *b = s.if_contains(most);
    if (a && b) return between + text_of(*a) + " to " + text_of(*b) + unit;
    if (a) return " of at least " + text_of(*a) + unit;
    if (b) return " of at most " + text_of(*b) + unit;
    return std::string();
  };
  if (is_money(s)) return "money";
  for (auto keyword : {"enum", "examples"})
    if (auto* words = s.if_contains(keyword)) {
      std::string all;
      for (auto& w : words->as_array()) all += (all.empty() ? "" : ", ") + code(text_of(w));
      return all;
    }
  auto* type = s.if_contains("type");
  auto word = type ? text_of(*type) : "anything";
  if (word == "string") {
    if (auto* format = s.if_contains("format")) return *format == "uuid" ? "UUID" : text_of(*format);
    if (auto* expected = s.if_contains("x-expected")) return text_of(*expected);
    return "text" + bounds("minLength", "maxLength", " of ", " characters");
  }
  if (word == "integer") return "integer" + bounds("minimum", "maximum", " from ", "");
  if (word == "boolean") return "true or false";
  if (word == "array") {
    auto* items = s.if_contains("items");
    auto of = items ? type_of(items->as_object()) : std::string("anything");
    return "list of " +
           (of == "object" ? std::string("objects")
            : of == "text" ? "texts"
                           : of) +
           bounds("minItems", "maxItems", ", ", "");
  }
  if (word == "object")
    if (auto* rest = s.if_contains("additionalProperties"); rest && rest->is_object())
      return "object, each member " + type_of(rest->as_object());
  return word;
}

bool is_needed(const json::object& s, std::string_view name) {
  auto* required = s.if_contains("required");
  if (!required) return false;
  auto& all = required->as_array();
  return std::any_of(all.begin(), all.end(), [&](auto& one) { return one == json::string_view(name); });
}

void put_members(std::string& page, const json::object& s, const std::string& before) {
  auto* properties = s.if_contains("properties");
  if (properties && !is_money(s))
    for (auto& [name, one] : properties->as_object()) {
      auto& member = one.as_object();
      auto* says = member.if_contains("description");
      page += "| " + code(before + std::string(name)) + " | " + (is_needed(s, name) ? "yes" : "") + " | " +
              type_of(member) + " | " + (says ? text_of(*says) : "") + " |\n";
      put_members(page, member, before + std::string(name) + ".");
    }
  if (auto* items = s.if_contains("items")) put_members(page, items->as_object(), before);
}

void put_table(std::string& page, const char* title, const json::object& s) {
  if (s.at("properties").as_object().empty()) return;
  page += "\n| " + std::string(title) + " | Always | Type | What |\n| --- | --- | --- | --- |\n";
  put_members(page, s, "");
}

std::string roles(const method& m) {
  if ((m.allowed & anyone) == anyone) return "everybody";
  std::string all;
  for (auto r : every_role)
    if (m.allowed & only(r)) all += (all.empty() ? "" : ", ") + code(name(r));
  return all;
}

void put_method(std::string& page, const method& m, const std::vector<base::errc>& common) {
  page += "\n## " + m.name + "\n" + m.summary.text() + ".\n\nMay be called by " + roles(m) + ".";
  if (m.key == keyed::always) page += " Needs `idempotency_key`.";
  if (m.key == keyed::may_be) page += " With an `idempotency_key` nobody need wait for it.";
  if (m.before_hello) page += " On TCP it answers before anybody signed on.";
  auto params = whole_params(m).text();
  if (auto* rest = params.if_contains("additionalProperties"); rest && *rest == false)
    page += " Members that are not here are refused.";
  page += "\n";
  put_table(page, "Param", params);
  put_table(page, "Result", m.result.text());
  std::string own;
  for (auto code_of : errors_of(m))
    if (std::find(common.begin(), common.end(), code_of) == common.end())
      own += (own.empty() ? "" : ", ") + code(base::describe(code_of).kind);
  if (!own.empty()) page += "\nErrors: " + own + ".\n";
}

std::string whole_page() {
  auto table = whole_table();
  // The errors that a call without anything special has, whatever the table is.
  auto common = errors_of(
      {.name = "", .summary = "", .params = base::shape::object({}), .result = base::shape::object({})});
  std::string page =
      "# Methods\n\n"
      "Printed from the dispatch table of the daemon by `tilld-method-page`; a test compares the two. "
      "`rpc.discover` "
      "answers the same as an OpenRPC document,\nand `tilld --openrpc` prints it without a running daemon. "
      "[protocol.md](protocol.md) tells how to call, with examples; [errors.md](errors.md) explains the "
      "errors.\n\n"
      "The words of devices can be called while a plugin provides their interface. Words of interfaces that "
      "do not "
      "begin with `tilld.` are called by their whole\nname; `till`, `operator` and `admin` may, and the "
      "daemon knows no "
      "schema of them.\n\n"
      "Params are one object. A member that must be there has \"yes\" in the second column, and `null` "
      "stands for one "
      "that is left out. Beside its own errors every call can be answered with ";
  for (std::size_t i = 0; i < common.size(); ++i)
    page += (i == 0 ? "" : i + 1 == common.size() ? " and " : ", ") + code(base::describe(common[i]).kind);
  page += ".\n\n## Roles\n\n| Method |";
  for (auto r : every_role) page += " " + std::string(name(r)) + " |";
  page += "\n| --- |";
  for ([[maybe_unused]] auto r : every_role) page += " --- |";
  page += "\n";
  for (auto& m : table) {
    page += "| `" + m.name + "` |";
    for (auto r : every_role) page += m.allowed & only(r) ? " yes |" : " - |";
    page += "\n";
  }
  page += "\nThe role `read` hears no scans and no cards, whatever it subscribes to.\n";
  for (auto& m : table) put_method(page, m, common);
  return page;
}

}  // namespace

int main() { return std::fputs(whole_page().c_str(), stdout) < 0 ? 1 : 0; }
