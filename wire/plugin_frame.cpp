#include "wire/plugin_frame.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "base/bytes.hpp"

namespace tilld::wire {

namespace {

using base::errc;
using base::load_big;
using base::store_big;

bool is_name(std::string_view text) {
  return !text.empty() && text.size() <= plugin_name_size_max &&
         std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c <= '~'; });
}

struct header {
  std::size_t total, name, body, blob;
};

// The sizes that a header claims, or what is wrong with it.
base::result<header> read_header(const std::uint8_t* at) {
  header h{.total = load_big<std::uint32_t>(at),
           .name = load_big<std::uint16_t>(at + 6),
           .body = load_big<std::uint32_t>(at + 24),
           .blob = 0};
  if (at[4] < 1 || at[4] > 3) return base::error{errc::parse_error, "plugin frame: unknown kind"};
  if (at[5] != 0 || load_big<std::uint32_t>(at + 28) != 0)
    return base::error{errc::parse_error, "plugin frame: a reserved octet is set"};
  if (h.body > plugin_body_size_max)
    return base::error{errc::message_too_large, "plugin frame: body over 1 MiB"};
  if (h.name == 0 || h.name > plugin_name_size_max)
    return base::error{errc::parse_error, "plugin frame: name not 1 to 128 octets long"};
  if (h.total < plugin_header_size + h.name + h.body)
    return base::error{errc::parse_error, "plugin frame: sizes do not add up"};
  h.blob = h.total - plugin_header_size - h.name - h.body;
  if (h.blob > plugin_blob_size_max)
    return base::error{errc::message_too_large, "plugin frame: blob over 4 MiB"};
  return h;
}

}  // namespace

base::result<> append_frame(std::string& to, const plugin_message_view& message) {
  if (!is_name(message.name)) return base::error{errc::invalid_params, "plugin frame: not a name"};
  if (message.body.size() > plugin_body_size_max)
    return base::error{errc::message_too_large, "plugin frame: body over 1 MiB"};
  if (message.blob.size() > plugin_blob_size_max)
    return base::error{errc::message_too_large, "plugin frame: blob over 4 MiB"};
  const auto total = plugin_header_size + message.name.size() + message.body.size() + message.blob.size();
  std::array<std::uint8_t, plugin_header_size> head{};
  store_big(head.data(), static_cast<std::uint32_t>(total));
  head[4] = static_cast<std::uint8_t>(message.kind);
  store_big(head.data() + 6, static_cast<std::uint16_t>(message.name.size()));
  store_big(head.data() + 8, message.id);
  store_big(head.data() + 16, static_cast<std::uint32_t>(message.status));
  store_big(head.data() + 20, message.deadline_ms);
  store_big(head.data() + 24, static_cast<std::uint32_t>(message.body.size()));
  to.reserve(to.size() + total);
  to.append(reinterpret_cast<const char*>(head.data()), head.size());
  to.append(message.name).append(message.body).append(message.blob);
  return {};
}

base::result<> append_frame(std::string& to, const plugin_message& m) {
  const plugin_message_view view{m.kind, m.id, m.status, m.deadline_ms, m.name, m.body, m.blob};
  return append_frame(to, view);
}

void plugin_frame_reader::feed(std::string_view octets) {
  if (failed_) return;
  // What was yielded is dropped once it is the larger part, so that each octet moves at most once on average.
  if (begin_ > unread_.size() / 2) unread_.erase(0, std::exchange(begin_, 0));
  unread_.append(octets);
}

base::result<std::optional<plugin_message>> plugin_frame_reader::next() {
  if (failed_) return *failed_;
  if (unread_.size() - begin_ < plugin_header_size) return std::optional<plugin_message>();
  const auto* at = reinterpret_cast<const std::uint8_t*>(unread_.data()) + begin_;
  const auto sizes = read_header(at);
  auto fail = [this](base::error e) {
    std::string().swap(unread_);
    begin_ = 0;
    return *(failed_ = std::move(e));
  };
  if (!sizes) return fail(sizes.error());
  if (unread_.size() - begin_ < sizes->total) return std::optional<plugin_message>();
  plugin_message message;
  message.kind = static_cast<plugin_message_kind>(at[4]);
  message.id = load_big<std::uint64_t>(at + 8);
  message.status = static_cast<std::int32_t>(load_big<std::uint32_t>(at + 16));
  message.deadline_ms = load_big<std::uint32_t>(at + 20);
  auto part = begin_ + plugin_header_size;
  message.name = unread_.substr(part, sizes->name);
  message.body = unread_.substr(part += sizes->name, sizes->body);
  message.blob = unread_.substr(part += sizes->body, sizes->blob);
  if (!is_name(message.name)) return fail({errc::parse_error, "plugin frame: not a name"});
  begin_ += sizes->total;
  return std::optional<plugin_message>(std::move(message));
}

}  // namespace tilld::wire
