// The daemon's answers as tables for people. Each takes the member "result" of one method and returns whole
// lines. What plugins and other machines said is shown without control characters. [pure, but for the time
// zone]
#pragma once

#include <cstdint>
#include <string>

#include <boost/json/object.hpp>

#include "ctl/terminal.hpp"

namespace tilld::ctl {

std::string show_status(const boost::json::object& system_status, const style& look, std::int64_t now_ms);
std::string show_queue(const boost::json::object& queue_status, const style& look, std::int64_t now_ms);
std::string show_plugins(const boost::json::object& plugin_list, const style& look);
std::string show_operation(const boost::json::object& operation, const style& look, std::int64_t now_ms);
std::string show_operations(const boost::json::object& operation_unknown, const style& look,
                            std::int64_t now_ms);
std::string show_tokens(const boost::json::object& token_list, const style& look);
std::string show_head(const boost::json::object& journal_head, const style& look);
// Of journal.verify, and of a chain_report.
// The result of journal.prove.
std::string show_proof(const boost::json::object& proof, const style& look);
std::string show_verification(const boost::json::object& report, const style& look);
// One element of "records" of journal.read.
std::string show_record(const boost::json::object& record, const style& look);
// params of events.notify: one line.
std::string show_event(const boost::json::object& event, const style& look, std::int64_t now_ms);

// JSON with two spaces of indent, members in their order.
std::string pretty(const boost::json::value& value, std::string_view indent = "");

}  // namespace tilld::ctl
