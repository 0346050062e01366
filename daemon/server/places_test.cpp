#include "daemon/server/places.hpp"

#include <gtest/gtest.h>

using namespace tilld::daemon;

namespace {

struct guest final : connection {
  explicit guest(std::string who) : who_(std::move(who)) {}
  boost::asio::awaitable<void> run() override { co_return; }
  void close() override { closed_ = true; }
  const std::string& principal() const override { return who_; }
  bool closed() const override { return closed_; }
  bool other_side_ended() const override { return ended_; }
  bool idle() const override { return true; }

  std::string who_;
  bool closed_ = false, ended_ = false;
};

class the_places : public ::testing::Test {
 protected:
  std::shared_ptr<guest> come(const std::string& who, std::size_t reserve = 0) {
    auto room = all_.room_for(who.empty(), reserve);
    if (!room) return nullptr;
    if (*room) (*room)->close();
    auto one = std::make_shared<guest>(who);
    all_.take(one);
    guests_.push_back(one);
    return one;
  }
  std::size_t open(bool strangers) const {
    return static_cast<std::size_t>(std::count_if(guests_.begin(), guests_.end(), [&](auto& g) {
      return !g->closed_ && g->who_.empty() == strangers;
    }));
  }

  places all_{100};
  std::vector<std::shared_ptr<guest>> guests_;
};

}  // namespace

TEST_F(the_places, are_at_most_64_for_strangers_the_newest_of_them) {
  for (int i = 0; i < 200; ++i) EXPECT_TRUE(come(""));
  EXPECT_EQ(open(true), 64u);
  EXPECT_FALSE(guests_.back()->closed_);
  EXPECT_TRUE(guests_[135]->closed_);
  EXPECT_FALSE(guests_[136]->closed_);
}

TEST_F(the_places, of_strangers_are_for_whoever_says_who_it_is) {
  for (int i = 0; i < 64; ++i) come("");
  for (int i = 0; i < 36; ++i) EXPECT_TRUE(come("unix:1"));
  EXPECT_EQ(open(true), 64u) << "there was room";
  for (int i = 0; i < 64; ++i) EXPECT_TRUE(come("unix:1"));
  EXPECT_EQ(open(true), 0u);
  EXPECT_FALSE(come("unix:1"));
  EXPECT_FALSE(come(""));
  EXPECT_TRUE(come("unix:0", 4)) << "who is to find out why";
}

TEST_F(the_places, of_whoever_signed_on_are_no_longer_a_strangers) {
  for (int i = 0; i < 64; ++i) come("")->who_ = "token:1";
  come("");
  EXPECT_EQ(open(false), 64u);
}

TEST_F(the_places, of_those_who_said_all_are_given_up_when_there_is_no_other) {
  for (int i = 0; i < 99; ++i) come("unix:1");
  guests_[7]->ended_ = guests_[8]->ended_ = true;
  auto stranger = come("");
  EXPECT_TRUE(come("unix:1"));
  EXPECT_TRUE(stranger->closed_);
  EXPECT_FALSE(guests_[7]->closed_);
  EXPECT_TRUE(come("unix:1"));
  EXPECT_TRUE(guests_[7]->closed_);
  EXPECT_FALSE(guests_[8]->closed_);
  EXPECT_TRUE(come(""));
  EXPECT_TRUE(guests_[8]->closed_) << "a stranger may turn out to be a till";
}

TEST_F(the_places, of_those_who_are_ending_are_free) {
  for (int i = 0; i < 100; ++i) come("unix:1");
  EXPECT_FALSE(come("unix:1"));
  guests_[3]->close();
  EXPECT_TRUE(come("unix:1"));
  guests_.erase(guests_.begin() + 5);
  EXPECT_TRUE(come("unix:1"));
  EXPECT_FALSE(come("unix:1"));
}
