// A till that is given too much of something, and a neighbour who is to notice nothing of it. Its memory may
// grow by 64 MiB over what it holds idle.
#pragma once

#include <gtest/gtest.h>

#include <memory>

#include "tests/hostile/neighbour.hpp"
#include "tests/support/http_client.hpp"
#include "tests/support/scratch.hpp"
#include "tests/support/shop.hpp"

namespace tilld::hostile {

#ifdef TILLD_SANITIZED
inline constexpr bool memory_is_measured = false;  // a sanitizer keeps what was freed
#else
inline constexpr bool memory_is_measured = true;
#endif
inline constexpr std::size_t memory_max = 64 << 20;

class a_flooded_till : public ::testing::Test {
 protected:
  void SetUp() override {
    shop_ = std::make_unique<tests::shop>(folder_.path());
    shop_->tcp_port = tests::free_port();
    shop_->http_port = tests::free_port();
    shop_->plugins_yaml = plugins_yaml_;
    shop_->start_till();
    honest_ = std::make_unique<neighbour>(shop_->socket());
    EXPECT_EQ(honest_->ping(100).unanswered, 0u);
    idle_ = resident_octets(shop_->till().id());
  }
  void TearDown() override {
    EXPECT_EQ(honest_->ping(20).unanswered, 0u);
    honest_.reset();
    shop_->stop_till();
  }
  void look() {
    most_ = std::max(most_, resident_octets(shop_->till().id()));
    EXPECT_EQ(honest_->ping(1).unanswered, 0u);
  }
  void expect_little_memory() {
    if (!memory_is_measured) return;
    EXPECT_GT(idle_, 0u);
    EXPECT_LT(most_, idle_ + memory_max);
  }

  std::string plugins_yaml_;  // of a fixture that needs devices
  tests::scratch_folder folder_;
  std::unique_ptr<tests::shop> shop_;
  std::unique_ptr<neighbour> honest_;
  std::size_t idle_ = 0, most_ = 0;
};

}  // namespace tilld::hostile
