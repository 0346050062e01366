// Operations, tokens, the journal, events: what is shown member by member.
#include <boost/json.hpp>

#include "ctl/members.hpp"
#include "ctl/phrase.hpp"
#include "ctl/views.hpp"
#include "wire/base64.hpp"

namespace tilld::ctl {
namespace {

std::string line(const style& look, std::string_view name, const std::string& value) {
  constexpr std::size_t width = 14;
  return look.dim(std::string(name) + std::string(name.size() < width ? width - name.size() : 1, ' ')) +
         value + "\n";
}

std::string operation_state(const boost::json::object& o, const style& look) {
  auto state = harmless(text_of(o, "state"));
  if (state == "done") return look.good(state);
  return state == "unknown" ? look.bad(state) : look.warn(state);
}

}  // namespace

std::string pretty(const boost::json::value& value, std::string_view indent) {
  auto deeper = std::string(indent) + "  ";
  std::string out;
  auto list = [&](char open, char close, const auto& all, const auto& one) {
    if (all.empty()) return std::string{open, close};
    std::string text{open};
    bool first = true;
    for (auto& element : all) {
      text += (first ? "\n" : ",\n") + deeper;
      text += one(element);
      first = false;
    }
    return text + "\n" + std::string(indent) + close;
  };
  if (auto* object = value.if_object())
    return list('{', '}', *object, [&](auto& m) {
      return boost::json::serialize(boost::json::string(m.key())) + ": " + pretty(m.value(), deeper);
    });
  if (auto* array = value.if_array())
    return list('[', ']', *array, [&](auto& v) { return pretty(v, deeper); });
  return boost::json::serialize(value);
}

std::string show_operation(const boost::json::object& o, const style& look, std::int64_t now_ms) {
  std::string out;
  out += line(look, "Operation", harmless(text_of(o, "operation_id")));
  out += line(look, "State", operation_state(o, look));
  out += line(look, "Method", harmless(text_of(o, "method")));
  out +=
      line(look, "Key", harmless(text_of(o, "idempotency_key")) + " of " + harmless(text_of(o, "principal")));
  if (auto device = text_of(o, "device"); !device.empty()) out += line(look, "Device", harmless(device));
  if (auto n = integer_of(o, "sequence")) out += line(look, "Record", figure(*n));
  if (auto ms = integer_of(o, "changed_ms"))
    out += line(look, "Changed", moment(*ms) + " (" + duration(now_ms - *ms) + " ago)");
  for (auto name : {"result", "error"})
    if (auto* v = member(o, name))
      out += line(look, name[0] == 'r' ? "Result" : "Error", harmless(boost::json::serialize(*v)));
  if (text_of(o, "answer") == "expired") out += line(look, "Answer", "no longer kept; it was done");
  if (text_of(o, "state") == "unknown")
    out += "\nLook at the device, then: tillctl operation resolve " + harmless(text_of(o, "operation_id")) +
           " done|not_done --reason TEXT\n";
  return out;
}

std::string show_operations(const boost::json::object& answer, const style& look, std::int64_t now_ms) {
  auto& all = list_of(answer, "operations");
  if (all.empty()) return "No operation is in doubt.\n";
  table t({"Operation", "Method", "Device", "Key", "Principal", "Since"});
  for (auto& one : all) {
    if (!one.is_object()) continue;
    auto& o = one.get_object();
    t.row({harmless(text_of(o, "operation_id")), harmless(text_of(o, "method")),
           harmless(text_of(o, "device")), harmless(text_of(o, "idempotency_key")),
           harmless(text_of(o, "principal")),
           duration(now_ms - integer_of(o, "changed_ms").value_or(now_ms))});
  }
  return t.text(look) +
         "\nLook at the device, then: tillctl operation resolve ID done|not_done --reason TEXT\n";
}

std::string show_tokens(const boost::json::object& answer, const style& look) {
  auto& all = list_of(answer, "tokens");
  if (all.empty()) return "There is no token; over TCP and HTTP nobody can sign on.\n";
  table t({"Token", "Role", "For", "Made", "Note"});
  for (auto& one : all) {
    if (!one.is_object()) continue;
    auto& o = one.get_object();
    auto origin = harmless(text_of(o, "origin"));
    t.row({harmless(text_of(o, "id")), harmless(text_of(o, "role")), origin.empty() ? "programs" : origin,
           moment(integer_of(o, "created_ms").value_or(0)), harmless(text_of(o, "note"))});
  }
  return t.text(look);
}

std::string show_head(const boost::json::object& h, const style& look) {
  std::string out;
  out += line(look, "Till", harmless(text_of(h, "till")));
  out += line(look, "Last record",
              figure(integer_of(h, "sequence").value_or(0)) + ", epoch " +
                  figure(integer_of(h, "epoch").value_or(0)));
  out += line(look, "Hash", harmless(text_of(h, "hash")));
  for (auto& one : list_of(h, "witnesses")) {
    if (!one.is_object()) continue;
    auto& w = one.get_object();
    out += line(look, "Acknowledged",
                harmless(text_of(w, "destination")) + ": record " +
                    figure(integer_of(w, "sequence").value_or(0)) + ", hash " + harmless(text_of(w, "hash")));
  }
  return out;
}

std::string show_verification(const boost::json::object& r, const style& look) {
  auto from = integer_of(r, "from").value_or(1), verified = integer_of(r, "verified").value_or(0);
  std::string out = harmless(text_of(r, "till")) + ": ";
  if (!flag_of(r, "whole")) {
    out += look.bad("broken at record " + figure(integer_of(r, "broken_at").value_or(0))) + "\n";
    out += line(look, "Why", harmless(text_of(r, "why")));
    out += line(look, "Good until", verified < from ? "no record" : "record " + figure(verified));
    return out;
  }
  if (verified < from) return out + "no records\n";
  out += look.good("whole") + ", records " + figure(from) + " to " + figure(verified) + "\n";
  out += line(look, "Hash", harmless(text_of(r, "hash")));
  table kinds({"Kind", "Records"});
  for (auto& [kind, n] : object_of(r, "kinds"))
    if (n.is_int64()) kinds.row({harmless(std::string_view(kind)), figure(n.get_int64())});
  return out + "\n" + kinds.text(look);
}

std::string show_proof(const boost::json::object& r, const style& look) {
  std::string out = harmless(text_of(r, "till")) + ": ";
  if (!flag_of(r, "agrees"))
    out += look.bad("till and servers do not agree, or could not all be asked");
  else if (list_of(r, "servers").empty())
    out += look.warn("no server is set up, so nothing was compared");
  else
    out += look.good("till and servers agree");
  out += "\n";
  auto from = figure(integer_of(r, "from").value_or(1)),
       verified = figure(integer_of(r, "verified").value_or(0));
  if (flag_of(r, "whole"))
    out += line(look, "This till", "whole, records " + from + " to " + verified);
  else
    out += line(look, "This till",
                look.bad("broken at record " + figure(integer_of(r, "broken_at").value_or(0))) + ": " +
                    harmless(text_of(r, "why")));
  for (auto& one : list_of(r, "servers")) {
    if (!one.is_object()) continue;
    auto& s = one.get_object();
    std::string text = harmless(text_of(s, "role")) + ", ";
    if (auto at = integer_of(s, "differs_at"))
      text +=
          look.bad("not the same from record " + figure(*at) + " on") + ": " + harmless(text_of(s, "why"));
    else if (!flag_of(s, "reached"))
      text += look.bad("could not be asked") + ": " + harmless(text_of(s, "why"));
    else
      text += look.good("the same up to record " + figure(integer_of(s, "verified").value_or(0))) +
              ", which it has signed";
    if (flag_of(s, "stopped")) text += "; it has stopped this till";
    out += line(look, harmless(text_of(s, "destination")), text);
  }
  return out;
}

std::string show_record(const boost::json::object& r, const style& look) {
  std::string out;
  out += line(look, "Record",
              figure(integer_of(r, "sequence").value_or(0)) + ", epoch " +
                  figure(integer_of(r, "epoch").value_or(0)));
  out += line(look, "Kind", harmless(text_of(r, "kind")));
  if (auto ms = integer_of(r, "happened_ms"))
    out += line(look, "Happened",
                moment(*ms) + (flag_of(r, "clock_trusted") ? "" : " (clock not synchronised)"));
  out += line(look, "Id", harmless(text_of(r, "id")));
  out += line(look, "Hash", harmless(text_of(r, "hash")));
  auto octets = wire::from_base64(text_of(r, "body"));
  if (!octets) return out + line(look, "Body", "unreadable");
  boost::system::error_code failed;
  auto body = boost::json::parse(*octets, failed);
  out += line(look, "Body", count(static_cast<std::int64_t>(octets->size()), "octet", "octets"));
  // The serialiser escapes control characters below 0x20; line by line the others are taken out, and the
  // breaks stay.
  std::string text = failed ? *octets : pretty(body);
  for (std::size_t at = 0; at < text.size();) {
    auto end = std::min(text.find('\n', at), text.size());
    out += harmless(std::string_view(text).substr(at, end - at)) + "\n";
    at = end + 1;
  }
  return out;
}

std::string show_event(const boost::json::object& e, const style& look, std::int64_t now_ms) {
  auto* data = member(e, "data");
  return look.dim(moment(now_ms)) + "  " + look.bold(harmless(text_of(e, "topic"))) + "  " +
         harmless(text_of(e, "source")) + "  " + (data ? harmless(boost::json::serialize(*data)) : "") + "\n";
}

}  // namespace tilld::ctl
