// Third-party clients against a till with simulated devices: each program of this folder is one test. What it
// says on a failure stands in the output of the test.
#include <gtest/gtest.h>

#include <fstream>
#include <iostream>

#include <boost/json.hpp>

#include "tests/support/scratch.hpp"
#include "tests/support/shop.hpp"

using namespace tilld::tests;
namespace json = boost::json;

namespace {

constexpr auto a_program_at_most = std::chrono::minutes(3);

class third_party : public testing::Test {
 protected:
  void SetUp() override {
    std::ifstream installed(std::string(TILLD_CLIENTS_FOLDER) + "/node_modules/.package-lock.json");
    ASSERT_TRUE(installed) << "the npm packages are missing; ./dev setup installs them";
    till_.plugins_yaml = "  - {name: scanner, plugin: simulated}\n";
    till_.tcp_port = free_port();
    till_.http_port = free_port();
    page_port_ = free_port();
    page_ = "http://127.0.0.1:" + std::to_string(page_port_);
    till_.http_origins = {page_};
    till_.start_till();
  }

  std::string token(const json::object& params) {
    auto admin = till_.connect(true);
    auto answer = admin.call("token.add", params);
    if (!answer || !answer->contains("result"))
      give_up("no token: " + json::serialize(answer.value_or(json::object())));
    return std::string(answer->at("result").at("token").as_string());
  }

  // Runs tests/clients/NAME.test.js and shows what it said.
  void run(const std::string& name) {
    json::object daemon{{"unix", till_.socket()},
                        {"admin", till_.admin_socket()},
                        {"tcp", till_.tcp_port},
                        {"http", till_.http_port},
                        {"page_port", page_port_},
                        {"foreign_port", free_port()},
                        {"token", token({{"role", "till"}})},
                        {"page_token", token({{"role", "till"}, {"origin", page_}})}};
    process::how how;
    how.arguments = {"--test", std::string(TILLD_CLIENTS_FOLDER) + "/" + name + ".test.js"};
    how.environment = {"TILLD_UNDER_TEST=" + json::serialize(daemon)};
    how.log = till_.folder() + "/" + name + ".log";
    process program(TILLD_NODE, how);
    auto code = program.wait(a_program_at_most);
    EXPECT_TRUE(code) << "it still ran after three minutes";
    std::ifstream said(how.log);
    if (code.value_or(1) != 0) std::cout << said.rdbuf() << std::endl;
    EXPECT_EQ(code.value_or(1), 0) << "see above";
    EXPECT_TRUE(till_.connect().call("system.ping")) << "the till does not answer any more";
  }

  scratch_folder scratch_;
  shop till_{scratch_.path()};
  std::uint16_t page_port_ = 0;
  std::string page_;
};

}  // namespace

// mission: D1
TEST_F(third_party, jayson_speaks_on_every_door) { run("jayson"); }
TEST_F(third_party, vscode_jsonrpc_speaks_lsp_framing_and_websocket) { run("vscode_jsonrpc"); }
TEST_F(third_party, socat_speaks_lines) { run("socat"); }
TEST_F(third_party, chromium_lets_an_allowed_page_in_and_no_other) { run("chromium"); }
