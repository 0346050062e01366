#include "ctl/complaint.hpp"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <boost/json.hpp>

namespace tilld::ctl {
namespace {

using base::errc;

TEST(complaint, says_what_happened_in_which_words_and_what_to_do_next) {
  complaint c({errc::daemon_not_running, "/run/tilld/tilld.sock: nobody listens there"},
              base::language::english);
  auto& entry = base::describe(errc::daemon_not_running);
  EXPECT_EQ(c.text({}),
            "tillctl: The till program is not running. (daemon_not_running)\n"
            "  /run/tilld/tilld.sock: nobody listens there\n"
            "  " +
                std::string(entry.hint) + "\n");
  EXPECT_EQ(c.code(), exit_code::not_running);
}

TEST(complaint, speaks_the_language_of_the_user) {
  complaint c({errc::daemon_not_running, ""}, base::language::german);
  EXPECT_NE(c.text({}).find("Das Kassenprogramm läuft nicht."), std::string::npos);
  auto language_with = [](const char* name, const char* value) {
    for (auto one : {"LC_ALL", "LC_MESSAGES", "LANG"}) ::unsetenv(one);
    if (name) ::setenv(name, value, 1);
    return language_of_user();
  };
  EXPECT_EQ(language_with("LANG", "de_DE.UTF-8"), base::language::german);
  EXPECT_EQ(language_with("LC_ALL", "en_GB.UTF-8"), base::language::english);
  EXPECT_EQ(language_with(nullptr, nullptr), base::language::english);
  ::setenv("LANG", "de_AT", 1);
  ::setenv("LC_ALL", "C", 1);
  EXPECT_EQ(language_of_user(), base::language::english);
  ::unsetenv("LANG");
  ::unsetenv("LC_ALL");
}

TEST(complaint, shows_an_error_of_the_daemon_as_it_came) {
  auto error =
      boost::json::parse(
          R"({"code":-32021,"message":"this key was used before","data":{"kind":"key_conflict","retryable":false,)"
          R"("operation_id":"018b","user_message":"Schon gebucht.","hint":"Make a new key."}})")
          .as_object();
  auto c = complaint::of_daemon(error);
  EXPECT_EQ(c.text({}),
            "tillctl: Schon gebucht. (key_conflict)\n  this key was used before\n  Operation 018b\n  Make a "
            "new key.\n");
  EXPECT_EQ(c.code(), exit_code::failed);
  EXPECT_EQ(boost::json::parse(c.json()), boost::json::value(error));
  EXPECT_EQ(c.json().back(), '\n');
}

TEST(complaint, shows_at_least_the_message_of_an_error_that_it_does_not_know) {
  auto c = complaint::of_daemon({{"code", -1}, {"message", "strange\x1b[2J"}});
  EXPECT_EQ(c.text({}), "tillctl: strange [2J\n");
  EXPECT_EQ(c.code(), exit_code::failed);
}

TEST(complaint, ends_with_the_code_that_scripts_expect) {
  auto code_of = [](errc e) { return complaint({e, "x"}, base::language::english).code(); };
  EXPECT_EQ(code_of(errc::wrong_usage), exit_code::usage);
  EXPECT_EQ(code_of(errc::daemon_not_running), exit_code::not_running);
  EXPECT_EQ(code_of(errc::daemon_silent), exit_code::failed);
  EXPECT_EQ(code_of(errc::socket_refused), exit_code::failed);
}

}  // namespace
}  // namespace tilld::ctl
