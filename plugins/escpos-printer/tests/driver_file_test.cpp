// The plugin that prints into a folder.
#include <gtest/gtest.h>

#include <filesystem>

#include "plugins/escpos-printer/picture.hpp"
#include "plugins/escpos-printer/tests/escpos_reader.hpp"
#include "plugins/escpos-printer/tests/plugin_bench.hpp"
#include "plugins/escpos-printer/tests/receipts.hpp"

namespace json = boost::json;
namespace fs = std::filesystem;

namespace tilld::escpos::test {
namespace {

class printing_into_files : public ::testing::Test {
 protected:
  printing_into_files() {
    std::string pattern = ::testing::TempDir() + "receipts-XXXXXX";
    folder_ = ::mkdtemp(pattern.data());
  }
  ~printing_into_files() override {
    bench_.stop();
    fs::remove_all(folder_);
  }

  void start(json::object more = {}) {
    json::object config{{"output", "file"}, {"path", folder_}, {"width", 58}};
    for (auto& it : more) config[it.key()] = it.value();
    ASSERT_EQ(bench_.start(config), TILLD_OK) << (bench_.logged.empty() ? "" : bench_.logged.back());
  }

  static json::object request(const std::string& operation_id,
                              const std::string& elements = bakery_receipt()) {
    return {{"operation_id", operation_id},
            {"document", parse_object("{\"receipt\":1,\"lang\":\"de-DE\",\"body\":[" + elements + "]}")}};
  }

  std::vector<std::string> files() const {
    std::vector<std::string> out;
    for (auto& it : fs::directory_iterator(folder_)) out.push_back(it.path().filename());
    std::sort(out.begin(), out.end());
    return out;
  }

  std::string state_of(const std::string& operation_id) {
    return bench_.call("outcome", {{"operation_id", operation_id}}).body.at("state").as_string().c_str();
  }

