#include "daemon/router/router.hpp"

#include <gtest/gtest.h>

#include <boost/json.hpp>

using namespace tilld;
using namespace tilld::daemon;
using base::errc;

namespace {

method about(const std::string& name, role_set allowed) {
  return {.name = name,
          .summary = "For the test",
          .allowed = allowed,
          .params = base::shape::object({}),
          .result = base::shape::object({})};
}

wire::answer nothing(const call&) { return wire::make_result({}); }

call with(boost::json::object params) { return {std::make_shared<caller>(), "a.b", std::move(params), {}}; }

std::string kind_of(const wire::answer& a) {
  if (!a.is_error) return "";
  return std::string(boost::json::parse(a.text).at("data").at("kind").as_string());
}

}  // namespace

TEST(router, lets_each_role_call_what_is_its_own) {
  router r;
  r.add(about("a.all", anyone), nothing);
  r.add(about("a.till", checkouts), nothing);
  r.add(about("a.cashier", cashiers), nothing);
  r.add(about("a.staff", staff), nothing);
  r.add(about("a.watch", watchers), nothing);
  r.add(about("a.admin", admins), nothing);
  auto may = [&](role who, const char* what) { return r.find(what, who).has_value(); };
  for (auto who : {role::till, role::operator_, role::self_checkout, role::read, role::admin})
    EXPECT_TRUE(may(who, "a.all"));
  EXPECT_TRUE(may(role::self_checkout, "a.till"));
  EXPECT_FALSE(may(role::self_checkout, "a.cashier"));
  EXPECT_FALSE(may(role::read, "a.till"));
  EXPECT_TRUE(may(role::till, "a.cashier"));
  EXPECT_FALSE(may(role::till, "a.staff"));
  EXPECT_TRUE(may(role::operator_, "a.staff"));
  EXPECT_TRUE(may(role::read, "a.watch"));
  EXPECT_FALSE(may(role::operator_, "a.admin"));
  EXPECT_TRUE(may(role::admin, "a.admin"));
}

TEST(router, tells_an_unknown_method_from_a_forbidden_one_and_repeats_no_long_names) {
  router r;
  r.add(about("a.admin", admins), nothing);
  EXPECT_EQ(r.find("a.admin", role::till).error().code, errc::forbidden);
  auto unknown = r.find(std::string(100'000, 'x'), role::admin);
  EXPECT_EQ(unknown.error().code, errc::unknown_method);
  EXPECT_LT(unknown.error().detail.size(), 200u);
}

TEST(router, asks_the_plugins_for_what_it_does_not_know_itself) {
  router r;
  r.add(about("a.own", anyone), nothing);
  int asked = 0;
  r.add_rest(
      [&](const std::string& name) -> std::optional<route> {
        ++asked;
        if (name != "scale.weigh") return std::nullopt;
        return route{.allowed = cashiers, .quick = nothing};
      },
      [] { return std::vector<method>{about("scale.weigh", cashiers)}; });
  EXPECT_TRUE(r.find("a.own", role::till));
  EXPECT_EQ(asked, 0);
  EXPECT_TRUE(r.find("scale.weigh", role::till));
  EXPECT_EQ(r.find("scale.weigh", role::read).error().code, errc::forbidden);
  EXPECT_EQ(r.find("scale.tare", role::till).error().code, errc::unknown_method);
  std::vector<std::string> names;
  for (auto& m : r.methods()) names.push_back(m.name);
  EXPECT_EQ(names, (std::vector<std::string>{"a.own", "scale.weigh"}));
}

TEST(router, lets_only_params_through_that_fit_their_schema) {
  router r;
  auto m = about("a.b", anyone);
  m.params = base::shape::closed(
      base::shape::object({base::shape::needed("n", base::shape::whole(1, 9), "a number")}));
  int reached = 0;
  r.add(m, [&](const call&) {
    ++reached;
    return wire::make_result({});
  });
  auto& way = *r.find("a.b", role::read).value();
  EXPECT_EQ(kind_of(way.quick(with({}))), "invalid_params");
  EXPECT_EQ(kind_of(way.quick(with({{"n", 10}}))), "invalid_params");
  EXPECT_EQ(kind_of(way.quick(with({{"n", 1}, {"m", 1}}))), "invalid_params");
  EXPECT_EQ(reached, 0);
  EXPECT_EQ(kind_of(way.quick(with({{"n", 1}}))), "");
  EXPECT_EQ(reached, 1);
}

TEST(router, asks_for_the_key_of_a_call_that_needs_one) {
  router r;
  auto m = about("a.b", anyone);
  m.key = keyed::always;
  r.add(m, nothing);
  auto& way = *r.find("a.b", role::read).value();
  EXPECT_EQ(kind_of(way.quick(with({}))), "key_missing");
  EXPECT_EQ(kind_of(way.quick(with({{"idempotency_key", ""}}))), "invalid_params");
  EXPECT_EQ(kind_of(way.quick(with({{"idempotency_key", "a\tb"}}))), "invalid_params");
  EXPECT_EQ(kind_of(way.quick(with({{"idempotency_key", std::string(65, 'x')}}))), "invalid_params");
  EXPECT_EQ(kind_of(way.quick(with({{"idempotency_key", "till-1-7"}}))), "");
  auto params = whole_params(m).text();
  EXPECT_TRUE(params.at("properties").as_object().contains("idempotency_key"));
  EXPECT_EQ(params.at("required"), boost::json::value(boost::json::array{"idempotency_key"}));
  auto kinds = errors_of(m);
  EXPECT_NE(std::find(kinds.begin(), kinds.end(), errc::key_conflict), kinds.end());
}
