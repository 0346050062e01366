#include "ctl/command_line.hpp"

#include <algorithm>
#include <charconv>
#include <memory>

#include <CLI/CLI.hpp>

#include "base/yaml.hpp"

namespace tilld::ctl {

using base::errc;
using base::error;
using base::result;

namespace {

constexpr const char* description =
    "Looks at a till and mends it: talks to the running tilld over its socket.\n";

constexpr const char* ending =
    "\nExit codes: 0 done; 1 failed; 2 wrong usage; 3 the daemon is not running;\n"
    "            4 status: the till works, and something needs a person.\n"
    "Examples:   tillctl status\n"
    "            tillctl call printer.status --json | jq .paper\n"
    "            tillctl watch scanner\n"
    "            tillctl journal export --out journal.tilld && tillctl journal verify --file journal.tilld\n"
    "Every command and option is explained in docs/operating.md.";

// Everything that options are read into; the verb that was chosen keeps it alive.
struct values {
  std::string socket, timeout;
  bool json = false;
  std::string name, role = "till", note, origin, id, outcome, reason, file, database;
  call_options call;
  std::vector<std::string> topics;
  std::uint64_t count = 0, sequence = 0;
  operation_name operation;
  export_options exported;
  plugin_wish wish;
  replace_options replaced{"/var/lib/tilld", ""};
};

// CLI11's own check quotes the largest floating number there is.
std::string from_one(const std::string& text) {
  return text.find_first_not_of("0123456789") != text.npos || text.find_first_not_of('0') == text.npos
             ? "expected a number from 1 on, not " + text
             : std::string();
}

using verb = std::function<exit_code(const surroundings&)>;

class commands {
 public:
  commands() {
    app_.require_subcommand(1);
    app_.footer("\nOptions of every command: --socket PATH, --timeout TIME, --json.");
    app_.get_formatter()->column_width(20);
    app_.get_formatter()->label("SUBCOMMAND", "COMMAND");
    app_.set_version_flag("--version", "tillctl " TILLD_VERSION);
    // Options of every command, wherever they stand.
    app_.fallthrough();
    app_.add_option("--socket", v_->socket,
                    "Socket of the daemon (default: $TILLD_SOCKET, else that of /run/tilld)")
        ->type_name("PATH");
    app_.add_option("--timeout", v_->timeout, "How long to wait for an answer: 500ms, 30s, 2min")
        ->type_name("TIME");
    app_.add_flag("--json", v_->json, "One line of JSON instead of a table; errors as well, on stderr");
    add_looks();
    add_calls();
    add_operations();
    add_tokens();
    add_journal();
    add_replace();
    add_new_plugin();
    app_.footer(ending);  // the commands have taken the short one
  }

  CLI::App& app() { return app_; }
  const values& given() const { return *v_; }
  const verb& chosen() const { return chosen_; }

 private:
  CLI::App* add(CLI::App& to, const char* name, const char* what, verb run) {
    auto* command = to.add_subcommand(name, what);
    command->fallthrough();
    command->group("Commands");
    if (run)
      command->callback([this, run, command] {
        // A command with a nested one in hand leaves the work to it.
        if (command->get_subcommands().empty()) chosen_ = run;
      });
    return command;
  }

  void add_looks() {
    add(app_, "status", "How the till is: journal, queue, plugins, and what needs a person", status);
    auto* p = add(app_, "plugins", "Device programs: state, why they ended, faults, sandbox", plugins);
    p->require_subcommand(0, 1);
    auto* restart = add(*p, "restart", "End and start a plugin; forgets its past deaths",
                        [v = v_](const surroundings& s) { return restart_plugin(s, v->name); });
    restart->add_option("NAME", v_->name, "As in plugins: of tilld.yaml")->required();
    add(app_, "queue", "What waits for which destination: records, money, since when", queue);
  }

