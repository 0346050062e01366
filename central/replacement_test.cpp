// What central decides when a person gives a till's name to another device.
#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "central/apply_machine.hpp"

namespace tilld::central {
namespace {

namespace sync = wire::sync;
using base::errc;

base::public_key key_number(std::uint8_t n) { return base::public_key{n}; }

class replaced_till : public testing::Test {
 protected:
  replaced_till() : machine({}, {{"till-1", {"shop", "main", key_number(1), 1}}}) {
    standing s;
    s.head = {1, 107, base::hash256{5}};
    s.start_counter = 9;
    machine.load({200, base::hash256{6}}, {{"till-1", s}});
    wish.key = key_number(2);
    wish.reason = "the disk is dead";
    wish.by = "unix:1000 alice";
  }
  sync::hello hello(std::uint8_t key, base::chain_head head) const {
    sync::hello h;
    h.merchant = "shop";
    h.till = "till-1";
    h.key = key_number(key);
    h.head = head;
    h.start_counter = 1;
    h.instance = {key};
    return h;
  }
  template <class Decision>
  static const Decision* find(const apply_decisions& all) {
    for (auto& d : all)
      if (auto* one = std::get_if<Decision>(&d)) return one;
    return nullptr;
  }

  apply_machine machine;
  replacement_wish wish;
};

TEST_F(replaced_till, goes_on_behind_what_is_held_in_a_new_epoch) {
  auto done = machine.replace({}, "till-1", wish);
  ASSERT_TRUE(done) << done.error().detail;
  EXPECT_EQ(done->order.epoch, 2u);
  EXPECT_EQ(done->order.after, (base::chain_head{1, 107, base::hash256{5}}));
  EXPECT_EQ(done->order.key, key_number(2));
  auto* event = find<decision::keep_event>(done->decisions);
  ASSERT_TRUE(event);
  EXPECT_EQ(event->kind, entry_kind::replaced);
  auto text = boost::json::parse(event->text).as_object();
  EXPECT_EQ(text.at("by"), "unix:1000 alice");
  EXPECT_EQ(text.at("reason"), "the disk is dead");
  EXPECT_TRUE(text.at("lost").is_null());
  EXPECT_TRUE(find<decision::keep_standing>(done->decisions));

  auto in = machine.greeted({}, 7, 1, hello(2, {2, 107, base::hash256{5}}), {});
  EXPECT_TRUE(find<decision::admit>(in));
}

TEST_F(replaced_till, refuses_the_old_device_from_then_on) {
  EXPECT_TRUE(machine.may_greet(hello(1, {1, 110, {}})));
  ASSERT_TRUE(machine.replace({}, "till-1", wish));
  auto may = machine.may_greet(hello(1, {1, 110, {}}));
  ASSERT_FALSE(may);
  EXPECT_EQ(may.error().code, errc::key_refused);
  EXPECT_NE(may.error().detail.find("replaced"), std::string::npos);
  EXPECT_TRUE(machine.may_greet(hello(2, {})));
}

TEST_F(replaced_till, sends_the_old_device_away_that_is_connected) {
  auto h = hello(1, {1, 107, base::hash256{5}});
  h.start_counter = 10;
  ASSERT_TRUE(find<decision::admit>(machine.greeted({}, 7, 1, h, {})));
  auto done = machine.replace({}, "till-1", wish);
  ASSERT_TRUE(done);
  auto* no = find<decision::refuse>(done->decisions);
  ASSERT_TRUE(no);
  EXPECT_EQ(no->connection, 7u);
  EXPECT_TRUE(no->then_close);
  EXPECT_EQ(no->what.as_error().code, errc::key_refused);
  EXPECT_FALSE(machine.is_connected("till-1"));
}

TEST_F(replaced_till, names_what_is_lost_and_wants_it_accepted) {
  wish.seen_up_to = 110;
  wish.seen_by = "the witness";
  auto refused = machine.replace({}, "till-1", wish);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, errc::record_gap);
  EXPECT_NE(refused.error().detail.find("records 108 to 110"), std::string::npos) << refused.error().detail;
  EXPECT_EQ(machine.standing_of("till-1").replaced_epoch, 0u);
  EXPECT_EQ(machine.own().sequence, 200u);

