// The simulated plugin as the daemon meets it: every message that it sends fits the catalogue.
#include <tilld/plugin.h>

#include <map>
#include <random>

#include "plugin-api/catalogue.hpp"
#include "tests/plugins/plugin_under_test.hpp"

namespace tilld::tests {
namespace {

namespace json = boost::json;

// A daemon that offers tilld.state/1 and checks everything.
class simulated_devices : public in_both_isolations {
 protected:
  void start(const char* config = "{}") {
    plugin_.emplace(shipped_plugin("simulated"), GetParam());
    plugin_->answer_questions([this](const wire::plugin_message& question) { return serve(question); });
    ASSERT_EQ(plugin_->start(json::parse(config).as_object()), TILLD_OK);
  }
  void restart(const char* config = "{}") {
    plugin_->call(std::string(instance::stop));
    EXPECT_EQ(plugin_->end().code, exit_code::stopped);
    start(config);
  }

  json::object call(const std::string& name, const char* body = "{}", int status = TILLD_OK) {
    const auto complaint = catalogue::check(name, json::parse(body).as_object());
    EXPECT_FALSE(complaint) << name << " " << *complaint;
    const auto reply = plugin_->call(name, body);
    EXPECT_EQ(reply.status, status) << reply.body;
    if (status == TILLD_OK) {
      EXPECT_EQ(catalogue::check_reply(name, body_of(reply)), std::nullopt) << reply.body;
    }
    last_blob_ = reply.blob;
    return body_of(reply);
  }
  json::object event(const std::string& name) {
    const auto body = body_of(plugin_->event(name));
    EXPECT_EQ(catalogue::check(name, body), std::nullopt);
    return body;
  }
  json::object simulate(const char* word, const char* body = "{}") {
    return call(std::string("org.tilld.simulation/1.") + word, body);
  }
  std::optional<plugin_under_test> plugin_;
  std::string last_blob_;

 private:
  wire::plugin_message serve(const wire::plugin_message& question) {
    const auto body = body_of(question);
    EXPECT_EQ(catalogue::check(question.name, body), std::nullopt) << question.name;
    if (question.name == "tilld.state/1.put") {
      EXPECT_LE(json::serialize(body.at("value")).size(), std::size_t(64 * 1024));
      state_[std::string(body.at("key").as_string())] = body.at("value");
      return {.body = "{}"};
    }
    const auto found = state_.find(std::string(body.at("key").as_string()));
    if (found == state_.end()) return {.body = R"({"present":false})"};
    return {.body = json::serialize(json::object{{"present", true}, {"value", found->second}})};
  }

  std::map<std::string, json::value> state_;
};
INSTANTIATE_TEST_SUITE_P(isolation, simulated_devices, testing::Values(isolation::process, isolation::thread),
                         isolation_name);

TEST_P(simulated_devices, scan_when_told_to_and_only_when_enabled) {
  start();
  EXPECT_EQ(simulate("scan", R"({"text":"4006381333931","symbology":"]E0"})").at("noticed"), true);
  EXPECT_EQ(json::serialize(event("tilld.scanner/1.scanned")),
            R"({"text":"4006381333931","symbology":"]E0"})");
  call("tilld.scanner/1.enable", R"({"on":false})");
  EXPECT_EQ(simulate("scan", R"({"text":"x"})").at("noticed"), false);
}

TEST_P(simulated_devices, answer_who_waits_for_a_card_that_proves_enough) {
  start();
  const auto strong = plugin_->ask("tilld.reader/1.await", R"({"at_least":"authenticated"})");
  const auto any = plugin_->ask("tilld.reader/1.await");
  simulate("present_card", R"({"uid":"04A1"})");
  EXPECT_EQ(body_of(plugin_->reply_to(any)).at("uid"), "04A1");
  EXPECT_EQ(event("tilld.reader/1.presented").at("security_level"), "uid_only");
  simulate("present_card", R"({"uid":"04B2","security_level":"authenticated","technology":"ntag_424"})");
  EXPECT_EQ(event("tilld.reader/1.removed").at("presentation"), 1);
  EXPECT_EQ(body_of(plugin_->reply_to(strong)).at("uid"), "04B2");
  EXPECT_EQ(call("tilld.reader/1.await").at("uid"), "04B2") << "the card that lies there";
  simulate("remove_card");
  EXPECT_EQ(event("tilld.reader/1.removed").at("presentation"), 2);
}

