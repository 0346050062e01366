// Reads the source tree and holds it to the rules of rules.hpp. Each rule has a sample here that it must flag
// and one that it must not, so that a rule which went blind is noticed.
#include <gtest/gtest.h>

#include <iostream>

#include "tests/tidy/rules.hpp"

using namespace tilld::tests;

namespace {

const std::vector<source_file>& tree() {
  static const auto files = read_tree(TILLD_SOURCE_DIR);
  return files;
}

std::string place_of(const finding& f) { return f.path + ":" + std::to_string(f.line) + ": " + f.what; }

template <class Rule>
void expect_clean_tree(Rule rule) {
  for (auto& file : tree())
    for (auto& f : rule(file)) ADD_FAILURE() << place_of(f);
}

template <class Rule>
std::size_t hits(Rule rule, const std::string& path, const std::string& text) {
  return rule(make_source(path, text)).size();
}

// A statement inside a coroutine.
std::size_t trapped(const std::string& statement) {
  return hits(coroutine_traps, "daemon/x.cpp",
              "awaitable<void> f() {\n  first();\n  " + statement + "\n  last();\n}\n");
}

}  // namespace

TEST(source_tree, is_found_and_has_the_folders_of_the_project) {
  EXPECT_GT(tree().size(), 100u);
  for (std::string folder :
       {"base/", "wire/", "plugin-api/", "plugins/", "daemon/", "central/", "ctl/", "tests/", "docs/"}) {
    auto in_folder = [&](auto& file) { return file.path.rfind(folder, 0) == 0; };
    EXPECT_TRUE(std::any_of(tree().begin(), tree().end(), in_folder)) << folder;
  }
}

TEST(source_tree, blanks_comments_and_literals_and_keeps_the_lines) {
  EXPECT_EQ(code_only("a // b\nc"), "a     \nc");
  EXPECT_EQ(code_only("a /* b\nc */ d"), "a     \n     d");
  EXPECT_EQ(code_only(R"(f("a\"b", 'c', x))"), R"(f("    ", ' ', x))");
  EXPECT_EQ(code_only("u = 1'000'000; // x"), "u = 1'000'000;     ");
  EXPECT_EQ(code_only("R\"(a \" b\nc)\" d"), "R\"      \n  \" d");
  EXPECT_EQ(code_only("\"a // b\" c"), "\"      \" c");
  EXPECT_EQ(code_only("'\"' d \"x\""), "' ' d \" \"");
}

TEST(folders, include_only_what_lies_below_them) {
  auto wrong = [](const std::string& path, const std::string& include) {
    return hits(wrong_includes, path, "// A file.\n#include " + include + "\n");
  };
  for (auto& [path, include] :
       std::vector<std::pair<std::string, std::string>>{{"base/a.cpp", "\"wire/b.hpp\""},
                                                        {"base/a.cpp", "<tilld/plugin.hpp>"},
                                                        {"base/a.hpp", "\"a.hpp\""},
                                                        {"base/a.cpp", "\"tests/support/scratch.hpp\""},
                                                        {"wire/a.cpp", "\"daemon/b.hpp\""},
                                                        {"plugin-api/include/tilld/a.hpp", "\"base/b.hpp\""},
                                                        {"plugins/one/a.cpp", "\"base/b.hpp\""},
                                                        {"plugins/one/a.cpp", "\"plugins/two/b.hpp\""},
                                                        {"daemon/a.cpp", "\"central/b.hpp\""},
                                                        {"central/a.cpp", "\"daemon/b.hpp\""},
                                                        {"central/a.cpp", "<tilld/plugin.hpp>"},
                                                        {"verify/a.cpp", "\"base/b.hpp\""},
                                                        {"verify/a.cpp", "\"wire/b.hpp\""},
                                                        {"ctl/a.cpp", "\"daemon/b.hpp\""}})
    EXPECT_EQ(wrong(path, include), 1u) << path << " " << include;
  for (auto& [path, include] :
       std::vector<std::pair<std::string, std::string>>{{"base/a.cpp", "\"base/b.hpp\""},
                                                        {"base/a.cpp", "<vector>"},
                                                        {"base/a_test.cpp", "\"tests/support/scratch.hpp\""},
                                                        {"wire/a.cpp", "\"base/b.hpp\""},
                                                        {"plugin-api/a.cpp", "<tilld/plugin.hpp>"},
                                                        {"plugins/one/a.cpp", "<tilld/scanner.hpp>"},
                                                        {"plugins/one/a.cpp", "\"plugins/one/b.hpp\""},
                                                        {"daemon/router/a.cpp", "\"wire/b.hpp\""},
                                                        {"daemon/router/a.cpp", "\"plugin-api/b.hpp\""},
                                                        {"tests/sale/a.cpp", "\"daemon/b.hpp\""}})
    EXPECT_EQ(wrong(path, include), 0u) << path << " " << include;
  expect_clean_tree(wrong_includes);
}

