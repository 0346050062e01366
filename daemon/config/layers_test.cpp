#include "daemon/config/layers.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "daemon/config/config.hpp"
#include "daemon/config/effective_config.hpp"
#include "tests/support/scratch.hpp"

namespace tilld::daemon {
namespace {

using base::errc;

// A folder as /etc/tilld, with one plugin in tilld.yaml.
class drop_ins : public testing::Test {
 protected:
  drop_ins() {
    std::filesystem::create_directory(folder_.file("conf.d"));
    ::chmod(folder_.file("conf.d").c_str(), 0755);
    put("tilld.yaml", till);
  }
  void put(const std::string& name, const std::string& text) {
    std::ofstream(folder_.file(name)) << text;
    ::chmod(folder_.file(name).c_str(), 0644);
  }
  std::string main() const { return folder_.file("tilld.yaml"); }
  config loaded() {
    auto c = load_config(main());
    EXPECT_TRUE(c) << base::to_string(c.error());
    return c ? *c : config{};
  }
  // What is said about the folder, with the folder's own name taken out.
  std::string complaint(errc expected) {
    auto c = load_config(main());
    if (c) return "accepted";
    EXPECT_EQ(c.error().code, expected) << base::to_string(c.error());
    auto text = c.error().detail;
    for (auto at = text.find(folder_.path()); at != text.npos; at = text.find(folder_.path()))
      text.erase(at, folder_.path().size() + 1);
    return text;
  }

