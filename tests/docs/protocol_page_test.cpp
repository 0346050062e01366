// docs/protocol.md against a running daemon and against the code.
#include <gtest/gtest.h>

#include <algorithm>
#include <regex>
#include <set>

#include "base/error.hpp"
#include "base/file.hpp"
#include "daemon/calls/parts.hpp"
#include "plugin-api/catalogue.hpp"
#include "tests/docs/page.hpp"
#include "tests/support/scratch.hpp"
#include "tests/support/shop.hpp"

namespace tilld::tests {
namespace {

namespace json = boost::json;
using std::chrono::milliseconds;

constexpr const char* simulated_devices = R"(  - name: sim
    plugin: simulated
    config:
      as_of: "2026-11-21T14:05:00Z"
      customers:
        - found_by: ["4711"]
          customer:
            id: 018bcfe5-6800-7abc-8123-456789abcdef
            name: Ada Lovelace
            level: gold
            balances:
              - {kind: wallet, amount: {minor: 1240, currency: EUR}}
              - {kind: points, count: 230}
            rewards:
              - {id: coffee, title: A free coffee, points: 200}
      wallets:
        - {uid: 04A1B2C3D4E5F6, balance: {minor: 1240, currency: EUR}}
)";

// The till of the page: simulated devices, and a central server that does not answer.
class till_of_the_page {
 public:
  till_of_the_page() : shop_(folder_.path()) {
    shop_.plugins_yaml = simulated_devices;
    shop_.tcp_port = free_port();
    shop_.add_central("central");
    shop_.start_till();
    admin_ = shop_.connect(true);
  }

  // The device was pulled out: it is ready again only after another start.
  void expect_restart() { ++restarts_; }

  bool wait_for_devices() {
    for (auto until = std::chrono::steady_clock::now() + std::chrono::seconds(30);
         std::chrono::steady_clock::now() < until;) {
      auto answer = admin_.call("plugin.list");
      if (!answer) return false;
      auto& plugins = answer->at("result").at("plugins").as_array();
      auto is_back = [&](const json::value& p) {
        return p.at("state") == "ready" && p.at("restarts").as_int64() >= restarts_;
      };
      if (std::all_of(plugins.begin(), plugins.end(), is_back)) return true;
      // The next answer comes when the daemon has something to say, at the latest after this.
      admin_.next_event("none", milliseconds(50));
    }
    return false;
  }

  std::string log() const {
    auto octets = base::read_file(shop_.till_log());
    return octets ? std::string(base::as_text(*octets)) : "";
  }

  std::string make_token(const std::string& role) {
    auto answer = admin_.call("token.add", {{"role", role}});
    return answer ? std::string(answer->at("result").at("token").as_string()) : "";
  }

  line_client connect(const std::string& door) {
    if (door != "tcp") return shop_.connect(door == "admin");
    line_client client;
    EXPECT_TRUE(client.connect_tcp(shop_.tcp_port));
    return client;
  }
  line_client sign_on(const std::string& token) {
    auto client = connect("tcp");
    auto answer = client.call("session.hello", {{"token", token}});
    EXPECT_TRUE(answer && answer->contains("result"));
    return client;
  }

