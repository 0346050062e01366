#include "daemon/plugin_host/process.hpp"

#include <gtest/gtest.h>

namespace tilld::daemon::plugin_host {
namespace {

base::result<command_line> read(std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), "tilld-plugin-host");
  return read_command_line(static_cast<int>(arguments.size()), arguments.data());
}

TEST(plugin_host_command_line, is_read) {
  const auto line =
      read({"--instance", "front", "--plugin", "/usr/lib/x.so", "--allow-path", "/dev/ttyACM0:rw",
            "--allow-path", "/srv/fonts", "--memory-max", "1048576", "--allow-test-environment"})
          .value();
  EXPECT_EQ(line.instance, "front");
  EXPECT_EQ(line.plugin, "/usr/lib/x.so");
  ASSERT_EQ(line.allowed_paths.size(), 2u);
  EXPECT_EQ(line.allowed_paths[0].path, "/dev/ttyACM0");
  EXPECT_TRUE(line.allowed_paths[0].writable);
  EXPECT_FALSE(line.allowed_paths[1].writable);
  EXPECT_EQ(line.memory_max_bytes, 1048576u);
  EXPECT_TRUE(line.allow_test_environment);
}

TEST(plugin_host_command_line, is_refused_with_a_reason) {
  EXPECT_EQ(read({}).error().detail, "--instance and --plugin are needed");
  EXPECT_EQ(read({"--instance"}).error().detail, "--instance needs a value");
  EXPECT_EQ(read({"--verbose"}).error().detail, "unknown option --verbose");
  for (const char* wrong : {"0", "-1", "1k", ""})
    EXPECT_EQ(read({"--memory-max", wrong}).error().detail, "--memory-max needs a number of bytes") << wrong;
}

}  // namespace
}  // namespace tilld::daemon::plugin_host
