// A plugin gets the services that its descriptor names in `uses`, and no other, in a process of its own as on
// a thread of the daemon.
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "tests/support/scratch.hpp"
#include "tests/support/shop.hpp"

namespace tilld::tests {
namespace {

namespace json = boost::json;

class uses : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    auto entry = [&](const std::string& name, const std::string& file) {
      return "  - {name: " + name + ", plugin: " + test_plugin_path(file) + ", isolation: " + GetParam() +
             "}\n";
    };
    // The same code twice: one names all services in `uses`, the other tilld.state/1 alone.
    shop_.plugins_yaml = entry("user", "test_service_user") + entry("asker", "test_service_asker");
    shop_.start_till();
    till_ = shop_.connect();
    for (auto name : {"user", "asker"}) ASSERT_TRUE(wait_until_ready(name)) << name;
  }
  void TearDown() override { shop_.stop_till(); }

  bool wait_until_ready(const std::string& name) {
    for (auto until = std::chrono::steady_clock::now() + std::chrono::seconds(30);
         std::chrono::steady_clock::now() < until;) {
      auto list = till_.call("plugin.list");
      if (!list || !list->contains("result")) return false;
      for (auto& one : list->at("result").at("plugins").as_array())
        if (one.at("name") == json::string(name) && one.at("state") == "ready") return true;
    }
    return false;
  }
  // What the plugin heard: `fine`, and where it was refused `kind` and `detail`.
  json::object ask(const std::string& device, const std::string& word, json::object params) {
    params["device"] = device;
    auto answer = till_.call("org.tilld.test.service-user." + word, params);
    if (!answer || !answer->contains("result")) {
      ADD_FAILURE() << device << " " << word << ": " << (answer ? json::serialize(*answer) : "no answer");
      return {{"fine", nullptr}, {"kind", nullptr}, {"detail", nullptr}};
    }
    return answer->at("result").as_object();
  }
  // Lines of the log that say that this plugin asks for what it does not name.
  std::vector<std::string> complaints_in_log() const {
    std::ifstream in(shop_.till_log());
    std::vector<std::string> found;
    for (std::string line; std::getline(in, line);)
      if (line.find("does not name in uses") != line.npos) found.push_back(line);
    return found;
  }

  const json::object note_{{"kind", "org.tilld.test.service-user.tared"}, {"body", {{"grams", 12}}}};
  const json::object put_{{"key", "a"}, {"value", 1}};
  const json::object call_{{"method", "system.ping"}, {"params", json::object()}};
  scratch_folder folder_;
  shop shop_{folder_.path()};
  line_client till_;
};
INSTANTIATE_TEST_SUITE_P(isolation, uses, testing::Values("process", "none"), [](auto& about) {
  return std::string(about.param) == "none" ? "thread" : "process";
});

TEST_P(uses, opens_what_it_names) {
  EXPECT_EQ(ask("user", "put", put_).at("fine"), true);
  EXPECT_EQ(ask("user", "note", note_).at("fine"), true);
  // Let through: that there is no central server is another matter.
  EXPECT_EQ(ask("user", "central", call_).at("kind"), "central_unreachable");
  EXPECT_EQ(ask("asker", "put", put_).at("fine"), true);
  EXPECT_EQ(ask("asker", "get", {{"key", "a"}}).at("fine"), true);
  EXPECT_TRUE(complaints_in_log().empty());
}

TEST_P(uses, closes_what_it_does_not_name_and_says_which) {
  auto note = ask("asker", "note", note_);
  EXPECT_EQ(note.at("fine"), false);
  EXPECT_EQ(note.at("kind"), "forbidden");
  EXPECT_NE(note.at("detail").as_string().find("tilld.journal/1"), json::string::npos) << note;
  EXPECT_NE(note.at("detail").as_string().find("uses"), json::string::npos) << note;
  EXPECT_EQ(ask("asker", "central", call_).at("kind"), "forbidden");
  // And nothing happened.
  auto verified = shop_.connect(true).call("journal.verify");
  ASSERT_TRUE(verified && verified->contains("result"));
  EXPECT_FALSE(verified->at("result").at("kinds").as_object().contains("plugin.note")) << *verified;
}

TEST_P(uses, is_complained_about_in_the_log_once_for_each_service) {
  for (int i = 0; i < 5; ++i) {
    ask("asker", "note", note_);
    ask("asker", "central", call_);
  }
  auto lines = complaints_in_log();
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_NE(lines[0].find("tilld.journal/1.append"), std::string::npos) << lines[0];
  EXPECT_NE(lines[1].find("tilld.central/1.call"), std::string::npos) << lines[1];
  for (auto& line : lines) EXPECT_NE(line.find("asker"), std::string::npos) << line;
}

}  // namespace
}  // namespace tilld::tests
