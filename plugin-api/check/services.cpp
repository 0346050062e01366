#include "plugin-api/check/services.hpp"

#include <tilld/plugin.h>

#include <algorithm>
#include <chrono>
#include <string_view>
#include <vector>

#include <boost/json.hpp>

#include "base/id.hpp"
#include "plugin-api/catalogue.hpp"

namespace tilld::plugin_check {

namespace json = boost::json;

namespace {

std::string text_of(const json::object& body, const char* member) {
  const auto* value = body.if_contains(member);
  return value && value->is_string() ? std::string(value->get_string()) : std::string();
}

std::int64_t unix_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

json::object list_keys(const std::map<std::string, json::value>& state, const json::object& body) {
  constexpr std::size_t keys_max = 1000;
  const auto prefix = text_of(body, "prefix"), after = text_of(body, "after");
  json::array keys;
  bool more = false;
  for (const auto& [key, value] : state) {
    if (!key.starts_with(prefix) || (!after.empty() && key <= after)) continue;
    if (keys.size() == keys_max) more = true;
    if (keys.size() < keys_max) keys.emplace_back(key);
  }
  return {{"keys", std::move(keys)}, {"more", more}};
}

}  // namespace

wire::plugin_message services::answer(const wire::plugin_message& question,
                                      const std::vector<std::string>& uses) {
  wire::plugin_message reply{
      .kind = wire::plugin_message_kind::reply, .id = question.id, .name = question.name};
  const auto refuse = [&reply](std::int32_t status, const std::string& detail, const char* kind) {
    reply.status = status;
    reply.body = json::serialize(json::object{{"detail", detail}, {"kind", kind}});
    return reply;
  };
  const auto* word = catalogue::find_word(question.name);
  if (!word || !word->service ||
      std::find(uses.begin(), uses.end(), std::string(word->interface)) == uses.end())
    return refuse(TILLD_E_UNSUPPORTED, question.name + " is not offered, or is not named in `uses`",
                  "forbidden");
  json::error_code failed;
  const auto value = json::parse(question.body.empty() ? "{}" : question.body, failed);
  if (failed || !value.is_object())
    return refuse(TILLD_E_INVALID, "body: is not a JSON object", "invalid_params");
  const auto& body = value.get_object();
  if (const auto complaint = word->check_request(body))
    return refuse(TILLD_E_INVALID, *complaint, "invalid_params");

  const auto last = word->full_name.substr(word->interface.size() + 1);
  if (word->interface == "tilld.central/1")
    return refuse(TILLD_E_BUSY, "there is no central server while a plugin is examined",
                  "central_unreachable");
  json::object answer;
  const auto key = text_of(body, "key");
  if (word->interface == "tilld.journal/1") {
    answer = {{"seq", ++journal_}, {"id", base::uuid::v7(unix_ms()).text()}};
  } else if (last == "get") {
    const auto found = state_.find(key);
    answer["present"] = found != state_.end();
    if (found != state_.end()) answer["value"] = found->second;
  } else if (last == "put") {
    state_[key] = body.at("value");
  } else if (last == "remove") {
    state_.erase(key);
  } else {
    answer = list_keys(state_, body);
  }
  reply.body = json::serialize(answer);
  return reply;
}

}  // namespace tilld::plugin_check