  const std::string till =
      "till: {id: till-1, branch: main, merchant: demo}\n"
      "listen:\n  tcp: \"127.0.0.1:7700\"\n"
      "plugin_folder: /opt/plugins\n"
      "plugins:\n  - name: receipts\n    plugin: escpos-printer\n    paths: [/dev/usb/lp0]\n"
      "    config: {output: file, path: /tmp/x}\n";
  tests::scratch_folder folder_;
};

TEST_F(drop_ins, are_read_in_the_order_of_the_octets_of_their_names) {
  put("conf.d/9-last.yaml", "language: de\n");
  put("conf.d/10-first.yaml", "language: en\nstate: /a\n");
  put("conf.d/Z.yaml", "state: /b\n");
  auto c = loaded();
  EXPECT_EQ(c.language, base::language::german);
  EXPECT_EQ(c.state_folder, "/b");
  auto from = read_layers(main());
  ASSERT_TRUE(from);
  EXPECT_EQ(from->files,
            (std::vector<std::string>{main(), folder_.file("conf.d/10-first.yaml"),
                                      folder_.file("conf.d/9-last.yaml"), folder_.file("conf.d/Z.yaml")}));
}

TEST_F(drop_ins, add_a_plugin_and_change_members_of_one) {
  put("conf.d/50-scanner.yaml",
      "plugins:\n  - {name: scanner, plugin: serial-scanner, config: {port: /dev/ttyACM0}}\n");
  put("conf.d/60-receipts.yaml",
      "plugins:\n  - name: receipts\n    config: {path: /tmp/y}\n    memory_max_mib: 512\n");
  auto c = loaded();
  ASSERT_EQ(c.plugins.size(), 2u);
  EXPECT_EQ(c.plugins[0].name, "receipts");
  EXPECT_EQ(c.plugins[0].file, "/opt/plugins/escpos-printer.so");
  EXPECT_EQ(c.plugins[0].config, (boost::json::object{{"output", "file"}, {"path", "/tmp/y"}}));
  EXPECT_EQ(c.plugins[0].paths, std::vector<std::string>{"/dev/usb/lp0"});
  EXPECT_EQ(c.plugins[0].memory_max, 512u << 20);
  EXPECT_EQ(c.plugins[1].name, "scanner");
}

TEST_F(drop_ins, replace_lists_that_have_no_names) {
  put("conf.d/50.yaml", "plugins: [{name: receipts, paths: [/dev/usb/lp1]}]\n");
  EXPECT_EQ(loaded().plugins[0].paths, std::vector<std::string>{"/dev/usb/lp1"});
}

TEST_F(drop_ins, take_back_with_null_and_say_nothing_with_nothing) {
  put("conf.d/50.yaml", "listen:\nplugins:\n");
  EXPECT_TRUE(loaded().listen.tcp);
  EXPECT_EQ(loaded().plugins.size(), 1u);
  put("conf.d/60.yaml", "listen: {tcp: ~}\nplugins: null\n");
  EXPECT_FALSE(loaded().listen.tcp);
  EXPECT_TRUE(loaded().plugins.empty());
}

TEST_F(drop_ins, may_have_what_tilld_yaml_needs) {
  put("tilld.yaml", "language: de\n");
  EXPECT_EQ(complaint(errc::config_wrong_value), "tilld.yaml:1:1: the key \"till\" is missing");
  put("conf.d/10-till.yaml", "till: {id: till-7, branch: main}\n");
  EXPECT_EQ(complaint(errc::config_wrong_value),
            "conf.d/10-till.yaml:1:7: till: the key \"merchant\" is missing");
  put("conf.d/20-shop.yaml", "till: {merchant: demo}\n");
  EXPECT_EQ(loaded().till, "till-7");
}

TEST_F(drop_ins, are_named_in_complaints_with_line_and_the_word_that_was_meant) {
  put("conf.d/50.yaml", "# a remark\nlanguag: de\n");
  EXPECT_EQ(complaint(errc::config_unknown_key),
            "conf.d/50.yaml:2:1: unknown key \"languag\", did you mean \"language\"?");
  put("conf.d/50.yaml", "plugins:\n  - name: receipts\n    memory_max_mb: 512\n");
  EXPECT_EQ(
      complaint(errc::config_unknown_key),
      "conf.d/50.yaml:3:5: plugins[0]: unknown key \"memory_max_mb\", did you mean \"memory_max_mib\"?");
  put("conf.d/50.yaml", "plugins:\n  - name: receipts\n    memory_max_mib: 8\n");
  EXPECT_EQ(complaint(errc::config_wrong_value),
            "conf.d/50.yaml:3:21: plugins[0].memory_max_mib: must be an integer from 16 to 4096");
  put("conf.d/50.yaml", "plugins:\n  - plugin: simulated\n");
  EXPECT_EQ(complaint(errc::config_wrong_value),
            "conf.d/50.yaml:2:5: plugins[0]: the key \"name\" is missing");
  put("conf.d/50.yaml", "listen:\n  tcp: \"0.0.0.0:1\"\n");
  EXPECT_NE(complaint(errc::config_wrong_value).find("conf.d/50.yaml:2:8: listen.tcp: "), std::string::npos);
}

TEST_F(drop_ins, are_checked_even_where_a_later_file_says_otherwise) {
  put("conf.d/50.yaml", "language: klingon\n");
  put("conf.d/60.yaml", "language: de\n");
  EXPECT_EQ(complaint(errc::config_wrong_value), "conf.d/50.yaml:1:11: language: must be en or de");
}

TEST_F(drop_ins, say_which_plugin_was_meant_when_its_name_is_mistyped) {
  put("conf.d/50.yaml", "plugins:\n  - name: recepts\n    memory_max_mib: 512\n");
  EXPECT_EQ(complaint(errc::config_wrong_value),
            "conf.d/50.yaml:2:11: plugins: no file before this one has a plugin named \"recepts\", and for a "
            "new one the "
            "key \"plugin\" is missing; did you mean \"receipts\"?");
  put("conf.d/50.yaml", "destinations: [{name: central, role: ledger}]\n");
  EXPECT_NE(complaint(errc::config_wrong_value).find("the key \"url\" is missing"), std::string::npos);
}

TEST_F(drop_ins, are_refused_with_two_plugins_of_one_name_in_a_file) {
  put("conf.d/50.yaml", "plugins:\n  - {name: a, plugin: x}\n  - {name: a, plugin: y}\n");
  EXPECT_EQ(complaint(errc::config_wrong_value),
            "conf.d/50.yaml:3:5: plugins[2]: two plugins have the name a");
}

TEST_F(drop_ins, are_files_that_end_in_yaml_and_nothing_else) {
  for (auto name : {"10-a.yaml~", ".10-a.yaml", ".#10-a.yaml", "#10-a.yaml#", ".10-a.yaml.swp", "10-a.yml",
                    "README", "10-a.yaml.dpkg-old", "10-a.yaml.bak", "10-a.YAML"})
    put(std::string("conf.d/") + name, "this is: [no configuration\n");
  EXPECT_EQ(loaded().till, "till-1");
  auto from = read_layers(main());
  ASSERT_TRUE(from);
  EXPECT_EQ(from->files.size(), 1u);
  EXPECT_EQ(from->passed_over.size(), 10u);
}

TEST_F(drop_ins, are_refused_when_they_cannot_be_read_or_are_no_text) {
  put("conf.d/50.yaml", "language: \xfc\n");
  EXPECT_EQ(complaint(errc::config_unreadable), "conf.d/50.yaml:1:11: is not UTF-8");
  put("conf.d/50.yaml", "a: [\n");
  EXPECT_NE(complaint(errc::config_unreadable).find("conf.d/50.yaml:2"), std::string::npos);
  put("conf.d/50.yaml", "# " + std::string(1 << 20, 'x'));
  EXPECT_EQ(complaint(errc::config_unreadable), "conf.d/50.yaml: is larger than 1 MiB");
  std::filesystem::remove(folder_.file("conf.d/50.yaml"));
  std::filesystem::create_symlink("nowhere", folder_.file("conf.d/50.yaml"));
  EXPECT_EQ(complaint(errc::config_unreadable), "conf.d/50.yaml: No such file or directory");
  std::filesystem::remove(folder_.file("conf.d/50.yaml"));
  std::filesystem::create_directory(folder_.file("conf.d/50.yaml"));
  EXPECT_EQ(complaint(errc::config_unreadable), "conf.d/50.yaml: is not a file");
  std::filesystem::remove(folder_.file("conf.d/50.yaml"));
  ASSERT_EQ(::mkfifo(folder_.file("conf.d/50.yaml").c_str(), 0600), 0);
  EXPECT_EQ(complaint(errc::config_unreadable), "conf.d/50.yaml: is not a file")
      << "and nobody waits for a writer";
}

TEST_F(drop_ins, are_refused_where_others_can_write) {
  put("conf.d/50.yaml", "language: de\n");
  for (auto [name, mode] :
       {std::pair{"conf.d/50.yaml", 0664}, {"conf.d/50.yaml", 0646}, {"conf.d", 0775}, {"conf.d", 0757}}) {
    ::chmod(folder_.file(name).c_str(), static_cast<mode_t>(mode));
    EXPECT_EQ(complaint(errc::config_unreadable),
              std::string(name) + ": may be written by its group or by others; chmod go-w takes that away");
    ::chmod(folder_.file(name).c_str(), static_cast<mode_t>(mode & ~022));
  }
  EXPECT_EQ(loaded().language, base::language::german);
  if (::geteuid() != 0) GTEST_SKIP() << "only root can give a file to somebody else";
  for (auto name : {"conf.d/50.yaml", "conf.d"}) {
    ASSERT_EQ(::chown(folder_.file(name).c_str(), 12345, 12345), 0);
    EXPECT_NE(complaint(errc::config_unreadable).find(std::string(name) + ": belongs to user 12345"),
              std::string::npos);
    ASSERT_EQ(::chown(folder_.file(name).c_str(), 0, 0), 0);
  }
}

TEST_F(drop_ins, are_a_folder_or_nothing) {
  std::filesystem::remove(folder_.file("conf.d"));
  EXPECT_EQ(loaded().till, "till-1");
  put("conf.d", "");
  EXPECT_EQ(complaint(errc::config_unreadable), "conf.d: Not a directory");
}

TEST_F(drop_ins, change_the_digest_with_every_octet_and_every_name) {
  std::set<std::string> digests;
  auto note = [&] { EXPECT_TRUE(digests.insert(base::to_hex(loaded().digest)).second); };
  auto without = base::sha256({base::as_bytes(till)});
  EXPECT_EQ(loaded().digest, without) << "a till without drop-ins keeps the digest that it had";
  note();
  put("conf.d/50.yaml", "");
  note();
  put("conf.d/50.yaml", "# a remark\n");
  note();
  std::filesystem::rename(folder_.file("conf.d/50.yaml"), folder_.file("conf.d/51.yaml"));
  note();
  put("conf.d/50.yaml", "");
  note();
  put("tilld.yaml", till + "# more\n");
  note();
}

// --- what is in effect

TEST_F(drop_ins, are_seen_in_what_is_in_effect_with_file_and_line) {
  put("conf.d/50.yaml", "language: de\nplugins:\n  - name: receipts\n    config: {path: /tmp/y}\n");
  auto text = effective_config(*read_layers(main()));
  auto line = [&](const std::string& begin) {
    auto at = text.find(begin);
    return at == text.npos ? "no line " + begin : text.substr(at, text.find('\n', at) - at);
  };
  auto says = [&](const std::string& begin, const std::string& from) {
    EXPECT_TRUE(line(begin).ends_with("  # " + from)) << text;
  };
  says("  id: till-1", "tilld.yaml:1");
  says("state: /var/lib/tilld", "default");
  says("language: de", "conf.d/50.yaml:1");
  says("  unix: /run/tilld/tilld.sock", "default");
  says("  tcp: \"127.0.0.1:7700\"", "tilld.yaml:3");
  says("  - name: receipts", "tilld.yaml:6");
  says("      - /dev/usb/lp0", "tilld.yaml:8");
  says("      output: file", "tilld.yaml:9");
  says("      path: /tmp/y", "conf.d/50.yaml:4");
  says("    memory_max_mib: 256", "default");
  EXPECT_EQ(text.find("destinations"), text.npos) << "what is not set and has no default is not there";
}

TEST_F(drop_ins, are_one_file_that_means_the_same_when_what_is_in_effect_is_read_again) {
  put("tilld.yaml", till + "destinations:\n  - {name: l, role: ledger, url: \"tcp://127.0.0.1:1\"}\n");
  put("conf.d/50.yaml",
      "listen:\n  http: {address: \"127.0.0.1:0\", origins: [\"https://a.example\"]}\n"
      "  roles:\n    - {user: 0, role: admin}\n    - {group: \"0\", role: read}\n"
      "plugins:\n  - name: two\n    plugin: /x/y.so\n    config:\n      a: [1, \"2\", [3, {b: ~}], {c: "
      "true}]\n"
      "      \"odd: name\": |\n        two\n        lines\n      empty: {}\n      none: []\n      number: "
      "\"7\"\n");
  auto once = effective_config(*read_layers(main()));
  auto before = loaded();
  std::filesystem::remove(folder_.file("conf.d/50.yaml"));
  put("tilld.yaml", once);
  auto after = loaded();
  EXPECT_EQ(after.plugins.size(), 2u) << once;
  EXPECT_EQ(after.plugins[1].config, before.plugins[1].config) << once;
  EXPECT_EQ(after.listen.roles.size(), 2u);
  EXPECT_EQ(after.listen.http->origins, before.listen.http->origins);
  EXPECT_EQ(after.destinations.size(), 1u);
  auto twice = effective_config(*read_layers(main()));
  auto without_origins = [](std::string text) {
    std::string out;
    for (std::size_t at = 0; at < text.size();) {
      auto end = text.find('\n', at);
      auto line = text.substr(at, end - at);
      out +=
          line.substr(0, line.find_last_not_of(' ', std::min(line.size(), line.find("  # ") - 1)) + 1) + "\n";
      at = end + 1;
    }
    return out.substr(out.find("\ntill:"));
  };
  EXPECT_EQ(without_origins(twice), without_origins(once));
}

TEST_F(drop_ins, are_shown_without_secrets) {
  put("conf.d/50.yaml",
      "plugins:\n  - name: receipts\n    config:\n      password: hush-1\n      api_key: hush-2\n      "
      "clientSecret: hush-3\n"
      "      door: {PIN: hush-4, pins: {a: visible-1}}\n      tokens: [hush-5]\n      url: "
      "\"tcp://me:hush-6@192.0.2.1:9\"\n"
      "      keyboard: visible-2\n      code_page: 858\n      hosts: [\"http://hush-7@x\"]\n");
  auto text = effective_config(*read_layers(main()));
  EXPECT_EQ(text.find("hush"), text.npos) << text;
  for (auto shown : {"visible-1", "visible-2", "code_page: 858", "tcp://(not shown)@192.0.2.1:9",
                     "password: \"(not shown)\""})
    EXPECT_NE(text.find(shown), text.npos) << shown << "\n" << text;
}

}  // namespace
}  // namespace tilld::daemon
