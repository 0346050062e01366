#include "ctl/command_line.hpp"

#include <gtest/gtest.h>
#include <stdlib.h>

namespace tilld::ctl {
namespace {

using words = std::vector<std::string>;

std::string complaint_about(const words& given) {
  auto read = read_command_line(given);
  if (read) return "nothing";
  EXPECT_EQ(read.error().code, base::errc::wrong_usage);
  return read.error().detail;
}

TEST(command_line, knows_every_command) {
  const words good[] = {{"status"},
                        {"queue"},
                        {"plugins"},
                        {"plugins", "restart", "printer"},
                        {"call", "system.ping"},
                        {"call", "system.ping", "{}"},
                        {"call", "system.ping", "-"},
                        {"call", "sale.record", "{}", "--key", "a b"},
                        {"call", "sale.record", "{}", "--new-key"},
                        {"watch"},
                        {"watch", "scanner", "plugins", "--count", "2"},
                        {"operation", "get", "018b"},
                        {"operation", "get", "--method", "sale.record", "--key", "k"},
                        {"operation", "unknown"},
                        {"operation", "resolve", "018b", "not_done", "--reason", "no paper"},
                        {"token", "add", "--role", "till"},
                        {"token", "add", "--role", "self_checkout", "--note", "left"},
                        {"token", "list"},
                        {"pair"},
                        {"pair", "--origin", "https://till.example", "--role", "operator", "--note", "left"},
                        {"token", "remove", "0d01dc5d"},
                        {"journal", "head"},
                        {"journal", "verify"},
                        {"journal", "verify", "--file", "a"},
                        {"journal", "verify", "--database", "a"},
                        {"journal", "export", "--out", "a"},
                        {"journal", "export", "--out", "a", "--from", "7", "--force"},
                        {"journal", "show", "1"}};
  for (auto& line : good) {
    auto read = read_command_line(line);
    ASSERT_TRUE(read) << read.error().detail;
    EXPECT_TRUE(read->verb) << line.front();
  }
}

TEST(command_line, takes_the_options_of_every_command_before_and_behind_it) {
  for (auto& line : {words{"--socket", "/s", "--timeout", "2s", "--json", "journal", "head"},
                     words{"journal", "--json", "head", "--socket", "/s", "--timeout=2s"}}) {
    auto read = read_command_line(line);
    ASSERT_TRUE(read) << read.error().detail;
    EXPECT_EQ(read->with.socket, "/s");
    EXPECT_TRUE(read->with.json);
    EXPECT_EQ(read->with.timeout, std::chrono::milliseconds(2000));
  }
}

TEST(command_line, suggests_the_near_word) {
  EXPECT_EQ(complaint_about({"statsu"}), R"(there is no command "statsu"; did you mean "status"?)");
  EXPECT_EQ(complaint_about({"--socket", "status", "jornal", "verify"}),
            R"(there is no command "jornal"; did you mean "journal"?)");
  EXPECT_EQ(complaint_about({"journal", "verfy"}),
            R"(there is no command "journal verfy"; did you mean "verify"?)");
  EXPECT_EQ(complaint_about({"status", "--jsn"}), R"(status has no option --jsn; did you mean "--json"?)");
  EXPECT_EQ(complaint_about({"journal", "export", "--out", "x", "--form=2"}),
            R"(journal export has no option --form; did you mean "--from"?)");
  EXPECT_EQ(complaint_about({"xyzzyxyzzyxyzzy"}), R"(there is no command "xyzzyxyzzyxyzzy")");
}

TEST(command_line, says_what_is_missing) {
  EXPECT_NE(complaint_about({}).find("tillctl needs one of: status, plugins, queue"), std::string::npos);
  EXPECT_EQ(complaint_about({"journal"}), "journal needs one of: head, verify, prove, export, show");
  EXPECT_NE(complaint_about({"plugins", "restart"}).find("plugins restart: NAME is required"),
            std::string::npos);
  EXPECT_NE(complaint_about({"operation", "get"}).find("operation get: expected an operation id"),
            std::string::npos);
  EXPECT_NE(complaint_about({"journal", "export"}).find("--out is required"), std::string::npos);
}

TEST(command_line, refuses_what_cannot_be_meant) {
  const words bad[] = {{"token", "add"},
                       {"token", "add", "--role", "admin"},
                       {"operation", "resolve", "018b", "perhaps", "--reason", "x"},
                       {"operation", "resolve", "018b", "done"},
                       {"operation", "get", "018b", "--key", "k", "--method", "m"},
                       {"operation", "get", "--key", "k"},
                       {"call"},
                       {"call", "m", "{}", "--key", "k", "--new-key"},
                       {"journal", "show", "0"},
                       {"journal", "show", "-1"},
                       {"journal", "show", "1", "2"},
                       {"journal", "verify", "--file", "a", "--database", "b"},
                       {"journal", "export", "--out", "a", "--from", "x"},
                       {"watch", "--count", "0"},
                       {"status", "--timeout", "soon"},
                       {"status", "now"}};
  for (auto& line : bad) EXPECT_NE(complaint_about(line), "nothing") << line.front() << " " << line.back();
}

TEST(command_line, reads_durations_with_their_units) {
  EXPECT_EQ(*read_duration("500ms"), std::chrono::milliseconds(500));
  EXPECT_EQ(*read_duration("30"), std::chrono::seconds(30));
  EXPECT_EQ(*read_duration("30s"), std::chrono::seconds(30));
  EXPECT_EQ(*read_duration("2min"), std::chrono::minutes(2));
  for (auto wrong : {"", "s", "0", "-1s", "1.5s", "5x", "1441min", "99999999999999999999", "1 s"})
    EXPECT_FALSE(read_duration(wrong)) << wrong;
}

TEST(command_line, helps_where_it_is_asked) {
  for (auto& line : {words{"--help"}, words{"journal", "--help"}, words{"journal", "export", "--help"},
                     words{"--version"}}) {
    auto read = read_command_line(line);
    ASSERT_TRUE(read) << read.error().detail;
    EXPECT_FALSE(read->verb);
    EXPECT_FALSE(read->help.empty());
  }
}

TEST(command_line, takes_the_socket_of_the_environment_when_none_is_given) {
  ::setenv("TILLD_SOCKET", "/from/environment", 1);
  EXPECT_EQ(read_command_line({"status"})->with.socket, "/from/environment");
  EXPECT_EQ(read_command_line({"status", "--socket", "/given"})->with.socket, "/given");
  ::unsetenv("TILLD_SOCKET");
}

}  // namespace
}  // namespace tilld::ctl
