#include "daemon/events/device_states.hpp"

#include <boost/json.hpp>

#include "base/strict_json.hpp"

namespace tilld::daemon {

namespace {

constexpr std::string_view printer_topic = "printer.status_changed", card_came = "reader.presented",
                           card_went = "reader.removed";

boost::json::object read(std::string_view data) {
  boost::system::error_code failed;
  auto value = base::parse_json(data, failed);
  return failed || !value.is_object() ? boost::json::object() : std::move(value.get_object());
}

}  // namespace

void device_states::said(std::string_view topic, const std::string& device, std::string_view data,
                         std::int64_t unix_ms) {
  if (topic == printer_topic) {
    auto& printer = all_[device].printer.emplace(read(data));
    printer["said_ms"] = unix_ms;
  } else if (topic == card_came || topic == card_went) {
    auto event = read(data);
    auto& reader = all_[device].reader;
    auto* number = event.if_contains("presentation");
    // One card may come before the one that lay there is said to have gone.
    if (topic == card_went && reader && number)
      if (auto* lies = reader->if_contains("presentation"); lies && *lies != *number) return;
    reader.emplace(boost::json::object{{"card", topic == card_came ? "present" : "none"}});
    if (number && topic == card_came) (*reader)["presentation"] = *number;
    (*reader)["said_ms"] = unix_ms;
  }
}

boost::json::object device_states::printer(const std::string& device) const {
  auto at = all_.find(device);
  if (at != all_.end() && at->second.printer) return *at->second.printer;
  return {{"paper", "unknown"}, {"cover", "unknown"}, {"drawer", "unknown"}};
}

boost::json::object device_states::reader(const std::string& device) const {
  auto at = all_.find(device);
  if (at != all_.end() && at->second.reader) return *at->second.reader;
  return {{"card", "unknown"}};
}

}  // namespace tilld::daemon
