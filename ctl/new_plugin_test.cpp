#include "ctl/new_plugin.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "tests/support/scratch.hpp"

namespace tilld::ctl {
namespace {

namespace fs = std::filesystem;

const std::string templates = std::string(TILLD_SOURCE_DIR) + "/plugin-api/template";

std::string content(const fs::path& path) {
  std::ifstream in(path);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::string complaint_about(const plugin_wish& wish, const std::string& from = templates) {
  auto made = make_plugin(wish, from);
  return made ? "" : made.error().detail;
}

bool has(const std::string& text, std::string_view part) { return text.find(part) != text.npos; }

TEST(new_plugin, makes_a_folder_with_everything_that_a_plugin_has) {
  tests::scratch_folder scratch;
  auto made = make_plugin({"com.example.scanner", "", "c++", scratch.file("mine")}, templates);
  ASSERT_TRUE(made) << made.error().detail;
  EXPECT_EQ(made->interface, "tilld.scanner/1");
  EXPECT_EQ(made->name, "scanner");
  EXPECT_EQ(made->files,
            (std::vector<std::string>{".gitignore", "CMakeLists.txt", "README.md", "devices.yaml",
                                      "driver.cpp", "tests/check.yaml", "tests/first.script"}));
  auto driver = content(scratch.file("mine/driver.cpp"));
  EXPECT_TRUE(has(driver, ".id = \"com.example.scanner\"")) << driver;
  EXPECT_TRUE(
      has(content(scratch.file("mine/CMakeLists.txt")), "tilld_add_plugin(scanner SOURCES driver.cpp)"));
}

TEST(new_plugin, leaves_no_placeholder_behind_whatever_it_provides) {
  tests::scratch_folder scratch;
  int number = 0;
  for (std::string language : {"c++", "c"})
    for (std::string provides : {"tilld.scanner/1", "tilld.reader/1", "tilld.printer/1", "tilld.display/1",
                                 "tilld.tender/1", "tilld.customer/1", "com.example.things/3"}) {
      if (language == "c" && !fs::exists(templates + "/c/" + provides.substr(6, provides.find('/') - 6)) &&
          provides.starts_with("tilld."))
        continue;
      auto folder = scratch.file(std::to_string(++number));
      auto made = make_plugin({"org.example.shop.thing", provides, language, folder}, templates);
      ASSERT_TRUE(made) << made.error().detail;
      bool named = false;
      for (auto& file : made->files) {
        auto text = content(fs::path(folder) / file);
        EXPECT_FALSE(has(text, "my-device") || has(text, "\x01"))
            << provides << " " << language << " " << file;
        named = named || has(text, "\"" + provides + "\"");
      }
      EXPECT_TRUE(named) << provides << " " << language;
    }
  EXPECT_GT(number, 8);
}

TEST(new_plugin, gives_an_interface_of_its_own_to_an_id_that_names_none) {
  tests::scratch_folder scratch;
  auto made = make_plugin({"com.example.scale", "", "c++", scratch.file("s")}, templates);
  ASSERT_TRUE(made) << made.error().detail;
  EXPECT_EQ(made->interface, "com.example.scale/1");
  EXPECT_TRUE(has(content(scratch.file("s/driver.cpp")), "\"com.example.scale/1.measure\""));
}

TEST(new_plugin, avoids_names_that_the_build_has_already) {
  tests::scratch_folder scratch;
  auto made = make_plugin({"com.example.test", "tilld.scanner/1", "c++", scratch.file("t")}, templates);
  ASSERT_TRUE(made) << made.error().detail;
  EXPECT_EQ(made->name, "test-plugin");
}

TEST(new_plugin, refuses_ids_and_interfaces_that_make_no_sense) {
  tests::scratch_folder scratch;
  auto folder = scratch.file("x");
  for (auto id : {"", "scanner", "example.scanner", "com.example.", ".com.example", "com..example.a",
                  "Com.Example.Scanner", "com.example.scan ner", "com.example.../x", "com.example.1scanner",
                  "com.example.scanner-"})
    EXPECT_TRUE(has(complaint_about({id, "", "c++", folder}), "such as com.example.scanner")) << id;
  EXPECT_TRUE(has(complaint_about({"tilld.example.scanner", "", "c++", folder}), "tilld's own"));
  plugin_wish wish{"com.example.scanner", "tilld.scaner/1", "c++", folder};
  EXPECT_TRUE(has(complaint_about(wish), "did you mean tilld.scanner/1?")) << complaint_about(wish);
  wish.provides = "tilld.scanner/2";
  EXPECT_TRUE(has(complaint_about(wish), "expected tilld.scanner/1")) << complaint_about(wish);
  wish.provides = "scanner";
  EXPECT_TRUE(has(complaint_about(wish), "expected tilld.scanner/1")) << complaint_about(wish);
  wish.provides = "tilld.state/1";
  EXPECT_TRUE(has(complaint_about(wish), "what the daemon offers")) << complaint_about(wish);
  for (auto provides :
       {"com.example.x", "com.example.x/0", "com.example.x/01", "com..x/1", "com.example.x/1.word"}) {
    wish.provides = provides;
    EXPECT_TRUE(has(complaint_about(wish), "such as com.example.scale/1")) << provides;
  }
  wish = {"com.example.scanner", "", "rust", folder};
  EXPECT_TRUE(has(complaint_about(wish), "expected c++ or c"));
  wish = {"com.example.printer", "tilld.printer/1", "c", folder};
  EXPECT_TRUE(has(complaint_about(wish), "no start in c")) << complaint_about(wish);
  wish.provides.clear();  // the id says it as well
  EXPECT_TRUE(has(complaint_about(wish), "no start in c")) << complaint_about(wish);
  EXPECT_FALSE(fs::exists(folder));
}

TEST(new_plugin, never_touches_a_folder_that_holds_something) {
  tests::scratch_folder scratch;
  fs::create_directory(scratch.file("mine"));
  EXPECT_EQ(complaint_about({"com.example.scanner", "", "c++", scratch.file("mine")}), "");  // empty: fine
  EXPECT_TRUE(
      has(complaint_about({"com.example.scanner", "", "c++", scratch.file("mine")}), "exists already"));
  std::ofstream(scratch.file("a-file")) << "mine";
  EXPECT_TRUE(
      has(complaint_about({"com.example.scanner", "", "c++", scratch.file("a-file")}), "exists already"));
  EXPECT_EQ(content(scratch.file("a-file")), "mine");
}

TEST(new_plugin, says_how_to_get_the_template_where_none_is_installed) {
  tests::scratch_folder scratch;
  auto said =
      complaint_about({"com.example.scanner", "", "c++", scratch.file("x")}, scratch.file("no/template"));
  EXPECT_TRUE(has(said, "install the SDK")) << said;
}

TEST(new_plugin, looks_for_the_template_around_the_program) {
  EXPECT_EQ(template_folder_of("/opt/t/bin/tillctl"), "/opt/t/share/tilld/template");
}

}  // namespace
}  // namespace tilld::ctl
