#include "daemon/router/router.hpp"

#include <gtest/gtest.h>

using namespace tilld;
using namespace tilld::daemon;
using base::errc;

namespace {

method quick(const std::string& name, role_set allowed) {
  method m;
  m.name = name;
  m.allowed = allowed;
  m.quick = [](const call&) { return wire::answer{false, "{}"}; };
  return m;
}

}  // namespace

TEST(router, lets_each_role_call_what_is_its_own) {
  router r;
  r.add(quick("a.all", anyone));
  r.add(quick("a.till", checkouts));
  r.add(quick("a.cashier", cashiers));
  r.add(quick("a.staff", staff));
  r.add(quick("a.watch", watchers));
  r.add(quick("a.admin", admins));
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
  r.add(quick("a.admin", admins));
  EXPECT_EQ(r.find("a.admin", role::till).error().code, errc::forbidden);
  auto unknown = r.find(std::string(100'000, 'x'), role::admin);
  EXPECT_EQ(unknown.error().code, errc::unknown_method);
  EXPECT_LT(unknown.error().detail.size(), 200u);
}

TEST(router, asks_the_plugins_for_what_it_does_not_know_itself) {
  router r;
  r.add(quick("a.own", anyone));
  int asked = 0;
  r.add_rest([&](const std::string& name) -> std::optional<method> {
    ++asked;
    if (name != "scale.weigh") return std::nullopt;
    return quick(name, cashiers);
  });
  EXPECT_TRUE(r.find("a.own", role::till));
  EXPECT_EQ(asked, 0);
  EXPECT_TRUE(r.find("scale.weigh", role::till));
  EXPECT_EQ(r.find("scale.weigh", role::read).error().code, errc::forbidden);
  EXPECT_EQ(r.find("scale.tare", role::till).error().code, errc::unknown_method);
  EXPECT_EQ(r.names(), std::vector<std::string>{"a.own"});
}
