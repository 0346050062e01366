#include "daemon/config/installed_places.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "tests/support/scratch.hpp"

namespace tilld::daemon {
namespace {

namespace fs = std::filesystem;

TEST(installed_places, are_those_of_the_prefix_that_the_program_lies_in) {
  tests::scratch_folder prefix;
  fs::create_directories(prefix.file("libexec/tilld"));
  fs::create_directories(prefix.file("lib/tilld/plugins"));
  std::ofstream(prefix.file("libexec/tilld/tilld-plugin-host")) << "";
  auto places = places_around(prefix.file("sbin/tilld"));
  EXPECT_EQ(places.plugin_host, prefix.file("libexec/tilld/tilld-plugin-host"));
  EXPECT_EQ(places.plugin_folder, prefix.file("lib/tilld/plugins"));
}

TEST(installed_places, are_beside_the_program_in_a_build_folder) {
  tests::scratch_folder build;
  fs::create_directories(build.file("bin"));
  fs::create_directories(build.file("plugins"));
  std::ofstream(build.file("bin/tilld-plugin-host")) << "";
  auto places = places_around(build.file("bin/tilld"));
  EXPECT_EQ(places.plugin_host, build.file("bin/tilld-plugin-host"));
  EXPECT_EQ(places.plugin_folder, build.file("plugins"));
}

TEST(installed_places, are_those_of_a_package_where_nothing_lies_around) {
  tests::scratch_folder empty;
  for (auto program : {empty.file("bin/tilld"), std::string(), std::string("tilld")}) {
    auto places = places_around(program);
    EXPECT_EQ(places.plugin_host, "/usr/libexec/tilld/tilld-plugin-host") << program;
    EXPECT_EQ(places.plugin_folder, "/usr/lib/tilld/plugins") << program;
  }
}

}  // namespace
}  // namespace tilld::daemon
