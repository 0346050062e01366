// What is installed, and what it takes to build against it. mission: D11
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "tests/sdk/terminal_session.hpp"
#include "tests/support/scratch.hpp"

namespace tilld::tests {
namespace {

namespace fs = std::filesystem;
using std::chrono::seconds;

std::string content(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

class installed_tree : public testing::Test {
 protected:
  std::string prefix() const { return folder_.file("prefix"); }
  // Runs and returns what was said; the test goes on, whatever it was.
  std::string say(const std::string& line, bool& fine) {
    shell_.forget();
    fine = shell_.run({line}, seconds(120));
    return shell_.output();
  }
  void install(const std::string& parts = "") {
    bool fine;
    auto said = say(
        std::string(TILLD_CMAKE) + " --install " TILLD_BUILD_FOLDER " --prefix " + prefix() + parts, fine);
    ASSERT_TRUE(fine) << said;
  }

  scratch_folder folder_;
  terminal_session shell_{folder_.path(), folder_.path()};
};

TEST_F(installed_tree, names_no_path_of_the_machine_it_was_built_on) {
  install();
  // Only a release carries no paths in its programs: see CMakePresets.json.
  bool programs_too = std::string_view(TILLD_BUILD_TYPE) == "Release";
  int looked = 0;
  for (auto& entry : fs::recursive_directory_iterator(prefix())) {
    ASSERT_FALSE(entry.is_symlink()) << entry.path();
    if (!entry.is_regular_file()) continue;
    auto text = content(entry.path());
    if (text.starts_with("\x7f"
                         "ELF") &&
        !programs_too)
      continue;
    for (std::string_view place : {TILLD_SOURCE_DIR, TILLD_BUILD_FOLDER})
      EXPECT_EQ(text.find(place), text.npos) << entry.path() << " names " << place;
    ++looked;
  }
  EXPECT_GT(looked, 80);
  EXPECT_NE(content(prefix() + "/lib/systemd/system/tilld.service").find("=" + prefix() + "/sbin/tilld "),
            std::string::npos);
}

TEST_F(installed_tree, has_schemas_that_its_files_to_start_from_name_wherever_they_are_copied_to) {
  install();
  for (auto [file, schema] : {std::pair{"tilld.yaml", "tilld"},
                              {"examples/tilld-alone.yaml", "tilld"},
                              {"examples/drop-ins/50-scanner.yaml", "tilld-drop-in"},
                              {"central.yaml", "central"}}) {
    auto place = prefix() + "/share/tilld/" + schema + ".schema.json";
    EXPECT_TRUE(fs::exists(place)) << place;
    auto text = content(prefix() + "/share/doc/tilld/config/" + file);
    EXPECT_TRUE(text.starts_with("# yaml-language-server: $schema=" + place + "\n")) << text.substr(0, 200);
  }
}

TEST_F(installed_tree, goes_on_working_when_it_is_moved) {
  install();
  fs::rename(prefix(), folder_.file("moved"));
  std::ofstream(folder_.file("tilld.yaml"))
      << "till: {id: till-1, branch: main, merchant: demo}\nstate: " << folder_.file("state")
      << "\nlisten: {unix: " << folder_.file("t") << ", admin: " << folder_.file("a")
      << "}\nplugins: [{name: sim, plugin: simulated}]\n";
  bool fine;
  say("moved/sbin/tilld --config tilld.yaml 2> log & export TILLD_SOCKET=" + folder_.file("a"), fine);
  std::string said;
  for (auto until = std::chrono::steady_clock::now() + seconds(30);
       std::chrono::steady_clock::now() < until;) {
    said = say("moved/bin/tillctl plugins", fine);
    if (said.find("ready") != said.npos) return;
    shell_.listen(terminal_session::milliseconds(100));
  }
  FAIL() << said << content(folder_.file("log"));
}

TEST_F(installed_tree, has_an_sdk_that_stands_alone_and_needs_no_boost_for_c) {
  install(" --component sdk");
  EXPECT_FALSE(fs::exists(prefix() + "/sbin"));
  for (auto file :
       {"include/tilld/plugin.h", "include/tilld/scanner.hpp", "lib/cmake/tilld-plugin/plugin.version",
        "share/tilld/schema/tilld.scanner.1.json", "share/tilld/template/c/scanner/driver.c"})
    EXPECT_TRUE(fs::exists(prefix() + "/" + file)) << file;
  fs::create_directory(folder_.file("c"));
  fs::copy(prefix() + "/share/tilld/template/c/own/driver.c", folder_.file("c/driver.c"));
  std::ofstream(folder_.file("c/CMakeLists.txt"))
      << "cmake_minimum_required(VERSION 3.25)\nproject(p LANGUAGES C)\n"
         "find_package(tilld-plugin 1 REQUIRED)\n"
         "tilld_add_plugin(mine SOURCES driver.c)\n"
         "target_compile_options(mine PRIVATE -Wall -Wextra -Werror)\n";
  bool fine;
  auto said = say("umask 002; cmake -S c -B c/build -DCMAKE_PREFIX_PATH=" + prefix() +
                      " -DCMAKE_DISABLE_FIND_PACKAGE_Boost=ON && cmake --build c/build",
                  fine);
  ASSERT_TRUE(fine) << said;
  // The daemon refuses what others may write, also when the author's umask let them.
  EXPECT_EQ(fs::status(folder_.file("c/build/mine.so")).permissions() &
                (fs::perms::group_write | fs::perms::others_write),
            fs::perms::none);
  // It is installed to where a daemon of that prefix looks.
  said = say("cmake --install c/build --prefix " + folder_.file("other"), fine);
  EXPECT_TRUE(fs::exists(folder_.file("other/lib/tilld/plugins/mine.so"))) << said;
}

TEST_F(installed_tree, says_in_one_sentence_what_a_plugin_in_cpp_lacks) {
  install(" --component sdk");
  fs::create_directory(folder_.file("p"));
  fs::copy(prefix() + "/share/tilld/template/c++/scanner/driver.cpp", folder_.file("p/driver.cpp"));
  std::ofstream(folder_.file("p/CMakeLists.txt"))
      << "cmake_minimum_required(VERSION 3.25)\nproject(p LANGUAGES CXX)\n"
         "find_package(tilld-plugin ${WANTED} REQUIRED)\n"
         "tilld_add_plugin(mine SOURCES driver.cpp)\n";
  bool fine;
  auto said = say("cmake -S p -B p/build -DWANTED=1 -DCMAKE_PREFIX_PATH=" + prefix() +
                      " -DCMAKE_DISABLE_FIND_PACKAGE_Boost=ON",
                  fine);
  EXPECT_FALSE(fine);
  EXPECT_NE(said.find("needs Boost.JSON 1.81"), said.npos) << said;
  EXPECT_NE(said.find("apt install libboost-json1.81-dev"), said.npos) << said;
  said = say("cmake -S p -B p/build2 -DWANTED=2 -DCMAKE_PREFIX_PATH=" + prefix(), fine);
  EXPECT_FALSE(fine);
  EXPECT_NE(said.find("version"), said.npos) << said;
}

}  // namespace
}  // namespace tilld::tests
