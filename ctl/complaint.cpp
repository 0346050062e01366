#include "ctl/complaint.hpp"

#include <cstdlib>

#include <boost/json.hpp>

#include "ctl/members.hpp"
#include "ctl/phrase.hpp"
#include "wire/json_rpc.hpp"

namespace tilld::ctl {

complaint::complaint(const base::error& why, base::language l)
    : error_(boost::json::parse(wire::make_error(why, l).text).as_object()) {}

std::string complaint::kind() const { return text_of(object_of(error_, "data"), "kind"); }

exit_code complaint::code() const {
  auto k = kind();
  if (k == "wrong_usage") return exit_code::usage;
  if (k == "daemon_not_running") return exit_code::not_running;
  return exit_code::failed;
}

std::string complaint::text(const style& look) const {
  auto& data = object_of(error_, "data");
  auto sentence = harmless(text_of(data, "user_message"));
  auto message = harmless(text_of(error_, "message"));
  auto hint = harmless(text_of(data, "hint"));
  auto operation = harmless(text_of(data, "operation_id"));
  std::string out = "tillctl: " + look.bad(sentence.empty() ? message : sentence);
  if (!kind().empty()) out += " (" + harmless(kind()) + ")";
  out += "\n";
  if (!message.empty() && message != sentence && !sentence.empty()) out += "  " + message + "\n";
  if (!operation.empty()) out += "  Operation " + operation + "\n";
  if (!hint.empty()) out += "  " + hint + "\n";
  return out;
}

std::string complaint::json() const { return boost::json::serialize(error_) + "\n"; }

void throw_exception_from_error(const complaint& c, const boost::source_location& where) {
  base::throw_exception_from_error(base::error{base::errc::internal, c.json()}, where);
}

base::language language_of_user() {
  for (auto name : {"LC_ALL", "LC_MESSAGES", "LANG"})
    if (auto* value = std::getenv(name); value && *value)
      return std::string_view(value).starts_with("de") ? base::language::german : base::language::english;
  return base::language::english;
}

}  // namespace tilld::ctl