TEST(folders, of_the_daemon_form_no_circle) {
  auto file = [](const std::string& path, const std::string& includes) {
    return make_source(path, "#include \"" + includes + "\"\n");
  };
  EXPECT_EQ(
      circles_in_daemon({file("daemon/a/x.cpp", "daemon/b/y.hpp"), file("daemon/b/y.hpp", "daemon/c/z.hpp"),
                         file("daemon/c/z.hpp", "daemon/a/x.hpp")})
          .size(),
      1u);
  EXPECT_EQ(
      circles_in_daemon({file("daemon/a/x.cpp", "daemon/b/y.hpp"), file("daemon/b/y.cpp", "daemon/a/x.hpp")})
          .size(),
      1u);
  EXPECT_TRUE(
      circles_in_daemon({file("daemon/a/x.cpp", "daemon/b/y.hpp"), file("daemon/a/z.cpp", "daemon/c/y.hpp"),
                         file("daemon/b/y.cpp", "daemon/c/x.hpp"), file("daemon/main.cpp", "daemon/a/x.hpp"),
                         file("daemon/c/x_test.cpp", "daemon/a/x.hpp")})
          .empty());
  for (auto& f : circles_in_daemon(tree())) ADD_FAILURE() << place_of(f);
}

TEST(names, say_something) {
  for (auto bad :
       {"daemon/common/x.cpp", "base/utils.hpp", "wire/string_util.cpp", "daemon/plugin_manager.cpp",
        "x/misc/y.cpp", "tests/helpers.py", "daemon/RequestHandler.cpp/handler.cpp"})
    EXPECT_GE(hits(empty_names, bad, ""), 1u) << bad;
  for (auto good :
       {"daemon/router/lane.cpp", "base/file.hpp", "docs/utility_company.md", "wire/commonwealth.cpp"})
    EXPECT_EQ(hits(empty_names, good, ""), 0u) << good;
  expect_clean_tree(empty_names);
}

TEST(coroutines, keep_clear_of_braced_temporaries_in_co_await_expressions) {
  for (auto bad : {"co_await f({.a = s});", "co_await f(agg{s, 1});", "auto r = co_await f({});",
                   "agg x{1, co_await g()};", "co_return co_await call(request{.name = n});",
                   "if (auto r = co_await f(agg{s}); !r) { stop(); }", "h(agg{s}, co_await g());",
                   "h(co_await g(), agg{s});", "std::vector<int> xs{co_await g()};",
                   "co_await f(\n      agg{\n          s});", "while (co_await more(agg{s})) next();"})
    EXPECT_EQ(trapped(bad), 1u) << bad;
  for (auto good :
       {"agg a{s, 1};\n  co_await f(std::move(a));", "auto r = co_await f(x, y[1], \"{}\");",
        "if (auto r = co_await f(); !r) { agg a{1}; }",
        "while (auto item = co_await q.pop()) keep(agg{*item});", "for (auto& x : list{1, 2}) co_await f(x);",
        "{ co_await f(); }", "do { co_await f(); } while (more);",
        "auto g = [](int n) -> awaitable<void> { co_await f(n); };", "agg a{1};\n  if (x) co_await f(a);",
        "co_await f([](int n) { return agg{n}; });",
        "if (x) {\n    co_await f();\n  } else {\n    co_await g();\n  }",
        "for (;;) {\n    auto got = co_await read(s);\n    auto& [failed, size] = got;\n  }",
        "auto [a, b] = co_await f();", "switch (x) {\n    case 1:\n      co_await f();\n      break;\n  }"})
    EXPECT_EQ(trapped(good), 0u) << good;
}

TEST(coroutines, keep_clear_of_capturing_lambdas_in_co_await_expressions_and_in_co_spawn) {
  for (auto bad : {"co_await f([x] { return x; });", "co_await f([&](int n) { g(n); });",
                   "auto r = co_await f(1, [this] { g(); });", "h([=] { return 1; }, co_await g());",
                   "co_spawn(ex, [this]() -> awaitable<void> { co_await run(); }, detached);",
                   "asio::co_spawn(ex, [s = std::move(s)]() mutable -> awaitable<void> { co_await run(s); }, "
                   "detached);"})
    EXPECT_GE(trapped(bad), 1u) << bad;
  for (auto good :
       {"auto all = [x] { return x; };\n  co_await f(all);", "co_await f([](int n) { return n; });",
        "co_await f(xs[i], ys[i + 1]);", "auto run = [this]() -> awaitable<void> { co_await g(); };",
        "co_spawn(ex, std::move(run), detached);", "co_spawn(ex, session(std::move(s)), detached);",
        "if (x) f([x] { return x; });\n  co_await g();"})
    EXPECT_EQ(trapped(good), 0u) << good;
  expect_clean_tree(coroutine_traps);
}

TEST(coroutines, do_not_use_experimental_channels) {
  EXPECT_EQ(hits(experimental_channels, "daemon/x.cpp", "#include <boost/asio/experimental/channel.hpp>\n"),
            1u);
  EXPECT_EQ(hits(experimental_channels, "daemon/x.cpp", "asio::experimental::channel<void()> c(ex, 1);\n"),
            1u);
  EXPECT_EQ(
      hits(experimental_channels, "daemon/x.cpp", "// An experimental::channel loses items.\nchannel c;\n"),
      0u);
  EXPECT_EQ(hits(experimental_channels, "daemon/x.cpp",
                 "#include <boost/asio/experimental/awaitable_operators.hpp>\n"),
            0u);
  expect_clean_tree(experimental_channels);
}

