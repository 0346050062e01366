// docs/protocol.md against a running daemon and against the code.
#include <gtest/gtest.h>

#include <algorithm>
#include <regex>
#include <set>

#include "plugin-api/catalogue.hpp"
#include "tests/docs/page.hpp"
#include "tests/docs/till_of_the_page.hpp"

namespace tilld::tests {
namespace {

namespace json = boost::json;
using std::chrono::milliseconds;

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

TEST(protocol_page, names_every_topic_and_leaves_the_methods_to_their_own_page) {
  auto page = read_page("docs/protocol.md");
  std::set<std::string> topics;
  for (auto& row : table_rows(page, "## Events"))
    for (auto& word : code_words(row[0])) topics.insert(word);
  for (auto& topic : catalogue::topics()) EXPECT_TRUE(topics.count(std::string(topic.name))) << topic.name;
  EXPECT_NE(page.find("](methods.md)"), page.npos);
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
