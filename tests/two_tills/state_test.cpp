// Who subscribes hears first how the devices are, as far as they have said it.
#include "tests/two_tills/two_tills.hpp"

namespace tilld::tests {
namespace {

class the_state_of_devices : public two_tills {
 protected:
  json::object device(line_client& client, const std::string& name = "sim") {
    auto devices = subscribe(client, {"none"}).at("state").at("devices").as_array();
    for (auto& d : devices)
      if (d.at("device").as_string() == name) return d.as_object();
    ADD_FAILURE() << "no device " << name;
    return {};
  }
  json::object printer(line_client& client) { return device(client).at("printer").as_object(); }
  json::object reader(line_client& client) { return device(client).at("reader").as_object(); }
  void fault(const std::string& what) {
    result_of(admin_.call("org.tilld.simulation.fault", {{"interface", "tilld.printer/1"}, {"what", what}}));
  }
};

}  // namespace

TEST_F(the_state_of_devices, has_the_condition_of_the_printer_as_it_was_told_last) {
  subscribe(one_, {"printer"});
  fault("paper_out");
  auto told = one_.next_event("printer.status_changed");
  ASSERT_TRUE(told);
  EXPECT_EQ(text_of(told->at("data").at("paper")), "out");
  auto now = printer(two_);
  EXPECT_GT(now.at("said_ms").to_number<std::int64_t>(), 0);
  now.erase("said_ms");
  EXPECT_EQ(now, told->at("data").as_object());
  fault("none");
  ASSERT_TRUE(one_.next_event("printer.status_changed"));
  EXPECT_EQ(text_of(printer(two_).at("paper")), "enough");
  fault("cover_open");
  EXPECT_EQ(text_of(result_of(two_.call("printer.status")).at("cover")), "open");
  EXPECT_EQ(text_of(printer(two_).at("cover")), "open");
}

TEST_F(the_state_of_devices, says_whether_a_card_lies_there_and_not_which) {
  EXPECT_EQ(text_of(reader(one_).at("card")), "unknown");
  result_of(admin_.call("org.tilld.simulation.present_card", {{"uid", "04A1B2C3D4E5F6"}}));
  auto now = reader(one_);
  EXPECT_EQ(text_of(now.at("card")), "present");
  EXPECT_EQ(json::serialize(now).find("04A1B2"), std::string::npos);
  auto watcher = sign_on(make_token("read"));
  EXPECT_EQ(text_of(reader(watcher).at("card")), "present");
  result_of(admin_.call("org.tilld.simulation.remove_card"));
  EXPECT_EQ(text_of(reader(one_).at("card")), "none");
  EXPECT_FALSE(device(one_, "slow").contains("reader"));
  EXPECT_FALSE(device(one_, "slow").contains("printer"));
}

TEST_F(the_state_of_devices, is_unknown_again_when_the_device_went) {
  subscribe(one_, {"plugins"});
  result_of(admin_.call("org.tilld.simulation.present_card", {{"uid", "04A1B2C3D4E5F6"}}));
  EXPECT_EQ(text_of(reader(one_).at("card")), "present");
  fault("no_device");
  (void)two_.call("printer.open_drawer", {{"idempotency_key", "d"}});
  for (std::string state; state != "waiting";) {
    auto changed = one_.next_event("plugins.changed");
    ASSERT_TRUE(changed);
    state = text_of(changed->at("data").at("state"));
  }
  EXPECT_EQ(text_of(reader(two_).at("card")), "unknown");
}

}  // namespace tilld::tests
