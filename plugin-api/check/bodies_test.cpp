#include "plugin-api/check/bodies.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include <boost/json.hpp>

#include "plugin-api/catalogue.hpp"

namespace tilld::plugin_check {
namespace {

// Everything that a plugin could provide.
subject device_of_all_kinds() {
  subject it;
  for (const auto& interface : catalogue::interfaces())
    if (!interface.service) it.provides.emplace_back(interface.name);
  EXPECT_EQ(read_interfaces(it, {}), std::nullopt);
  return it;
}

TEST(bodies, fit_for_every_word_of_tilld) {
  const auto all = device_of_all_kinds();
  ASSERT_GT(all.words.size(), 14u);
  for (const auto& of : all.words) EXPECT_TRUE(right_body(of)) << of.full_name;
}

TEST(bodies, name_another_operation_each_time) {
  for (const auto& of : device_of_all_kinds().words) {
    if (!of.changes_state) continue;
    EXPECT_NE(right_body(of)->at("operation_id"), right_body(of)->at("operation_id")) << of.full_name;
  }
}

TEST(bodies, break_each_required_member_once) {
  for (const auto& of : device_of_all_kinds().words) {
    const auto wrong = wrong_bodies(of);
    ASSERT_GT(wrong.size(), 6u);
    for (const auto& one : wrong) {
      boost::json::error_code failed;
      const auto value = boost::json::parse(one.text, failed);
      EXPECT_TRUE(failed || !value.is_object() || of.complaint_about_request(value.get_object()))
          << of.full_name << " " << one.text;
    }
    if (of.full_name != "tilld.tender/1.authorize") continue;
    std::set<std::string> why;
    for (const auto& one : wrong) why.insert(one.why);
    for (const char* member : {"operation_id", "amount", "amount.minor", "amount.currency"})
      EXPECT_TRUE(why.contains(std::string(member) + " is missing")) << member;
  }
}

TEST(bodies, know_of_random_ones_whether_they_fit) {
  std::mt19937_64 numbers(7);
  std::size_t fitting = 0, objects = 0;
  const auto all = device_of_all_kinds();
  for (int turn = 0; turn < 2000; ++turn) {
    const auto body = any_body(all.words[numbers() % all.words.size()], numbers);
    fitting += body.fits;
    objects += body.text.starts_with("{");
  }
  EXPECT_GT(fitting, 100u);
  EXPECT_LT(fitting, 1900u);
  EXPECT_GT(objects, 500u);
}

TEST(bodies, use_the_example_of_a_foreign_schema) {
  word of;
  of.full_name = "com.example.scale/1.weigh";
  of.example = boost::json::object{{"unit", "g"}};
  of.complaint_about_request = [](const boost::json::object&) -> std::optional<std::string> { return {}; };
  EXPECT_EQ(*right_body(of), *of.example);
}

}  // namespace
}  // namespace tilld::plugin_check
