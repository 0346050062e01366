#include "base/log.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <functional>

#include "base/file.hpp"
#include "tests/support/scratch.hpp"

using namespace tilld::base;

namespace {

// What a process writes to a log file, without the time in front.
std::string logged(const std::function<void()>& events, bool with_journal_variable = false) {
  tilld::tests::scratch_folder folder;
  auto path = folder.file("log");
  auto child = ::fork();
  if (child == 0) {
    if (with_journal_variable)
      ::setenv("JOURNAL_STREAM", "9:9999999", 1);
    else
      ::unsetenv("JOURNAL_STREAM");
    unique_fd file(::open(path.c_str(), O_CREAT | O_WRONLY, 0600));
    ::dup2(file.get(), 2);
    events();
    ::_exit(0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  auto content = read_file(path);
  return content ? std::string(as_text(*content)) : "";
}

std::size_t lines_in(const std::string& text) {
  return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

}  // namespace

TEST(log, is_one_line_with_a_sentence_and_its_fields) {
  auto text = logged([] {
    log(log_level::info, "A till signed on",
        {{"till", "till-1"}, {"session", 7}, {"count", std::uint64_t{1} << 63}});
  });
  EXPECT_EQ(lines_in(text), 1u);
  EXPECT_NE(text.find("A till signed on till=till-1 session=7 count=9223372036854775808\n"), text.npos)
      << text;
}

TEST(log, names_an_error_by_kind_and_detail) {
  auto text = logged([] {
    log(log_level::error, "No printing", error{errc::paper_out, "tray 1"}, {{"plugin", "receipt"}});
  });
  EXPECT_NE(text.find("No printing plugin=receipt code=paper_out detail=tray 1\n"), text.npos) << text;
}

TEST(log, lets_no_control_character_through) {
  std::string hostile =
      "a\nb\rc\td\x1b[2Je\x7f"
      "f\x01g";
  hostile += '\0';
  hostile +=
      "\xc2\x85next\xc2\x9b"
      "2J";                       // the same in UTF-8: next line, control sequence introducer
  hostile += "\xe2\x80\xa8para";  // line separator
  hostile += "Brötchen 纸 \xf0\x9f\x8d\x9e";
  auto text = logged([&] {
    log(log_level::warning, hostile, {{"field", hostile}});
    log(log_level::warning, "next", error{errc::internal, hostile});
  });
  EXPECT_EQ(lines_in(text), 2u);
  for (unsigned char c : text) EXPECT_TRUE(c == '\n' || (c >= 0x20 && c != 0x7f)) << static_cast<int>(c);
  for (auto sequence : {"\xc2\x85", "\xc2\x9b", "\xe2\x80\xa8"}) EXPECT_EQ(text.find(sequence), text.npos);
  EXPECT_NE(text.find("Brötchen 纸 \xf0\x9f\x8d\x9e"), text.npos)
      << "other languages are not control characters";
}

TEST(log, is_not_made_to_format_what_it_was_given) {
  auto text = logged([] { log(log_level::info, "{} %s %n {0}", {{"value", "{} %s"}}); });
  EXPECT_NE(text.find("{} %s %n {0} value={} %s\n"), text.npos) << text;
}

TEST(log, drops_debug_lines_unless_they_are_wanted) {
  EXPECT_EQ(logged([] { log(log_level::debug, "detail"); }), "");
  auto text = logged([] {
    log_debug_lines(true);
    log(log_level::debug, "detail");
    log_debug_lines(false);
    log(log_level::debug, "gone");
  });
  EXPECT_EQ(lines_in(text), 1u);
  EXPECT_NE(text.find("detail"), text.npos);
}

// A desktop's terminals inherit the variable from the service that started them; only a matching stderr
// counts.
TEST(log, stays_on_the_terminal_when_somebody_else_s_journal_variable_is_inherited) {
  auto text = logged([] { log(log_level::info, "Hello"); }, true);
  EXPECT_NE(text.find("Hello"), text.npos);
}