  void add_calls() {
    auto* c = add(app_, "call", "Call any method by hand",
                  [v = v_](const surroundings& s) { return call(s, v->call); });
    c->add_option("METHOD", v_->call.method, "For example printer.status; docs/methods.md has all")
        ->required();
    c->add_option("PARAMS", v_->call.params, "A JSON object, or - to read it from standard input")
        ->type_name("JSON");
    auto* key = c->add_option("--key", v_->call.key, "Add this idempotency_key");
    c->add_flag("--new-key", v_->call.new_key, "Add a fresh idempotency_key and say which")->excludes(key);
    auto* w = add(app_, "watch", "Events as they come, until interrupted",
                  [v = v_](const surroundings& s) { return watch(s, v->topics, v->count); });
    w->add_option("TOPIC", v_->topics,
                  "scanner, printer.status_changed, plugins ...; everything when left out");
    w->add_option("--count", v_->count, "End after so many events")->type_name("NUMBER")->check(from_one);
  }

  void add_operations() {
    auto* o = add(app_, "operation", "What became of a call; what nobody can tell", nullptr);
    o->require_subcommand(1);
    auto* get = add(*o, "get", "One operation, by its id or by method and key", nullptr);
    auto* id = get->add_option("ID", v_->operation.id, "operation_id")->type_name("UUID");
    auto* method =
        get->add_option("--method", v_->operation.method, "With --key: a call of this user")->excludes(id);
    auto* key =
        get->add_option("--key", v_->operation.key, "Its idempotency_key")->excludes(id)->needs(method);
    method->needs(key);
    get->callback([this, v = v_] {
      if (v->operation.id.empty() && v->operation.key.empty())
        throw CLI::ValidationError("expected an operation id, or --method and --key");
      chosen_ = [v](const surroundings& s) { return get_operation(s, v->operation); };
    });
    add(*o, "unknown", "All operations in doubt", unknown_operations);
    auto* resolve =
        add(*o, "resolve", "Decide what became of an operation in doubt; it stands in the journal",
            [v = v_](const surroundings& s) { return resolve_operation(s, v->id, v->outcome, v->reason); });
    resolve->add_option("ID", v_->id, "operation_id")->required()->type_name("UUID");
    resolve->add_option("OUTCOME", v_->outcome, "done or not_done")
        ->required()
        ->type_name("")
        ->check(CLI::IsMember(std::vector<std::string>{"done", "not_done"}));
    resolve->add_option("--reason", v_->reason, "What was seen, and by whom it was looked at")->required();
  }

  void add_tokens() {
    std::vector<std::string> roles{"till", "operator", "self_checkout", "read"};
    auto* pair =
        add(app_, "pair", "Make a token for the pages of one origin, or for programs; it is shown this once",
            [v = v_](const surroundings& s) { return add_token(s, v->role, v->note, v->origin); });
    pair->add_option("--origin", v_->origin,
                     "As listen.http.origins in tilld.yaml has it; without it the token is for programs")
        ->type_name("https://HOST");
    pair->add_option("--role", v_->role, "till (the default), operator, self_checkout or read")
        ->type_name("ROLE")
        ->check(CLI::IsMember(roles));
    pair->add_option("--note", v_->note, "For whom, for people");
    auto* t = add(app_, "token", "Who may speak over TCP, HTTP and WebSocket", nullptr);
    t->require_subcommand(1);
    auto* make = add(*t, "add", "Make a token; it is shown this once",
                     [v = v_](const surroundings& s) { return add_token(s, v->role, v->note); });
    make->add_option("--role", v_->role, "till, operator, self_checkout or read")
        ->required()
        ->type_name("ROLE")
        ->check(CLI::IsMember(roles));
    make->add_option("--note", v_->note, "For whom, for people");
    add(*t, "list", "All tokens, without their secrets", list_tokens);
    auto* remove = add(*t, "remove", "Nobody signs on with it any more",
                       [v = v_](const surroundings& s) { return remove_token(s, v->id); });
    remove->add_option("ID", v_->id, "As token list shows it")->required();
  }

