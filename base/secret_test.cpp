#include "base/secret.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <new>
#include <type_traits>

#include "base/log.hpp"

using namespace tilld::base;

namespace {

static_assert(!std::is_copy_constructible_v<secret>);
static_assert(!std::is_copy_assignable_v<secret>);
static_assert(!std::is_convertible_v<secret, std::string>);
static_assert(!std::is_convertible_v<secret, std::string_view>);
static_assert(!std::is_constructible_v<log_field, std::string_view, secret>);
template <class T>
concept comparable = requires(const T& a, const T& b) {
  a == b;
};
static_assert(!comparable<secret>);

// The object's own octets, where a short text lies.
bool holds(const void* object, std::string_view text) {
  return ::memmem(object, sizeof(secret), text.data(), text.size()) != nullptr;
}

constexpr std::string_view pin = "7391-2846";  // short enough to lie inside the object

}  // namespace

TEST(secret, is_seen_through_reveal_only) {
  secret s{std::string(pin)};
  EXPECT_EQ(s.reveal(), pin);
  EXPECT_FALSE(s.empty());
  EXPECT_TRUE(secret().empty());
}

TEST(secret, is_wiped_where_it_was_moved_from) {
  secret from{std::string(pin)};
  ASSERT_TRUE(holds(&from, pin));
  secret to(std::move(from));
  EXPECT_EQ(to.reveal(), pin);
  EXPECT_FALSE(holds(&from, pin));
  secret third{std::string("other")};
  third = std::move(to);
  EXPECT_EQ(third.reveal(), pin);
  EXPECT_FALSE(holds(&to, pin));
}

TEST(secret, is_wiped_when_it_goes) {
  alignas(secret) unsigned char place[sizeof(secret)] = {};
  auto* s = new (place) secret(std::string(pin));
  ASSERT_TRUE(holds(place, pin));
  s->~secret();
  asm volatile("" : "+m"(place));  // to the compiler the octets of a dead object have no value
  EXPECT_FALSE(holds(place, pin));
}

TEST(secret, moves_a_long_text_as_well) {
  std::string token(200, 't');
  secret a{token};
  secret b(std::move(a));
  EXPECT_EQ(b.reveal(), token);
  EXPECT_TRUE(a.empty());
}