 private:
  scratch_folder folder_;
  shop shop_;
  line_client admin_;
  std::int64_t restarts_ = 0;
};

bool belongs_together(const json::object& shown, const json::object& real) {
  if (auto* id = shown.if_contains("id")) return real.contains("id") && real.at("id") == *id;
  return real.contains("method") && real.at("method") == shown.at("method");
}

// Plays one block; what has come and was not asked for yet waits in `come`.
void play(const fenced_block& block, till_of_the_page& till, const std::string& token, known_ids& ids) {
  auto client = till.connect(block.language.size() > 4 ? block.language.substr(4) : "");
  std::vector<json::object> come;
  for (auto& line : dialogue(block)) {
    SCOPED_TRACE("docs/protocol.md:" + std::to_string(line.line));
    if (line.said == dialogue_line::by::till) {
      auto text = with_real_ids(line.text, ids);
      if (auto at = text.find("\"TOKEN\""); at != text.npos) text.replace(at + 1, 5, token);
      ASSERT_TRUE(client.send_raw(text + "\n"));
      if (text.find("no_device") != text.npos) till.expect_restart();
      continue;
    }
    auto shown = json::parse(line.text).as_object();
    auto found = come.end();
    while ((found = std::find_if(come.begin(), come.end(),
                                 [&](auto& c) { return belongs_together(shown, c); })) == come.end()) {
      auto text = client.read_line(milliseconds(15'000));
      ASSERT_TRUE(text) << "nothing came back";
      come.push_back(json::parse(*text).as_object());
    }
    EXPECT_EQ(difference(shown, *found, ids), "") << json::serialize(*found);
    come.erase(found);
  }
  EXPECT_TRUE(come.empty()) << "the page does not show "
                            << (come.empty() ? "" : json::serialize(come.front()));
}

TEST(protocol_page, shows_what_the_daemon_answers) {
  till_of_the_page till;
  ASSERT_TRUE(till.wait_for_devices());
  auto token = till.make_token("till");
  known_ids ids;
  int played = 0;
  for (auto& block : fenced_blocks(read_page("docs/protocol.md"))) {
    if (!block.language.starts_with("rpc")) continue;
    ASSERT_TRUE(till.wait_for_devices()) << "before docs/protocol.md:" << block.line;
    play(block, till, token, ids);
    ++played;
    if (HasFatalFailure()) return;
  }
  EXPECT_GT(played, 20);
}

TEST(protocol_page, is_right_that_the_log_names_who_sends_nonsense_and_does_so_once) {
  till_of_the_page till;
  auto client = till.connect("");
  ASSERT_TRUE(client.call("session.hello", {{"client", {{"name", "mytill"}, {"version", "4.2"}}}}));
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(client.send_raw("what?\n"));
    ASSERT_TRUE(client.read_line());
  }
  auto log = till.log();
  auto first = log.find("A client sends what is no request");
  ASSERT_NE(first, log.npos);
  EXPECT_NE(log.find("client=mytill/4.2", first), log.npos) << log;
  EXPECT_EQ(log.find("A client sends what is no request", first + 1), log.npos);
}

TEST(protocol_page, has_the_roles_that_the_daemon_grants) {
  till_of_the_page till;
  ASSERT_TRUE(till.wait_for_devices());
  auto rows = table_rows(read_page("docs/protocol.md"), "## Roles");
  ASSERT_GT(rows.size(), 5u);
  auto& roles = rows[0];
  ASSERT_EQ(roles,
            (std::vector<std::string>{"Method", "till", "operator", "self_checkout", "read", "admin"}));
  for (std::size_t column = 1; column < roles.size(); ++column) {
    auto token = roles[column] == "admin" ? "" : till.make_token(roles[column]);
    auto client = token.empty() ? till.connect("admin") : till.sign_on(token);
    for (std::size_t i = 1; i < rows.size(); ++i) {
      auto methods = code_words(rows[i][0]);
      if (rows[i][0].starts_with("words of interfaces")) methods = {"org.tilld.simulation.look"};
      for (auto& method : methods) {
        if (method == "session.bye") continue;  // after it nothing can be asked
        auto answer = client.call(method, {{"deadline_ms", 1}});
        ASSERT_TRUE(answer) << method;
        auto* error = answer->if_contains("error");
        bool forbidden = error && error->at("data").at("kind") == "forbidden";
        EXPECT_FALSE(error && error->at("data").at("kind") == "unknown_method") << method;
        EXPECT_EQ(forbidden, rows[i][column] == "-") << method << " for " << roles[column];
      }
    }
  }
}

// Names of the daemon's own methods, from its dispatch table.
std::set<std::string> own_methods() {
  daemon::router table;
  daemon::add_calls(table, nullptr);
  table.add_rest(nullptr, nullptr);
  std::set<std::string> names;
  for (auto& m : table.methods()) names.insert(m.name);
  return names;
}

TEST(protocol_page, names_every_method_word_and_topic) {
  auto page = read_page("docs/protocol.md");
  std::set<std::string> in_roles, in_methods;
  for (auto& row : table_rows(page, "## Roles"))
    for (auto& word : code_words(row[0])) in_roles.insert(word);
  for (auto& row : table_rows(page, "## All methods of this version"))
    for (auto& word : code_words(row[0])) in_methods.insert(word);
  auto own = own_methods();
  EXPECT_GT(own.size(), 15u);
  for (auto& name : own) {
    EXPECT_TRUE(in_roles.count(name)) << name << " has no row in the table of roles";
    EXPECT_TRUE(in_methods.count(name)) << name << " has no row in the table of methods";
  }
  for (auto& word : catalogue::words())
    if (!word.service) {
      EXPECT_TRUE(in_roles.count(std::string(word.method))) << word.method;
    }
  for (auto& name : in_roles)
    EXPECT_TRUE(own.count(name) || catalogue::find_method(name) || name == "tilld.")
        << name << " does not exist";
  std::set<std::string> topics;
  for (auto& row : table_rows(page, "## Events"))
    for (auto& word : code_words(row[0])) topics.insert(word);
  for (auto& topic : catalogue::topics()) EXPECT_TRUE(topics.count(std::string(topic.name))) << topic.name;
}

TEST(protocol_page, names_only_errors_that_exist) {
  for (auto& row : table_rows(read_page("docs/protocol.md"), "## All methods of this version")) {
    ASSERT_EQ(row.size(), 4u);
    for (auto& kind : code_words(row[3]))
      EXPECT_TRUE(base::find_error(kind) || own_methods().count(kind)) << kind;
  }
}

TEST(protocol_page, has_every_member_of_a_sale) {
  auto header = read_page("daemon/calls/sale_body.hpp");
  std::set<std::string> on_page;
  for (auto& row : table_rows(read_page("docs/protocol.md"), "## Recording a sale"))
    for (auto& cell : row)
      for (auto& word : code_words(cell)) on_page.insert(word.substr(word.rfind('.') + 1));
  std::regex described(R"(BOOST_DESCRIBE_STRUCT\(\w+, \(\),\s*\(([^)]*)\)\))");
  int members = 0;
  for (std::sregex_iterator at(header.begin(), header.end(), described), end; at != end; ++at) {
    std::string names = (*at)[1];
    std::regex name(R"(\w+)");
    for (std::sregex_iterator one(names.begin(), names.end(), name); one != end; ++one) {
      std::string member = one->str();
      if (member.ends_with("_")) member.pop_back();
      if (member == "id") continue;  // of a reference
      ++members;
      EXPECT_TRUE(on_page.count(member)) << member;
    }
  }
  EXPECT_GT(members, 25);
}

}  // namespace
}  // namespace tilld::tests