  wish.accept_loss = true;
  auto done = machine.replace({}, "till-1", wish);
  ASSERT_TRUE(done);
  auto lost = boost::json::parse(find<decision::keep_event>(done->decisions)->text).at("lost").as_object();
  EXPECT_EQ(lost.at("from").to_number<int>(), 108);
  EXPECT_EQ(lost.at("to").to_number<int>(), 110);
  EXPECT_EQ(lost.at("seen_by"), "the witness");
}

TEST_F(replaced_till, has_a_key_of_its_own) {
  wish.key = key_number(1);
  auto refused = machine.replace({}, "till-1", wish);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, errc::invalid_params);
  EXPECT_EQ(machine.replace({}, "till-9", wish).error().code, errc::till_unknown);
}

TEST_F(replaced_till, can_be_replaced_again) {
  ASSERT_TRUE(machine.replace({}, "till-1", wish));
  wish.key = key_number(3);
  auto again = machine.replace({}, "till-1", wish);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->order.epoch, 3u);
  EXPECT_FALSE(machine.may_greet(hello(2, {})));
  EXPECT_TRUE(machine.may_greet(hello(3, {})));
}

TEST_F(replaced_till, is_the_same_at_every_server_by_order) {
  wire::replacement order{"till-1", key_number(2), 4, {1, 107, base::hash256{5}}, {}, {}};
  wish.order = order;
  auto done = machine.replace({}, "till-1", wish);
  ASSERT_TRUE(done) << done.error().detail;
  EXPECT_EQ(done->order.epoch, 4u);
  EXPECT_EQ(machine.epoch_allowed_of("till-1"), 4u);
}

TEST_F(replaced_till, is_not_replaced_by_an_order_that_begins_elsewhere) {
  wish.order = wire::replacement{"till-1", key_number(2), 2, {1, 108, base::hash256{5}}, {}, {}};
  auto refused = machine.replace({}, "till-1", wish);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, errc::record_gap);
  wish.order->after = {1, 107, base::hash256{4}};
  EXPECT_FALSE(machine.replace({}, "till-1", wish));
  wish.order->after.hash = base::hash256{5};
  wish.order->epoch = 1;
  EXPECT_FALSE(machine.replace({}, "till-1", wish));
}

TEST_F(replaced_till, follows_the_configuration_when_that_names_a_later_epoch) {
  ASSERT_TRUE(machine.replace({}, "till-1", wish));
  apply_machine later({}, {{"till-1", {"shop", "main", key_number(8), 3}}});
  later.load({201, {}}, machine.standings());
  EXPECT_EQ(later.key_of("till-1"), key_number(8));
  apply_machine same({}, {{"till-1", {"shop", "main", key_number(8), 2}}});
  same.load({201, {}}, machine.standings());
  EXPECT_EQ(same.key_of("till-1"), key_number(2));
}

TEST_F(replaced_till, gets_what_another_server_has) {
  base::record_header h;
  h.sequence = 108;
  h.till = "till-1";
  h.kind = "sale";
  h.body_size = 2;
  auto header = base::encode(h);
  sync::append batch;
  batch.first = 108;
  batch.previous = base::hash256{5};
  batch.records = {{header, base::record_hash(base::hash256{5}, header, base::as_bytes("{}")), "{}"}};
  auto done = machine.complete({}, "till-1", batch, "the witness", "a cable", "unix:0 root");
  ASSERT_TRUE(done) << done.error().detail;
  EXPECT_EQ(machine.standing_of("till-1").head.sequence, 108u);
  auto* event = find<decision::keep_event>(*done);
  ASSERT_TRUE(event);
  EXPECT_EQ(event->kind, entry_kind::completed);
  EXPECT_EQ(machine.own().sequence, 202u);
  // Once, and only what follows.
  EXPECT_EQ(machine.complete({}, "till-1", batch, "", "", "").error().code, errc::record_gap);
  batch.first = 109;
  batch.previous = machine.standing_of("till-1").head.hash;
  EXPECT_FALSE(machine.complete({}, "till-1", batch, "", "", ""));
}

}  // namespace
}  // namespace tilld::central
