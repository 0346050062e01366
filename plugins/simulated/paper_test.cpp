#include "plugins/simulated/paper.hpp"

#include <gtest/gtest.h>

namespace simulated {
namespace {

tilld::printer::print receipt(const std::string& id) {
  return {.operation_id = id,
          .document = boost::json::parse(R"({"receipt":1,"body":[{"text":"Sum 5.18"}]})").as_object()};
}

TEST(paper, prints_an_operation_once) {
  paper tray;
  tray.print(receipt("a"));
  EXPECT_EQ(tray.print(receipt("a")).confirmation, tilld::printer::confirmation::printed);
  ASSERT_EQ(tray.printouts().size(), 1u);
  EXPECT_EQ(tray.printouts()[0].lines, std::vector<std::string>{"Sum 5.18"});
  tray.open_drawer({.operation_id = "d"});
  tray.open_drawer({.operation_id = "d"});
  EXPECT_EQ(tray.drawer_openings(), 1u);
}

TEST(paper, knows_what_it_printed_after_a_restart_but_not_what_it_said) {
  paper before, after;
  before.print(receipt("a"));
  after.load(before.save());
  EXPECT_EQ(after.outcome("a").state, tilld::operation_state::done);
  EXPECT_EQ(after.outcome("b").state, tilld::operation_state::not_done);
  EXPECT_EQ(after.documents(), 1u);
  EXPECT_TRUE(after.printouts().empty());
}

TEST(paper, keeps_nothing_of_a_document_that_it_cannot_read) {
  paper tray;
  EXPECT_THROW(tray.print({.operation_id = "a"}), tilld::failure);
  EXPECT_FALSE(tray.remembers("a"));
}

TEST(paper, keeps_the_last_printouts_only) {
  paper tray;
  for (int i = 0; i < 150; ++i) tray.print(receipt(std::to_string(i)));
  EXPECT_EQ(tray.printouts().size(), 20u);
  EXPECT_EQ(tray.printouts().back().operation_id, "149");
  EXPECT_EQ(tray.documents(), 150u);
}

}  // namespace
}  // namespace simulated
