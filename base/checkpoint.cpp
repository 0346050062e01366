#include "base/checkpoint.hpp"

#include <algorithm>

#include <boost/json.hpp>

namespace tilld::base {
namespace {

constexpr std::string_view checkpoint_tag = "tilld.checkpoint.1";

template <std::size_t N>
bool read_hex(const boost::json::object& from, std::string_view member, std::array<std::uint8_t, N>& to) {
  auto* value = from.if_contains(member);
  if (!value || !value->is_string()) return false;
  auto octets = from_hex(value->get_string());
  if (!octets || octets->size() != N) return false;
  std::copy(octets->begin(), octets->end(), to.begin());
  return true;
}

}  // namespace

byte_string checkpoint_text(std::string_view till, const chain_head& head) {
  byte_string out;
  byte_writer w(out);
  w.bytes(as_bytes(checkpoint_tag));
  std::array<std::uint8_t, 32> field{};
  std::copy_n(till.begin(), std::min(till.size(), field.size()), field.begin());
  w.bytes(field);
  w.u32(head.epoch);
  w.u64(head.sequence);
  w.bytes(head.hash);
  return out;
}

std::string checkpoint::body() const {
  return R"({"reason":")" + reason + R"(","epoch":)" + std::to_string(head.epoch) + R"(,"sequence":)" +
         std::to_string(head.sequence) + R"(,"hash":")" + to_hex(head.hash) + R"(","public_key":")" +
         to_hex(by) + R"(","signature":")" + to_hex(signature) + R"("})";
}

std::optional<checkpoint> checkpoint::parse(std::string_view body) {
  boost::system::error_code problem;
  auto value = boost::json::parse(body, problem);
  if (problem || !value.is_object()) return std::nullopt;
  auto& o = value.get_object();
  checkpoint c;
  auto* reason = o.if_contains("reason");
  auto* epoch = o.if_contains("epoch");
  auto* sequence = o.if_contains("sequence");
  if (!reason || !reason->is_string() || !epoch || !sequence) return std::nullopt;
  c.reason = std::string(reason->get_string());
  c.head.epoch = epoch->to_number<std::uint32_t>(problem);
  if (!problem) c.head.sequence = sequence->to_number<std::uint64_t>(problem);
  if (problem || !read_hex(o, "hash", c.head.hash) || !read_hex(o, "public_key", c.by) ||
      !read_hex(o, "signature", c.signature))
    return std::nullopt;
  // One spelling: what is signed and hashed leaves nothing to the reader's taste.
  if (c.body() != body) return std::nullopt;
  return c;
}

checkpoint make_checkpoint(const signing_key& key, std::string_view till, const chain_head& head,
                           std::string reason) {
  return {head, key.public_half(), key.sign(checkpoint_text(till, head)), std::move(reason)};
}

result<checkpoint> check_checkpoint(std::string_view till, const chain_head& before, std::string_view body) {
  auto place = "record " + std::to_string(before.sequence + 1);
  auto c = checkpoint::parse(body);
  if (!c) return error{errc::record_damaged, place + " is a checkpoint that cannot be read"};
  if (c->head != before)
    return error{errc::record_damaged, place + " is a checkpoint of another record than the one before it"};
  if (!verify_signature(c->by, checkpoint_text(till, before), c->signature))
    return error{errc::record_damaged, place + " is a checkpoint whose signature is not that of its key"};
  return *c;
}

}  // namespace tilld::base