TEST_P(simulated_devices, stop_waiting_for_a_card_when_cancelled_and_at_the_deadline) {
  start();
  const auto id = plugin_->ask("tilld.reader/1.await");
  plugin_->call(std::string(instance::ping));
  plugin_->cancel(id);
  EXPECT_EQ(plugin_->reply_to(id).status, TILLD_E_CANCELLED);
  const auto late = plugin_->ask("tilld.reader/1.await", "{}", {}, 30);
  EXPECT_EQ(plugin_->reply_to(late).status, TILLD_E_TIMEOUT);
}

TEST_P(simulated_devices, print_once_and_remember_it_over_a_restart) {
  start();
  const char* receipt =
      R"({"operation_id":"p1","document":{"receipt":1,"body":[{"text":"Sum 5.18"},{"slot":"loyalty"}]},
                            "slots":{"loyalty":[{"text":"120 points"}]}})";
  EXPECT_EQ(call("tilld.printer/1.print", receipt).at("confirmation"), "printed");
  EXPECT_EQ(json::serialize(simulate("look").at("printouts")),
            R"([{"operation_id":"p1","lines":["Sum 5.18","120 points"]}])");
  restart();
  EXPECT_EQ(call("tilld.printer/1.outcome", R"({"operation_id":"p1"})").at("state"), "done");
  EXPECT_EQ(call("tilld.printer/1.print", receipt).at("confirmation"), "printed");
  EXPECT_EQ(simulate("look").at("printed"), 1);
  EXPECT_EQ(call("tilld.printer/1.outcome", R"({"operation_id":"p2"})").at("state"), "not_done");
}

TEST_P(simulated_devices, fail_as_ordered_and_as_often_as_ordered) {
  start();
  simulate("fault", R"({"interface":"tilld.printer/1","what":"paper_out","count":2})");
  EXPECT_EQ(call("tilld.printer/1.status").at("paper"), "out");
  const char* receipt = R"({"operation_id":"p","document":{"receipt":1,"body":[]}})";
  EXPECT_EQ(call("tilld.printer/1.print", receipt, TILLD_E_IO).at("kind"), "paper_out");
  EXPECT_EQ(call("tilld.printer/1.print", receipt, TILLD_E_IO).at("kind"), "paper_out");
  call("tilld.printer/1.print", receipt);
  simulate("fault", R"({"interface":"tilld.printer/1","what":"no_device"})");
  EXPECT_EQ(plugin_->call("tilld.printer/1.open_drawer", R"({"operation_id":"d"})").status,
            TILLD_E_NO_DEVICE);
  EXPECT_EQ(plugin_->end().code, exit_code::device_gone);
}

TEST_P(simulated_devices, do_the_work_and_lose_the_answer_when_told_to) {
  start(R"({"wallets":[{"uid":"04A1","balance":{"minor":2000,"currency":"EUR"}}]})");
  const char* payment =
      R"({"operation_id":"o","amount":{"minor":1500,"currency":"EUR"},"instrument":{"uid":"04A1"}})";
  simulate("fault", R"({"interface":"tilld.tender/1","what":"timeout"})");
  plugin_->ask("tilld.tender/1.authorize", payment);
  EXPECT_EQ(call("tilld.tender/1.outcome", R"({"operation_id":"o"})").at("state"), "not_done");
  simulate("fault", R"({"interface":"tilld.tender/1","what":"lost_answer"})");
  plugin_->ask("tilld.tender/1.authorize", payment);
  EXPECT_EQ(call("tilld.tender/1.outcome", R"({"operation_id":"o"})").at("state"), "done");
  EXPECT_EQ(call("tilld.tender/1.authorize", payment).at("left").at("minor"), 500) << "charged once";
}

TEST_P(simulated_devices, take_payments_in_part_and_keep_them_over_a_restart) {
  const char* config = R"({"wallets":[{"uid":"04A1","balance":{"minor":1240,"currency":"EUR"}}]})";
  start(config);
  const auto held =
      call("tilld.tender/1.authorize", R"({"operation_id":"a","amount":{"minor":2000,"currency":"EUR"},
                         "partial":true,"instrument":{"uid":"04A1"}})");
  EXPECT_EQ(held.at("decision"), "partially_approved");
  EXPECT_EQ(held.at("taken").at("minor"), 1240);
  EXPECT_EQ(held.at("to_pay").at("minor"), 760);
  restart(config);
  const auto taken =
      call("tilld.tender/1.capture",
           R"({"operation_id":"c","authorization":"a","amount":{"minor":1240,"currency":"EUR"}})");
  EXPECT_EQ(taken.at("left").at("minor"), 0);
}