  void add_journal() {
    auto* j = add(app_, "journal", "The chained record of everything that happened", nullptr);
    j->require_subcommand(1);
    add(*j, "head", "Where the journal ends, and what destinations acknowledged", journal_head);
    auto* verify = add(*j, "verify", "Follow the chain from the first record to the last", nullptr);
    auto* file =
        verify->add_option("--file", v_->file, "Of an export; no daemon is needed")->type_name("EXPORT");
    verify->add_option("--database", v_->database, "Of a copy of this journal.db; the daemon must be stopped")
        ->type_name("FILE")
        ->excludes(file);
    verify->callback([this, v = v_] {
      chosen_ = [v](const surroundings& s) {
        if (!v->file.empty()) return verify_export_file(s, v->file);
        return v->database.empty() ? verify_journal(s) : verify_database_file(s, v->database);
      };
    });
    add(*j, "prove", "Compare every record with what each server holds; names the first that is not the same",
        prove_journal);
    auto* ex = add(*j, "export", "Write records into a file that anybody can verify",
                   [v = v_](const surroundings& s) { return export_journal(s, v->exported); });
    ex->add_option("--out", v_->exported.path, "The file to write")->required()->type_name("FILE");
    ex->add_option("--from", v_->exported.from, "First record; as far back as the journal goes when left out")
        ->type_name("NUMBER")
        ->check(from_one);
    ex->add_flag("--force", v_->exported.force, "Replace the file when it exists");
    auto* show = add(*j, "show", "One record",
                     [v = v_](const surroundings& s) { return show_journal_record(s, v->sequence); });
    show->add_option("NUMBER", v_->sequence, "Its number")->required()->type_name("NUMBER")->check(from_one);
  }

  void add_replace() {
    auto* r = add(app_, "replace",
                  "Make this device go on as a till whose device is lost; tilld is stopped here", nullptr);
    r->require_subcommand(1);
    auto* request = add(*r, "request", "Make this device's key and print it, for till-central replace",
                        [v = v_](const surroundings& s) { return request_replacement(s, v->replaced); });
    auto* begin = add(*r, "begin", "Take the order of till-central replace; the next start goes on behind it",
                      [v = v_](const surroundings& s) { return begin_replacement(s, v->replaced); });
    begin->add_option("--order", v_->replaced.order, "The file that till-central replace wrote")
        ->required()
        ->type_name("FILE");
    for (auto* one : {request, begin})
      one->add_option("--state", v_->replaced.folder, "As state: in tilld.yaml; /var/lib/tilld when left out")
          ->type_name("DIR");
  }

  void add_new_plugin() {
    auto* n = add(app_, "new-plugin", "Make a folder with a plugin of your own that builds and runs",
                  [v = v_](const surroundings& s) { return new_plugin(s, v->wish); });
    n->add_option("ID", v_->wish.id, "Its name for ever, your domain backwards: com.example.scanner")
        ->required();
    n->add_option("--provides", v_->wish.provides,
                  "tilld.scanner/1, com.example.scale/1 ...; by the id when left out")
        ->type_name("INTERFACE");
    n->add_option("--language", v_->wish.language, "c++ or c; c++ when left out")->type_name("");
    n->add_option("--folder", v_->wish.folder, "To make; the last word of the id when left out")
        ->type_name("DIR");
  }

