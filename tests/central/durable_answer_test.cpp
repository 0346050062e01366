// Nothing is acknowledged before the flush that covers it: shown by a disk that withholds the flush.
#include <gtest/gtest.h>

#include <thread>

#include "central/server.hpp"
#include "tests/central/raw_line.hpp"
#include "tests/support/fault_vfs.hpp"

namespace tilld::tests {
namespace {

namespace asio = boost::asio;
namespace sync = wire::sync;

// A central on a thread of its own, since a withheld flush holds it up.
struct central_on_a_disk {
  scratch_folder folder;
  fault_vfs disk;
  asio::io_context io{1};
  base::system_clock clock;
  std::unique_ptr<central::server> server;
  std::thread thread;

  explicit central_on_a_disk(const test_till& till) {
    central::config c;
    c.tills["till-1"] = {"shop", "main", till.key.public_half(), 1};
    c.database = folder.file("central.db");
    c.sync = {"127.0.0.1", 0};
    central::server::options how;
    how.storage.vfs = disk.name();
    how.storage.ballast_size = 64 << 10;
    auto opened = central::server::open(io, c, clock, how);
    EXPECT_TRUE(opened) << to_string(opened.error());
    server = std::move(*opened);
    EXPECT_TRUE(server->listen());
    thread = std::thread([this] { io.run(); });
  }
  ~central_on_a_disk() {
    disk.release_syncs();
    asio::post(io, [this] { server->stop(); });
    thread.join();
  }
};

sync::append next_batch(test_till& till, std::size_t count) {
  sync::append a;
  a.previous = till.journal.head().hash;
  a.first = till.journal.head().sequence + 1;
  for (std::size_t i = 0; i < count; ++i) till.journal.write("{}");
  a.records.assign(till.journal.records.end() - static_cast<std::ptrdiff_t>(count),
                   till.journal.records.end());
  return a;
}

TEST(durable_answer, is_not_sent_while_the_flush_is_withheld) {
  asio::io_context unused;
  test_till till(unused);
  central_on_a_disk central(till);
  raw_line line(central.server->sync_port());
  ASSERT_TRUE(line.sign_on(till));
  for (int round = 0; round < 5; ++round) {
    central.disk.hold_syncs();
    auto batch = next_batch(till, 3);
    ASSERT_TRUE(line.send(sync::frame_type::append, 10 + static_cast<std::uint64_t>(round), batch.encode()));
    ASSERT_TRUE(central.disk.wait_for_held_sync(patience));
    EXPECT_FALSE(line.something_arrived());
    central.disk.release_syncs();
    auto f = line.receive();
    ASSERT_TRUE(f);
    ASSERT_EQ(f->type, sync::frame_type::appended);
    EXPECT_EQ(sync::acknowledgement::parse(f->payload)->head, till.journal.head());
  }
}

TEST(durable_answer, is_a_refusal_for_good_once_a_flush_failed) {
  asio::io_context unused;
  test_till till(unused);
  central_on_a_disk central(till);
  raw_line line(central.server->sync_port());
  ASSERT_TRUE(line.sign_on(till));
  central.disk.fail(fault_vfs::operation::sync, 1, EIO);
  ASSERT_TRUE(line.send(sync::frame_type::append, 10, next_batch(till, 3).encode()));
  auto f = line.receive();
  ASSERT_TRUE(f);
  ASSERT_EQ(f->type, sync::frame_type::refusal);
  EXPECT_EQ(sync::refusal::parse(f->payload)->code, static_cast<int>(base::errc::storage_failed));
  EXPECT_TRUE(line.closed_by_peer());
  // The disk works again, but what this file holds is not known any more.
  central.disk.heal();
  raw_line again(central.server->sync_port());
  EXPECT_FALSE(again.sign_on(till));
}

TEST(durable_answer, takes_the_same_records_when_the_disk_has_room_again) {
  asio::io_context unused;
  test_till till(unused);
  central_on_a_disk central(till);
  auto batch = next_batch(till, 3);
  {
    raw_line line(central.server->sync_port());
    ASSERT_TRUE(line.sign_on(till, till.journal.head()));
    central.disk.fail(fault_vfs::operation::write, 1, ENOSPC, fault_vfs::repeat::for_ever);
    ASSERT_TRUE(line.send(sync::frame_type::append, 10, batch.encode()));
    auto f = line.receive();
    ASSERT_TRUE(f);
    ASSERT_EQ(f->type, sync::frame_type::refusal);
    EXPECT_EQ(sync::refusal::parse(f->payload)->code, static_cast<int>(base::errc::storage_full));
    EXPECT_TRUE(line.closed_by_peer());
  }
  central.disk.heal();
  // It recovers by itself, at one of its ticks.
  for (auto until = deadline_clock::now() + patience;;) {
    ASSERT_LT(deadline_clock::now(), until);
    raw_line line(central.server->sync_port());
    if (!line.sign_on(till, till.journal.head())) continue;
    ASSERT_TRUE(line.send(sync::frame_type::append, 10, batch.encode()));
    auto f = line.receive();
    ASSERT_TRUE(f);
    ASSERT_EQ(f->type, sync::frame_type::appended);
    EXPECT_EQ(sync::acknowledgement::parse(f->payload)->head, till.journal.head());
    break;
  }
}

}  // namespace
}  // namespace tilld::tests