TEST_P(simulated_devices, know_their_customers) {
  start(R"({"as_of":"2026-01-01T00:00:00Z","customers":[{"found_by":["04A1","C-1"],"customer":
            {"id":"01900000-0000-7000-8000-000000000001","name":"Test Customer 1",
             "balances":[{"kind":"points","count":120}],"rewards":[]}}]})");
  const auto known = call("tilld.customer/1.identify", R"({"uid":"04A1"})");
  EXPECT_EQ(known.at("customer").at("balances").at(0).at("count"), 120);
  EXPECT_EQ(known.at("as_of"), "2026-01-01T00:00:00Z");
  EXPECT_EQ(call("tilld.customer/1.identify", R"({"code":"C-2"})").at("found"), false);
}

TEST_P(simulated_devices, show_lines_and_render_text_beside_the_json) {
  start();
  call("tilld.display/1.show", R"({"lines":["Sum","5.18"]})");
  EXPECT_EQ(json::serialize(simulate("look").at("display")), R"(["Sum","5.18"])");
  call("tilld.display/1.clear");
  EXPECT_EQ(json::serialize(simulate("look").at("display")), "[]");
  const auto picture =
      call("tilld.printer/1.render", R"({"format":"text","document":{"body":[{"text":"a"},{"text":"b"}]}})");
  EXPECT_EQ(picture.at("height"), 2);
  EXPECT_EQ(last_blob_, "a\nb\n");
}

TEST_P(simulated_devices, play_a_script) {
  start(R"({"script":[{"after_ms":1,"scan":{"text":"A"}},{"after_ms":1,"present_card":{"uid":"04A1"}},
            {"after_ms":1,"remove_card":{}},{"after_ms":1,"scan":{"text":"B"}}]})");
  EXPECT_EQ(event("tilld.scanner/1.scanned").at("text"), "A");
  EXPECT_EQ(event("tilld.reader/1.presented").at("uid"), "04A1");
  EXPECT_EQ(event("tilld.reader/1.removed").at("presentation"), 1);
  EXPECT_EQ(event("tilld.scanner/1.scanned").at("text"), "B");
}

// A JSON value of members that the interfaces know and of types that they mostly do not expect.
json::value random_value(std::mt19937& random, int depth) {
  static constexpr const char* names[] = {
      "operation_id", "document",   "amount",  "minor",  "currency", "slots",         "lines",
      "body",         "instrument", "uid",     "format", "text",     "authorization", "reversed_operation_id",
      "partial",      "on",         "deadline"};
  switch (random() % (depth > 0 ? 9 : 6)) {
    case 0: return nullptr;
    case 1: return random() % 2 == 0;
    case 2: return static_cast<std::int64_t>(random()) - 2'000'000'000;
    case 3: return 12.0;
    case 4: return "EUR";
    case 5: return "text";
    case 6: {
      json::array list;
      for (auto n = random() % 4; n > 0; --n) list.push_back(random_value(random, depth - 1));
      return list;
    }
    default: {
      json::object object;
      for (auto n = random() % 6; n > 0; --n)
        object[names[random() % std::size(names)]] = random_value(random, depth - 1);
      return object;
    }
  }
}

TEST_P(simulated_devices, answer_each_of_two_thousand_random_requests_once) {
  start(R"({"wallets":[{"uid":"text","balance":{"minor":2000,"currency":"EUR"}}]})");
  std::vector<std::string> names{"tilld.printer/1.dance", "tilld.reader/1.await"};
  for (const auto& w : catalogue::words())
    if (!w.service) names.emplace_back(w.full_name);
  std::mt19937 random(20260101);
  int fine = 0, refused = 0;
  for (int round = 0; round < 2000; ++round) {
    auto body = json::serialize(random_value(random, 4));
    if (random() % 10 == 0) body.resize(random() % (body.size() + 1));
    const auto id = plugin_->ask(names[random() % names.size()], body, std::string(random() % 9, 'x'), 5);
    const auto reply = plugin_->reply_to(id);
    EXPECT_TRUE(reply.status == TILLD_OK || !detail_of(reply).empty());
    EXPECT_NE(reply.status, TILLD_E_INTERNAL) << reply.name << " " << body << " " << reply.body;
    ++(reply.status == TILLD_OK ? fine : refused);
  }
  EXPECT_EQ(plugin_->call(std::string(instance::ping)).status, TILLD_OK);
  EXPECT_EQ(plugin_->replies_nobody_waits_for(), 0u);
  EXPECT_GT(fine, 50);
  EXPECT_GT(refused, 500);
}

TEST_P(simulated_devices, refuse_a_config_with_a_slip_of_the_pen) {
  plugin_.emplace(shipped_plugin("simulated"), GetParam());
  EXPECT_EQ(plugin_->start({{"scirpt", json::array()}}), TILLD_E_CONFIG);
}

}  // namespace
}  // namespace tilld::tests
