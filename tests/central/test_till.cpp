#include "tests/central/test_till.hpp"

#include <gtest/gtest.h>

namespace tilld::tests {

bool run_until(boost::asio::io_context& io, const std::function<bool()>& condition,
               std::chrono::milliseconds at_most) {
  auto until = deadline_clock::now() + at_most;
  while (!condition()) {
    if (deadline_clock::now() >= until) return false;
    io.restart();
    io.run_one_for(std::chrono::milliseconds(20));
  }
  return true;
}

void memory_journal::write(const std::string& body, const std::string& kind) {
  base::record_header h;
  h.epoch = epoch_;
  h.sequence = head_.sequence + 1;
  h.id = base::uuid::v7(1'700'000'000'000);
  h.happened.unix_ms = 1'700'000'000'000;
  h.till = till_;
  h.kind = kind;
  h.body_size = static_cast<std::uint32_t>(body.size());
  base::record r{base::encode(h), {}, body};
  r.hash = base::record_hash(head_.hash, r.header, base::as_bytes(body));
  head_ = {epoch_, h.sequence, r.hash};
  records.push_back(std::move(r));
}

void memory_journal::cut_to(std::uint64_t sequence) {
  records.resize(sequence - beginning_.sequence);
  head_ = beginning_;
  if (!records.empty()) head_ = {records.back().decoded()->epoch, sequence, records.back().hash};
}

void memory_journal::begin_epoch(std::uint32_t epoch, const base::chain_head& after) {
  records.clear();
  beginning_ = head_ = after;
  epoch_ = epoch;
}

void memory_journal::read(std::uint64_t from, std::uint32_t count_max, std::size_t octets_max,
                          records_read then) {
  std::vector<base::record> out;
  std::size_t octets = 0;
  for (auto at = from - beginning_.sequence - 1; at < records.size() && out.size() < count_max; ++at) {
    out.push_back(records[at]);
    octets += records[at].wire_size();
    if (octets >= octets_max) break;
  }
  then(std::move(out));
}

base::result<std::optional<wire::sync::witness>> memory_journal::load_witness(std::string_view destination) {
  auto at = witnesses.find(destination);
  return at == witnesses.end() ? std::nullopt : std::optional(at->second);
}

void memory_journal::save_witness(std::string_view destination, const wire::sync::witness& value,
                                  witness_saved then) {
  witnesses[std::string(destination)] = value;
  then({});
}

test_till::key_seed test_till::fresh_seed() {
  key_seed s;
  base::random_bytes(s);
  return s;
}

test_till::test_till(boost::asio::io_context& io, std::string till, key_seed s)
    : name(till), seed(s), journal(till), io_(io) {
  switch_on();
}

void test_till::switch_on() {
  forwarders_.clear();
  ++start_counter;
  base::random_bytes(instance);
}

daemon::forwarder& test_till::forward_to(const std::string& destination, const central_program& central,
                                         wire::sync::role role) {
  daemon::forward_settings s;
  s.destination = destination;
  s.role = role;
  s.batch_records_max = 16;
  s.retry_ms_min = 10;
  s.retry_ms_max = 100;
  s.retry_ms_slow = 300;
  daemon::till_identity who;
  who.merchant = "shop";
  who.till = name;
  who.software = "test till";
  who.key = key.public_half();
  who.start_counter = start_counter;
  who.instance = instance;
  auto made = std::make_unique<daemon::forwarder>(
      io_, wire::loopback_address{"127.0.0.1", central.sync_port()}, s, who, keys_, journal, clock_);
  EXPECT_TRUE(made->start());
  return *(forwarders_[destination] = std::move(made));
}

void test_till::sell(const std::string& body) {
  journal.write(body);
  for (auto& [destination, f] : forwarders_) f->grew();
}

const daemon::forward_status& test_till::status(const std::string& destination) const {
  return forwarders_.at(destination)->status();
}

bool test_till::everything_arrived(const std::string& destination) const {
  auto& s = status(destination);
  return s.connected && s.acknowledged == journal.head();
}

void expect_same_records(central_program& central, const test_till& till) {
  std::vector<std::string> hashes;
  std::uint64_t from = 1;
  for (;;) {
    auto reply =
        central.get("/v1/tills/" + till.name + "/records?from=" + std::to_string(from) + "&limit=1000");
    ASSERT_EQ(reply.status, 200) << reply.body;
    auto page = reply.json().as_object();
    for (auto& r : page["records"].as_array()) {
      ASSERT_EQ(r.at("sequence").to_number<std::uint64_t>(), from);
      hashes.emplace_back(r.at("hash").as_string());
      ++from;
    }
    if (page["next"].is_null()) break;
    ASSERT_EQ(page["next"].to_number<std::uint64_t>(), from);
  }
  ASSERT_EQ(hashes.size(), till.journal.records.size());
  for (std::size_t i = 0; i < hashes.size(); ++i)
    ASSERT_EQ(hashes[i], base::to_hex(till.journal.records[i].hash)) << i + 1;
}

}  // namespace tilld::tests