  std::string folder_;
  plugin_bench bench_;
};

TEST_F(printing_into_files, leaves_bytes_picture_and_text_and_says_how_long_it_is) {
  start();
  auto reply = bench_.call("print", request("op-1"));
  ASSERT_EQ(reply.status, TILLD_OK) << reply.detail();
  EXPECT_EQ(files(), (std::vector<std::string>{"0001-op-1.bin", "0001-op-1.png", "0001-op-1.txt"}));
  EXPECT_EQ(read_file(folder_ + "/0001-op-1.txt"), read_file(folder() + "/golden/bakery.58.txt"));
  EXPECT_FALSE(read_escpos(read_file(folder_ + "/0001-op-1.bin")).empty());
  EXPECT_EQ(reply.body.at("confirmation").as_string(), "stored");
  EXPECT_EQ(reply.body.at("job").as_string(), "0001");
  EXPECT_EQ(reply.body.at("preview").as_string(), folder_ + "/0001-op-1.png");
  EXPECT_EQ(reply.body.at("missing_glyphs").as_int64(), 0);
  EXPECT_EQ(reply.body.at("lines").as_int64(), 16);
  auto preview = read_picture({.png = read_file(folder_ + "/0001-op-1.png")}, paper()).value();
  EXPECT_EQ(preview.height, reply.body.at("height_dots").as_int64() + 32);
}

TEST_F(printing_into_files, prints_the_same_operation_once_and_repeats_its_first_answer) {
  start();
  auto first = bench_.call("print", request("op-1"));
  auto again = bench_.call("print", request("op-1"));
  EXPECT_EQ(again.status, TILLD_OK);
  EXPECT_EQ(again.body, first.body);
  bench_.stop();
  start();
  EXPECT_EQ(bench_.call("print", request("op-1")).body, first.body);
  EXPECT_EQ(files().size(), 3u);
  EXPECT_EQ(state_of("op-1"), "done");
  EXPECT_EQ(state_of("op-2"), "not_done");
}

TEST_F(printing_into_files, numbers_jobs_on_and_leaves_previews_out_when_told) {
  start({{"png", false}, {"text", false}});
  bench_.call("print", request("op-1"));
  bench_.stop();
  start({{"png", false}, {"text", false}});
  auto reply = bench_.call("print", request("op-2"));
  EXPECT_FALSE(reply.body.contains("preview"));
  EXPECT_EQ(files(), (std::vector<std::string>{"0001-op-1.bin", "0002-op-2.bin"}));
}

TEST_F(printing_into_files, after_a_crash_before_the_file_it_was_not_printed_and_may_be) {
  start();
  // The note is durable, its answer never reaches the plugin, and then the plugin dies.
  bench_.withhold_state = [](auto& word, auto&) { return word == "put"; };
  bench_.request("print", request("op-1"));
  ASSERT_TRUE(bench_.run_until([&] { return !bench_.state.empty(); }));
  bench_.stop();
  bench_.withhold_state = nullptr;
  start();
  EXPECT_EQ(state_of("op-1"), "not_done");
  EXPECT_EQ(bench_.call("print", request("op-1")).status, TILLD_OK);
  EXPECT_EQ(files().size(), 3u);
}

TEST_F(printing_into_files, after_a_crash_behind_the_file_it_was_printed_and_is_not_again) {
  start();
  int puts = 0;
  bench_.withhold_state = [&](auto& word, auto& key) {
    if (word != "put" || ++puts < 2) return false;
    bench_.state[key] = {{"phase", "begun"}, {"kind", "print"}};  // the second note was lost with the crash
    return true;
  };
  bench_.request("print", request("op-1"));
  ASSERT_TRUE(bench_.run_until([&] { return puts == 2; }));
  bench_.stop();
  bench_.withhold_state = nullptr;
  start();
  EXPECT_EQ(state_of("op-1"), "done");
  auto reply = bench_.call("print", request("op-1"));
  EXPECT_EQ(reply.status, TILLD_OK);
  EXPECT_EQ(reply.body.at("confirmation").as_string(), "stored");
  EXPECT_EQ(files().size(), 3u);
}

TEST_F(printing_into_files, prints_nothing_that_it_could_not_remember) {
  start();
  bench_.state_fails = true;
  auto reply = bench_.call("print", request("op-1"));
  EXPECT_EQ(reply.status, TILLD_E_BUSY);
  EXPECT_TRUE(files().empty());
  EXPECT_EQ(state_of("op-1"), "unknown");
}

TEST_F(printing_into_files, refuses_wrong_documents_with_the_place_and_leaves_no_trace) {
  start();
  auto reply = bench_.call("print", request("op-1", R"({"text":"a"},{"row":[{"text":"a","size":7}]})"));
  EXPECT_EQ(reply.status, TILLD_E_INVALID);
  EXPECT_EQ(reply.kind(), "invalid_params");
  EXPECT_TRUE(reply.detail().starts_with("body[1].row[0].size")) << reply.detail();
  auto wide = bench_.call(
      "print", request("op-1", R"({"barcode":{"type":"code128","data":"ABCDEFGHIJKLMNOPQRSTUVWXYZ"}})"));
  EXPECT_EQ(wide.status, TILLD_E_INVALID);
  EXPECT_EQ(wide.kind(), "code_too_wide");
  EXPECT_TRUE(files().empty());
  EXPECT_TRUE(bench_.state.empty());
}

TEST_F(printing_into_files, operation_ids_are_no_paths) {
  start();
  for (auto id : {"../up", "", "a/b", "a.b", "with blank"}) {
    EXPECT_EQ(bench_.call("print", request(id)).status, TILLD_E_INVALID) << id;
    EXPECT_EQ(bench_.call("outcome", {{"operation_id", id}}).status, TILLD_E_INVALID) << id;
  }
  EXPECT_TRUE(files().empty());
}

TEST_F(printing_into_files, an_operation_belongs_to_a_receipt_or_to_a_drawer) {
  start();
  EXPECT_EQ(bench_.call("open_drawer", {{"operation_id", "op-1"}, {"drawer", 2}}).status, TILLD_OK);
  EXPECT_EQ(read_file(folder_ + "/0001-op-1.bin"), "\x1bp\x01\x19\xfa");
  EXPECT_EQ(state_of("op-1"), "done");
  auto reply = bench_.call("print", request("op-1"));
  EXPECT_EQ(reply.status, TILLD_E_INVALID);
  EXPECT_EQ(reply.kind(), "key_conflict");
  EXPECT_EQ(bench_.call("open_drawer", {{"operation_id", "op-2"}, {"drawer", 3}}).status, TILLD_E_INVALID);
}

TEST_F(printing_into_files, fills_slots_and_takes_the_picture_of_the_request) {
  start();
  bitmap dots(40, 40);
  dots.fill(0, 0, 40, 40);
  auto body = request("op-1", R"({"image":"blob"},{"slot":"loyalty"})");
  body["slots"] = parse_object(R"({"loyalty":[{"text":"120 Punkte"}]})");
  EXPECT_EQ(bench_.call("print", body, write_png(dots, 0).value()).status, TILLD_OK);
  EXPECT_EQ(read_file(folder_ + "/0001-op-1.txt"), "             [image]\n120 Punkte\n");
}

TEST_F(printing_into_files, renders_without_printing) {
  start();
  auto body = request("unused");
  body["format"] = "png";
  auto picture = bench_.call("render", body);
  ASSERT_EQ(picture.status, TILLD_OK);
  EXPECT_EQ(picture.body.at("media_type").as_string(), "image/png");
  EXPECT_EQ(picture.body.at("width").as_int64(), 384 + 32);
  EXPECT_EQ(read_picture({.png = picture.blob}, paper()).value().height,
            picture.body.at("height").as_int64());
  body["format"] = "text";
  auto text = bench_.call("render", body);
  EXPECT_EQ(text.blob, read_file(folder() + "/golden/bakery.58.txt"));
  body["format"] = "pdf";
  EXPECT_EQ(bench_.call("render", body).status, TILLD_E_UNSUPPORTED);
  EXPECT_TRUE(files().empty());
}

TEST_F(printing_into_files, says_how_it_is) {
  start();
  auto reply = bench_.call("status", {});
  EXPECT_EQ(reply.body.at("online").as_bool(), true);
  EXPECT_EQ(reply.body.at("confirmation").as_string(), "stored");
}

TEST_F(printing_into_files, wrong_configurations_are_refused_with_a_sentence) {
  auto refused = [&](json::object config) {
    plugin_bench bench;
    EXPECT_EQ(bench.start(config), TILLD_E_CONFIG) << json::serialize(config);
    return bench.logged.empty() ? std::string() : bench.logged.back();
  };
  EXPECT_EQ(refused({{"output", "file"}}),
            "path: is missing; it is the folder that output: file prints into");
  EXPECT_EQ(refused({{"output", "tcp"}}), "address: is missing; it is the printer of output: tcp");
  EXPECT_EQ(refused({{"output", "tcp"}, {"address", "printer.local"}}),
            "address: must be an IP address and a port such as 192.0.2.7:9100, not printer.local");
  EXPECT_EQ(refused({{"output", "file"}, {"path", folder_}, {"width", 7}}),
            "width: must be 58, 80 or 192 to 1664 dots, not 7");
  EXPECT_EQ(refused({{"output", "file"}, {"path", folder_}, {"code_pages", {{"cp1", 0}}}}),
            "code_pages.cp1: must be one of cp437, cp850, cp852, cp858, cp866, cp1252");
  EXPECT_NE(refused({{"output", "fax"}}), "");
  EXPECT_NE(refused({{"output", "file"}, {"path", folder_}, {"widht", 58}}), "");
}

}  // namespace
}  // namespace tilld::escpos::test