TEST(tests, do_not_sleep) {
  for (auto bad : {"std::this_thread::sleep_for(1s);", "usleep(100);", "::sleep (1);", "sleep_until(t);"})
    EXPECT_EQ(hits(sleeping_tests, "base/x_test.cpp", bad), 1u) << bad;
  EXPECT_EQ(hits(sleeping_tests, "tests/sale/x.cpp", "usleep(1);"), 1u);
  EXPECT_EQ(hits(sleeping_tests, "plugins/simulated/driver.cpp", "usleep(1);"), 0u) << "not a test";
  EXPECT_EQ(
      hits(sleeping_tests, "base/x_test.cpp", "// No test may sleep(1).\nwait_until(ready); int sleep = 0;"),
      0u);
  expect_clean_tree(sleeping_tests);
}

TEST(money, meets_no_floating_number) {
  for (auto bad : {"double amount = 1;", "float unit_price;", "money to_money(double);",
                   "auto b = static_cast<double>(balance);"})
    EXPECT_EQ(hits(floating_money, "daemon/x.cpp", bad), 1u) << bad;
  for (auto good : {"double ratio = 1;\nlong amount;", "long amount; // no double here",
                    "printf(\"double price\");", "doubled(price);"})
    EXPECT_EQ(hits(floating_money, "daemon/x.cpp", good), 0u) << good;
  expect_clean_tree(floating_money);
}

TEST(files, belong_to_no_machine) {
  for (auto bad : {"cd /wo"
                   "rk/main",
                   "/ho"
                   "me/anna/x",
                   "see https://pypi."
                   "org/x",
                   "deb http://deb."
                   "debian.org/debian"})
    EXPECT_EQ(hits(places_of_one_machine, "docs/x.md", bad), 1u) << bad;
  for (auto good :
       {"/var/lib/tilld", "/run/tilld/tilld.sock", "$HOME", "http://127.0.0.1:7711/", "homework/"})
    EXPECT_EQ(hits(places_of_one_machine, "docs/x.md", good), 0u) << good;
  expect_clean_tree(places_of_one_machine);
}

TEST(files, hold_no_notes_to_oneself) {
  EXPECT_EQ(hits(unfinished_notes, "base/x.cpp",
                 "// TO"
                 "DO: later\n"),
            1u);
  EXPECT_EQ(hits(unfinished_notes, "docs/x.md",
                 "FIX"
                 "ME(anna)"),
            1u);
  EXPECT_EQ(hits(unfinished_notes, "docs/x.md",
                 "MASTO"
                 "DON is an animal"),
            0u);
  expect_clean_tree(unfinished_notes);
}

TEST(files, hold_one_idea) {
  auto of = [](int lines) {
    return make_source("base/x.cpp", [&] {
      std::string text;
      for (int i = 0; i < lines; ++i) text += "x;\n";
      return text;
    }());
  };
  EXPECT_EQ(long_files(of(801), 800).size(), 1u);
  EXPECT_EQ(long_files(of(800), 800).size(), 0u);
  for (auto& file : tree())
    for (auto& f : long_files(file, 600)) std::cout << "long: " << f.path << " has " << f.line << " lines\n";
  expect_clean_tree([](auto& file) { return long_files(file, 800); });
}

TEST(pages, link_to_what_is_there) {
  const std::vector<source_file> files{make_source("docs/a.md", ""),
                                       make_source("docs/decisions/0001-x.md", ""),
                                       make_source("README.md", ""), make_source("LICENSE", "")};
  auto broken = [&](const std::string& text) {
    return broken_links(make_source("docs/b.md", text), files).size();
  };
  EXPECT_EQ(broken("[x](missing.md)"), 1u);
  EXPECT_EQ(broken("[x](README.md) and [y](../a.md)"), 2u) << "both exist elsewhere";
  EXPECT_EQ(broken("[x](a.md) [y](a.md#part) [z](#here) [u](../README.md) [v](decisions/) [w](decisions) "
                   "[l](../LICENSE)"),
            0u);
  EXPECT_EQ(broken("[x](https://example.com/a.md)"), 0u);
  expect_clean_tree([](auto& file) { return broken_links(file, tree()); });
}

TEST(headers, begin_with_what_they_are) {
  EXPECT_EQ(hits(headers_without_prose, "base/x.hpp", "#pragma once\n// Late.\n"), 1u);
  EXPECT_EQ(hits(headers_without_prose, "base/x.hpp", "// What it is.\n#pragma once\n"), 0u);
  EXPECT_EQ(hits(headers_without_prose, "plugin-api/include/tilld/x.h", "/* What it is. */\n"), 0u);
  EXPECT_EQ(hits(headers_without_prose, "base/x.cpp", "#include <vector>\n"), 0u);
  expect_clean_tree(headers_without_prose);
}