  CLI::App app_{description, "tillctl"};
  std::shared_ptr<values> v_ = std::make_shared<values>();
  verb chosen_;
};

std::string in_quotes(const std::string& word) { return "\"" + word + "\""; }

// The command in which the first word stands that is no command, and that word.
struct stray_word {
  const CLI::App* in;
  std::string word;
};

stray_word find_stray_word(const CLI::App& app, const std::vector<std::string>& words) {
  const CLI::App* at = &app;
  for (std::size_t i = 0; i < words.size(); ++i) {
    auto& word = words[i];
    if (word == "--socket" || word == "--timeout") ++i;  // its value
    if (word.starts_with("-")) continue;
    auto below = at->get_subcommands([](const CLI::App*) { return true; });
    if (below.empty()) break;
    auto named = std::find_if(below.begin(), below.end(), [&](auto* one) { return one->get_name() == word; });
    if (named == below.end()) return {at, word};
    at = *named;
  }
  return {at, ""};
}

std::vector<std::string> words_of(const CLI::App& app, bool options) {
  std::vector<std::string> all;
  if (options) {
    for (auto* up = &app; up; up = up->get_parent())
      for (auto* option : up->get_options())
        if (!option->get_lnames().empty()) all.push_back("--" + option->get_lnames().front());
  } else {
    for (auto* below : app.get_subcommands([](const CLI::App*) { return true; }))
      all.push_back(below->get_name());
  }
  return all;
}

std::string nearest_of(const std::string& word, const std::vector<std::string>& all) {
  std::vector<std::string_view> views(all.begin(), all.end());
  auto near = base::nearest_word(word, std::span<const std::string_view>(views));
  return near ? "; did you mean " + in_quotes(*near) + "?" : "";
}

// "journal export"; "tillctl" for the whole.
std::string full_name(const CLI::App& command) {
  auto* parent = command.get_parent();
  if (!parent) return "tillctl";
  return (parent->get_parent() ? full_name(*parent) + " " : "") + command.get_name();
}

std::string joined(const std::vector<std::string>& all) {
  std::string text;
  for (auto& one : all) text += (text.empty() ? "" : ", ") + one;
  return text;
}

error describe(const CLI::App& app, const std::vector<std::string>& words, const CLI::ParseError& wrong) {
  auto [in, stray] = find_stray_word(app, words);
  auto name = full_name(*in);
  bool has_commands = !words_of(*in, false).empty();
  auto extra = dynamic_cast<const CLI::ExtrasError*>(&wrong) != nullptr;
  if (!stray.empty()) {
    auto known = words_of(*in, false);
    return {errc::wrong_usage, "there is no command " + in_quotes(in == &app ? stray : name + " " + stray) +
                                   nearest_of(stray, known)};
  }
  if (extra)
    for (auto& word : words)
      if (word.starts_with("--")) {
        auto bare = word.substr(0, word.find('='));
        auto known = words_of(*in, true);
        if (std::find(known.begin(), known.end(), bare) == known.end())
          return {errc::wrong_usage, name + " has no option " + bare + nearest_of(bare, known)};
      }
  if (has_commands && dynamic_cast<const CLI::RequiredError*>(&wrong))
    return {errc::wrong_usage, name + " needs one of: " + joined(words_of(*in, false))};
  return {errc::wrong_usage,
          name + ": " + wrong.what() + "; tillctl " + (in == &app ? "" : name + " ") + "--help shows how"};
}

}  // namespace

result<std::chrono::milliseconds> read_duration(std::string_view text) {
  error wrong{errc::wrong_usage,
              "--timeout: expected a time such as 500ms, 30s or 2min, from 1ms to 1440min"};
  std::int64_t number = 0;
  auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
  auto unit = text.substr(static_cast<std::size_t>(end - text.data()));
  std::int64_t factor = unit == "ms" ? 1 : unit == "s" || unit.empty() ? 1000 : unit == "min" ? 60'000 : 0;
  constexpr std::int64_t most = 86'400'000;
  if (failed != std::errc() || factor == 0 || number < 1 || number > most / factor) return wrong;
  return std::chrono::milliseconds(number * factor);
}

result<command_line> read_command_line(const std::vector<std::string>& words) {
  auto all = std::make_shared<commands>();
  auto& app = all->app();
  command_line read;
  try {
    // CLI11 takes the words from the back.
    app.parse(std::vector<std::string>(words.rbegin(), words.rend()));
  } catch (const CLI::CallForHelp&) {
    read.help = app.help();
    return read;
  } catch (const CLI::CallForVersion&) {
    read.help = "tillctl " TILLD_VERSION "\n";
    return read;
  } catch (const CLI::ParseError& wrong) {
    return describe(app, words, wrong);
  }
  auto& v = all->given();
  read.with.socket = v.socket.empty() ? default_socket() : v.socket;
  read.with.json = v.json;
  if (!v.timeout.empty()) {
    auto time = read_duration(v.timeout);
    if (!time) return time.error();
    read.with.timeout = *time;
  }
  read.verb = all->chosen();
  return read;
}

}  // namespace tilld::ctl
