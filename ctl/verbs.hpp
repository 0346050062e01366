// What tillctl can do, one function a command. Each asks, prints and says how it went; none asks back.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "ctl/complaint.hpp"
#include "ctl/connection.hpp"
#include "ctl/exit_code.hpp"
#include "ctl/terminal.hpp"

namespace tilld::ctl {

// What holds for every command.
struct surroundings {
  std::string socket;
  std::optional<std::chrono::milliseconds> timeout;  // --timeout; each command has its own otherwise
  bool json = false;
  bool on_terminal = false;  // stdout
  style out, err;            // of stdout, of stderr
  base::language language = base::language::english;
};

// Results go to stdout and nothing else does.
exit_code say(const std::string& text, exit_code then = exit_code::ok);
std::string one_line(const boost::json::object& o);
// Complaints, and what is said beside a result, go to stderr.
exit_code fail(const surroundings& s, const complaint& why);
void remark(const std::string& text);

inline constexpr auto answer_wait = std::chrono::seconds(30);

// Connects and calls once.
outcome<boost::json::object> ask(const surroundings& s, const std::string& method, boost::json::object params,
                                 std::chrono::milliseconds at_most = answer_wait);

exit_code status(const surroundings& s);
exit_code queue(const surroundings& s);
exit_code plugins(const surroundings& s);
exit_code restart_plugin(const surroundings& s, const std::string& name);

struct call_options {
  std::string method;
  std::string params;  // JSON text, "-" for stdin, empty for {}
  std::string key;     // --key
  bool new_key = false;
};
exit_code call(const surroundings& s, const call_options& o);
// `count` 0 is until interrupted.
exit_code watch(const surroundings& s, std::vector<std::string> topics, std::uint64_t count);

struct plugin_wish {
  std::string id;                // "com.example.scanner"
  std::string provides;          // "tilld.scanner/1"; by the last word of the id when empty
  std::string language = "c++";  // or "c"
  std::string folder;            // the last word of the id when empty
};
exit_code new_plugin(const surroundings& s, const plugin_wish& wish);

struct operation_name {
  std::string id;           // or
  std::string method, key;  // of this user
};
exit_code get_operation(const surroundings& s, const operation_name& which);
exit_code unknown_operations(const surroundings& s);
exit_code resolve_operation(const surroundings& s, const std::string& id, const std::string& what,
                            const std::string& reason);

// Without an origin the token is for programs.
exit_code add_token(const surroundings& s, const std::string& role, const std::string& note,
                    const std::string& origin = {});
exit_code list_tokens(const surroundings& s);
exit_code remove_token(const surroundings& s, const std::string& id);

exit_code journal_head(const surroundings& s);
exit_code verify_journal(const surroundings& s);
// Whether the till and its servers have the same records.
exit_code prove_journal(const surroundings& s);
exit_code verify_export_file(const surroundings& s, const std::string& path);
exit_code verify_database_file(const surroundings& s, const std::string& path);
exit_code show_journal_record(const surroundings& s, std::uint64_t sequence);
struct export_options {
  std::string path;
  std::uint64_t from = 0;  // 0: as far back as the journal goes
  bool force = false;
};
exit_code export_journal(const surroundings& s, const export_options& o);

struct replace_options {
  std::string folder;  // `state:` of tilld.yaml; the daemon must not run there
  std::string order;   // what till-central replace wrote
};
// The two steps on the new device: its key, for central; and the order of central, for the first start.
exit_code request_replacement(const surroundings& s, const replace_options& o);
exit_code begin_replacement(const surroundings& s, const replace_options& o);

}  // namespace tilld::ctl
