// A replayer that never complains proves nothing: what it must notice.
#include <gtest/gtest.h>

#include <cstring>

#include "plugin-api/replay/player.hpp"

namespace tilld::replay {
namespace {

// Repeats what it is asked, says a word when its timer fires, and forgets what it is told to forget.
struct parrot {
  const tilld_host* host;
};

void say(const tilld_host* host, std::uint32_t kind, std::uint64_t id, tilld_status status, const char* name,
         const std::string& body) {
  tilld_message m{};
  m.struct_size = sizeof m;
  m.kind = kind;
  m.id = id;
  m.status = status;
  m.name = name;
  m.body = {body.data(), body.size()};
  host->send(host, &m);
}

tilld_status start(const tilld_host* host, tilld_bytes config, void** instance) {
  if (config.size > 2) return TILLD_E_CONFIG;
  *instance = new parrot{host};
  return TILLD_OK;
}
void stop(void* instance) { delete static_cast<parrot*>(instance); }
void on_message(void* instance, const tilld_message* m) {
  auto host = static_cast<parrot*>(instance)->host;
  std::string_view name = m->name;
  std::string body(static_cast<const char*>(m->body.data), m->body.size);
  if (name == "p/1.repeat") say(host, TILLD_REPLY, m->id, TILLD_OK, m->name, body);
  if (name == "p/1.later") host->timer(host, 1, 250);
  if (name == "p/1.ask") say(host, TILLD_REQUEST, 7, TILLD_OK, "d/1.get", "{}");
  if (m->kind == TILLD_REPLY) say(host, TILLD_EVENT, 0, TILLD_OK, "p/1.heard", body);
  if (name == "p/1.die") say(host, TILLD_EVENT, 0, TILLD_E_NO_DEVICE, "tilld.instance/1.failed", "{}");
}
void on_timer(void* instance, std::uint32_t) {
  auto host = static_cast<parrot*>(instance)->host;
  say(host, TILLD_EVENT, 0, TILLD_OK, "p/1.tick", "{\"at\":" + std::to_string(host->now(host)) + "}");
}

const tilld_plugin plugin{sizeof(tilld_plugin),
                          TILLD_ABI,
                          "com.example.parrot",
                          "1",
                          "p",
                          nullptr,
                          nullptr,
                          "{}",
                          start,
                          stop,
                          on_message,
                          nullptr,
                          on_timer,
                          nullptr};

// What is complained about; empty where it went as the script says.
std::string complaint_about(const std::string& script) {
  try {
    player it(plugin);
    for (auto& s : read_script(script)) it.play(s);
    it.finish();
    return "";
  } catch (const mismatch& why) {
    return why.what();
  } catch (const wrong_script& why) {
    return std::string("script:") + why.what();
  }
}

bool has(const std::string& text, std::string_view part) { return text.find(part) != text.npos; }

TEST(replay, is_content_when_everything_comes_as_written) {
  EXPECT_EQ(complaint_about("# a remark\n\nstart {}\nask p/1.repeat {\"a\":[1,2]}\nreply 0 {\"a\": [1, "
                            "2]}\nask p/1.die\ngone 9\n"),
            "");
  EXPECT_EQ(complaint_about("refused 4 {\"a\":1}\n"), "");
}

TEST(replay, notices_another_body_another_status_and_another_name) {
  auto start = std::string("start {}\nask p/1.repeat {\"a\":1}\n");
  EXPECT_TRUE(
      has(complaint_about(start + "reply 0 {\"a\":2}"), "and got  reply p/1.repeat status 0 {\"a\":1}"));
  EXPECT_TRUE(has(complaint_about(start + "reply 5"), "expected reply p/1.repeat status 5"));
  EXPECT_TRUE(has(complaint_about(start + "event p/1.repeat {\"a\":1}"), "expected event"));
  EXPECT_TRUE(has(complaint_about("start {\"a\":1}"), "status 4 instead of 0"));
  EXPECT_TRUE(has(complaint_about("refused 4 {}"), "status 0 instead of 4"));
}

TEST(replay, notices_what_nobody_expected) {
  EXPECT_TRUE(has(complaint_about("start {}\nask p/1.repeat {}\n"), "nothing more was expected"));
  EXPECT_TRUE(has(complaint_about("start {}\nask p/1.repeat {}\nnothing"), "nothing more was expected"));
  EXPECT_TRUE(has(complaint_about("start {}\nreply 0"), "nothing was asked"));
}

TEST(replay, moves_the_clock_only_when_it_is_told_to) {
  EXPECT_EQ(
      complaint_about("start {}\nask p/1.later\nwait 249\nnothing\nwait 1\nevent p/1.tick {\"at\":1250}\n"),
      "");
}

TEST(replay, is_the_daemon_when_the_plugin_asks) {
  EXPECT_EQ(
      complaint_about(
          "start {}\nask p/1.ask\nquestion d/1.get {}\nanswer 0 {\"x\":1}\nevent p/1.heard {\"x\":1}\n"),
      "");
  EXPECT_TRUE(has(complaint_about("start {}\nanswer 0 {}"), "asked nothing"));
}

TEST(replay, names_the_line_that_makes_no_sense) {
  EXPECT_EQ(complaint_about("start {}\n\nflip {}\n"), "script:3: there is no word \"flip\"");
  EXPECT_TRUE(has(complaint_about("reply x {}"), "script:1: expected a status"));
  EXPECT_TRUE(has(complaint_about("start {\"a\":}"), "expected a JSON object"));
  EXPECT_TRUE(has(complaint_about("event p/1.x {} blob"), "blob in quotes"));
  EXPECT_TRUE(has(complaint_about("> \\q"), "is not known"));
  EXPECT_TRUE(has(complaint_about("wait soon"), "expected milliseconds"));
  EXPECT_TRUE(has(complaint_about("device now"), "nothing stands behind"));
}

TEST(replay, writes_octets_as_it_reads_them) {
  std::string all;
  for (int octet = 0; octet < 256; ++octet) all += static_cast<char>(octet);
  EXPECT_EQ(unescape(escape(all)), all);
}

}  // namespace
}  // namespace tilld::replay
