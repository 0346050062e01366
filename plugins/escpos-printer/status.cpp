#include "plugins/escpos-printer/status.hpp"

#include <algorithm>

namespace tilld::escpos {
namespace {

constexpr std::size_t block_size_max = 80;

bool is_flow_control(std::uint8_t byte) { return byte == 0x11 || byte == 0x13; }
bool is_real_time(std::uint8_t byte) { return (byte & 0x93) == 0x12; }
bool starts_automatic(std::uint8_t byte) { return (byte & 0x93) == 0x10; }
bool continues_automatic(std::uint8_t byte) { return (byte & 0x90) == 0x00; }
bool starts_block(std::uint8_t byte) {
  return byte == 0x35 || byte == 0x37 || byte == 0x3b || byte == 0x3d || byte == 0x5f;
}
bool is_sensor_status(std::uint8_t byte) { return (byte & 0x90) == 0x00; }

template <class Value>
void take_over(std::optional<Value>& known, const std::optional<Value>& newer) {
  if (newer) known = newer;
}

printer_flags flags_of_automatic(std::string_view four) {
  auto first = std::uint8_t(four[0]), second = std::uint8_t(four[1]), third = std::uint8_t(four[2]);
  printer_flags it;
  it.drawer_pin_high = bool(first & 0x04);
  it.offline = bool(first & 0x08);
  it.cover_open = bool(first & 0x20);
  it.in_error = bool(second & 0x6c);  // mechanical, cutter, unrecoverable, head too hot
  it.paper_low = bool(third & 0x03);
  it.paper_out = bool(third & 0x0c);
  return it;
}

}  // namespace

void printer_flags::update(const printer_flags& newer) {
  take_over(offline, newer.offline);
  take_over(cover_open, newer.cover_open);
  take_over(paper_out, newer.paper_out);
  take_over(paper_low, newer.paper_low);
  take_over(drawer_pin_high, newer.drawer_pin_high);
  take_over(in_error, newer.in_error);
}

std::vector<printer_message> status_reader::eat(std::string_view bytes) {
  std::vector<printer_message> out;
  for (char c : bytes)
    if (auto message = eat_byte(std::uint8_t(c))) out.push_back(std::move(*message));
  return out;
}

void status_reader::forget() { held_.clear(); }

std::optional<printer_message> status_reader::eat_byte(std::uint8_t byte) {
  if (!held_.empty() && starts_automatic(std::uint8_t(held_[0]))) {
    // A real-time answer may jump in between; anything else that does not belong here means that bytes were
    // lost.
    if (is_real_time(byte)) return real_time_status{byte};
    if (is_flow_control(byte)) return std::nullopt;
    if (continues_automatic(byte)) {
      held_ += char(byte);
      if (held_.size() < 4) return std::nullopt;
      auto flags = flags_of_automatic(held_);
      held_.clear();
      return automatic_status{flags};
    }
    held_.clear();
  } else if (!held_.empty()) {
    if (byte == 0) return finish_block();
    if (held_.size() < block_size_max && byte >= 0x20 && byte < 0x7f) {
      held_ += char(byte);
      return std::nullopt;
    }
    held_.clear();  // no block after all; the byte may begin something
  }

  if (is_flow_control(byte)) return std::nullopt;
  if (is_real_time(byte)) return real_time_status{byte};
  if (starts_block(byte) || starts_automatic(byte)) {
    held_.assign(1, char(byte));
    return std::nullopt;
  }
  if (is_sensor_status(byte)) {
    printer_flags flags;
    flags.paper_low = bool(byte & 0x03);
    flags.paper_out = bool(byte & 0x0c);
    return paper_sensor_status{flags};
  }
  return std::nullopt;
}

std::optional<printer_message> status_reader::finish_block() {
  std::string block;
  block.swap(held_);
  if (block.size() == 6 && block.starts_with("\x37\x22")) return process_done{block.substr(2)};
  if (block.starts_with('\x5f')) return identity{block.substr(1)};
  return std::nullopt;
}

printer_flags flags_of_real_time(int n, std::uint8_t bits) {
  printer_flags it;
  switch (n) {
    case 1:
      it.drawer_pin_high = bool(bits & 0x04);
      it.offline = bool(bits & 0x08);
      break;
    case 2:
      it.cover_open = bool(bits & 0x04);
      it.in_error = bool(bits & 0x40);
      break;
    case 4:
      it.paper_low = bool(bits & 0x0c);
      it.paper_out = bool(bits & 0x60);
      break;
    default: break;
  }
  return it;
}

}  // namespace tilld::escpos
