#include "wire/replacement.hpp"

#include <algorithm>

#include <boost/json.hpp>

#include "base/id.hpp"

namespace tilld::wire {

using base::errc;
using base::error;

namespace {

constexpr std::string_view replacement_tag = "tilld.replace.1";

template <std::size_t N>
bool read_octets(const boost::json::object& from, std::string_view member, std::array<std::uint8_t, N>& to) {
  auto* value = from.if_contains(member);
  if (!value || !value->is_string()) return false;
  auto octets = base::from_hex(value->get_string());
  if (!octets || octets->size() != N) return false;
  std::copy(octets->begin(), octets->end(), to.begin());
  return true;
}

template <class Number>
bool read_number(const boost::json::object& from, std::string_view member, Number& to) {
  auto* value = from.if_contains(member);
  boost::system::error_code problem;
  if (value) to = value->to_number<Number>(problem);
  return value && !problem;
}

}  // namespace

base::byte_string replacement::signed_text() const {
  base::byte_string out;
  base::byte_writer w(out);
  w.bytes(base::as_bytes(replacement_tag));
  std::array<std::uint8_t, 32> field{};
  std::copy_n(till.begin(), std::min(till.size(), field.size()), field.begin());
  w.bytes(field);
  w.bytes(key);
  w.u32(epoch);
  w.u32(after.epoch);
  w.u64(after.sequence);
  w.bytes(after.hash);
  return out;
}

std::string replacement::text() const {
  boost::json::object head{
      {"epoch", after.epoch}, {"sequence", after.sequence}, {"hash", base::to_hex(after.hash)}};
  boost::json::object o{{"order", replacement_tag},
                        {"till", till},
                        {"public_key", base::to_hex(key)},
                        {"epoch", epoch},
                        {"after", std::move(head)},
                        {"central_key", base::to_hex(central)},
                        {"signature", base::to_hex(signature)}};
  return boost::json::serialize(o);
}

base::result<replacement> replacement::parse(std::string_view text) {
  error wrong{errc::file_refused, "this is no order to replace a till"};
  boost::system::error_code problem;
  auto value = boost::json::parse(text, problem);
  if (problem || !value.is_object()) return wrong;
  auto& o = value.get_object();
  auto* order = o.if_contains("order");
  auto* till = o.if_contains("till");
  auto* after = o.if_contains("after");
  if (!order || !order->is_string() || std::string_view(order->get_string()) != replacement_tag || !till ||
      !till->is_string() || !after || !after->is_object())
    return wrong;
  replacement r;
  r.till = std::string(till->get_string());
  auto& head = after->get_object();
  if (!base::is_short_name(r.till) || !read_octets(o, "public_key", r.key) ||
      !read_number(o, "epoch", r.epoch) || !read_number(head, "epoch", r.after.epoch) ||
      !read_number(head, "sequence", r.after.sequence) || !read_octets(head, "hash", r.after.hash) ||
      !read_octets(o, "central_key", r.central) || !read_octets(o, "signature", r.signature) ||
      r.epoch <= r.after.epoch)
    return wrong;
  if (!r.genuine())
    return error{errc::file_refused,
                 "the order is not signed by the key that it names: it was changed on its way"};
  return r;
}

}  // namespace tilld::wire
