// Drop-ins with the real program: what it says on the command line, what it does with them, and what the
// journal keeps of a change.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/support/scratch.hpp"
#include "tests/support/shop.hpp"
#include "wire/base64.hpp"

namespace tilld::tests {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

std::string content(const std::string& path) {
  std::ifstream in(path);
  std::stringstream all;
  all << in.rdbuf();
  return all.str();
}

bool has(const std::string& text, const std::string& part) { return text.find(part) != text.npos; }

class drop_ins : public testing::Test {
 protected:
  drop_ins() { fs::create_directory(folder_.file("conf.d")); }
  void put(const std::string& name, const std::string& text) {
    std::ofstream(folder_.file(name)) << text;
    fs::permissions(folder_.file(name), fs::perms::group_write | fs::perms::others_write,
                    fs::perm_options::remove);
  }
  struct said {
    int code;
    std::string text;
  };
  said tilld(const std::string& option) {
    fs::remove(folder_.file("said"));
    process program(program_path("tilld"),
                    {{"--config", folder_.file("tilld.yaml"), option}, {}, folder_.file("said")});
    auto code = program.wait(std::chrono::seconds(20));
    return {code.value_or(-1), content(folder_.file("said"))};
  }

  scratch_folder folder_;
};

TEST_F(drop_ins, are_listed_by_the_check_with_what_was_passed_over) {
  put("tilld.yaml", "till: {id: till-1, branch: main, merchant: demo}\n");
  EXPECT_EQ(tilld("--check-config").text,
            folder_.file("tilld.yaml") + " is fine: till till-1, 0 plugins, 0 destinations\n");
  put("conf.d/10-scanner.yaml", "plugins: [{name: counter, plugin: serial-scanner}]\n");
  put("conf.d/20-notes.yml", "nothing: here\n");
  auto check = tilld("--check-config");
  EXPECT_EQ(check.code, 0);
  EXPECT_EQ(check.text, folder_.file("tilld.yaml") +
                            " with 1 drop-in is fine: till till-1, 1 plugins, 0 destinations\n"
                            "  read         " +
                            folder_.file("tilld.yaml") + "\n  read         " +
                            folder_.file("conf.d/10-scanner.yaml") + "\n  passed over  " +
                            folder_.file("conf.d/20-notes.yml") +
                            ", which does not end in .yaml or begins with a dot\n");
}

TEST_F(drop_ins, have_an_example_that_is_accepted) {
  put("tilld.yaml", "till: {id: till-1, branch: main, merchant: demo}\n");
  int examples = 0;
  for (auto& entry : fs::directory_iterator(TILLD_SOURCE_DIR "/config/examples/drop-ins")) {
    put("conf.d/" + entry.path().filename().string(), content(entry.path().string()));
    ++examples;
  }
  EXPECT_GT(examples, 0);
  EXPECT_EQ(tilld("--check-config").code, 0) << tilld("--check-config").text;
}

TEST_F(drop_ins, stop_the_daemon_with_the_exit_code_for_a_wrong_configuration) {
  put("tilld.yaml", "till: {id: till-1, branch: main, merchant: demo}\n");
  put("conf.d/10.yaml", "lisen: {}\n");
  for (auto option : {"--check-config", "--print-config", "--verbose"}) {
    auto wrong = tilld(option);
    EXPECT_EQ(wrong.code, 78) << option;
    EXPECT_TRUE(has(wrong.text,
                    folder_.file("conf.d/10.yaml") + ":1:1: unknown key \"lisen\", did you mean \"listen\"?"))
        << wrong.text;
    // Who asked reads it once; who started a service looks into its log.
    EXPECT_EQ(has(wrong.text, "tilld cannot run"), std::string(option) == "--verbose") << wrong.text;
  }
}

TEST_F(drop_ins, show_in_one_command_what_is_in_effect_and_from_where) {
  put("tilld.yaml",
      "till: {id: till-1, branch: main, merchant: demo}\nplugins:\n  - name: card\n    plugin: terminal\n");
  put("conf.d/10.yaml", "language: de\nplugins: [{name: card, config: {host: 192.0.2.1, password: hush}}]\n");
  auto printed = tilld("--print-config");
  EXPECT_EQ(printed.code, 0);
  EXPECT_TRUE(has(printed.text, "# conf.d/10.yaml:1\n")) << printed.text;
  EXPECT_TRUE(has(printed.text, "# tilld.yaml:4\n")) << printed.text;
  EXPECT_TRUE(has(printed.text, "# default\n")) << printed.text;
  EXPECT_TRUE(has(printed.text, "password: \"(not shown)\"")) << printed.text;
  EXPECT_FALSE(has(printed.text, "hush")) << printed.text;
}

TEST_F(drop_ins, add_a_device_to_a_till_and_are_noted_in_its_journal_when_they_change) {
  shop till(folder_.path());
  std::int64_t starts = 0;
  // The note may come a moment after the first answer.
  auto note_of_start = [&](line_client& client) {
    for (auto until = std::chrono::steady_clock::now() + std::chrono::seconds(20);
         std::chrono::steady_clock::now() < until;) {
      auto read = client.call("journal.read", {{"from", 1}});
      if (!read || !read->contains("result")) break;
      for (auto& one : read->at("result").at("records").as_array()) {
        if (one.at("kind") != "daemon.started") continue;
        auto body = wire::from_base64(std::string(one.at("body").as_string()));
        auto note = json::parse(*body).as_object();
        if (note.at("start") == starts) return note;
      }
    }
    return json::object{{"config_digest", nullptr}, {"config_changed", nullptr}};
  };
  auto last_start = [&] {
    till.start_till();
    ++starts;
    auto client = till.connect(true);
    auto note = note_of_start(client);
    client.close();
    till.stop_till();
    return note;
  };
  auto first = last_start();
  ASSERT_TRUE(first.at("config_digest").is_string());
  EXPECT_EQ(last_start().at("config_changed"), false);
  put("conf.d/50-scanner.yaml", "plugins: [{name: counter, plugin: simulated}]\n");
  auto added = last_start();
  EXPECT_EQ(added.at("config_changed"), true);
  EXPECT_NE(added.at("config_digest"), first.at("config_digest"));
  EXPECT_EQ(last_start().at("config_changed"), false);
  put("conf.d/50-scanner.yaml", "plugins: [{name: counter, plugin: simulated}]\n# a remark\n");
  EXPECT_EQ(last_start().at("config_changed"), true);

  put("conf.d/60-forgotten.yml", "plugins: [{name: other, plugin: simulated}]\n");
  till.start_till();
  EXPECT_TRUE(has(content(till.till_log()), "60-forgotten.yml"));
  auto plugins = till.connect(true).call("plugin.list");
  ASSERT_TRUE(plugins && plugins->contains("result"));
  EXPECT_TRUE(has(json::serialize(*plugins), "\"counter\"")) << *plugins;
  till.stop_till();
}

}  // namespace
}  // namespace tilld::tests
