#include "plugins/escpos-printer/tests/emulated_printer.hpp"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <stdexcept>

namespace tilld::escpos::test {

using namespace std::string_literals;

emulated_printer::emulated_printer() { switch_on(); }

emulated_printer::~emulated_printer() { switch_off(); }

std::string emulated_printer::address() const { return "127.0.0.1:" + std::to_string(port_); }

void emulated_printer::switch_on() {
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  int yes = 1, buffer = 16 * 1024;  // printers have little memory
  ::setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  ::setsockopt(listener_, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer);
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_port = htons(std::uint16_t(port_));
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof at;
  if (::bind(listener_, reinterpret_cast<sockaddr*>(&at), sizeof at) != 0 || ::listen(listener_, 4) != 0 ||
      ::getsockname(listener_, reinterpret_cast<sockaddr*>(&at), &size) != 0)
    throw std::runtime_error("the emulated printer cannot listen");
  port_ = ntohs(at.sin_port);
}

void emulated_printer::switch_off() {
  hang_up(true);
  if (listener_ >= 0) ::close(listener_);
  listener_ = -1;
}

void emulated_printer::set_paper_out(bool out) {
  paper_out_ = out;
  tell_change();
  process();
}

void emulated_printer::set_cover_open(bool open) {
  cover_open_ = open;
  tell_change();
  process();
}

void emulated_printer::say(std::string_view bytes) {
  if (connection_ >= 0) (void)!::send(connection_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
}

std::vector<int> emulated_printer::descriptors() const {
  std::vector<int> out;
  if (listener_ >= 0 && connection_ < 0) out.push_back(listener_);  // one connection at a time
  if (connection_ >= 0 && pace_ > 0) out.push_back(connection_);
  return out;
}

void emulated_printer::on_readable(int descriptor) {
  if (descriptor == listener_) return accept_one();
  std::string chunk(std::min<std::size_t>(pace_, 65536), '\0');
  if (drop_after_) chunk.resize(std::min(chunk.size(), drop_after_));
  auto n = ::recv(connection_, chunk.data(), chunk.size(), 0);
  if (n <= 0) return hang_up(false);
  chunk.resize(std::size_t(n));
  received_ += chunk.size();
  reader_.eat(chunk);
  for (auto& it : reader_.complaints()) complaints_.push_back(it);
  for (auto& it : reader_.take_real_time())
    if (it.kind == 0x04 && knows_real_time) answer_real_time(it.n);
  for (auto& it : reader_.take()) buffered_.push_back(std::move(it));
  process();
  if (drop_after_ && (drop_after_ -= chunk.size()) == 0) hang_up(true);
}

std::string emulated_printer::printed_text() const {
  std::string out;
  for (auto& it : processed_) {
    if (it.name == "text") out += it.data;
    if (it.name == "LF") out += "\n";
    if (it.name == "ESC $") out += " ";
  }
  return out;
}

int emulated_printer::count(const std::string& name) const {
  int n = 0;
  for (auto& it : processed_) n += it.name == name;
  return n;
}

void emulated_printer::accept_one() {
  connection_ = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (connection_ >= 0) ++connections_;
  automatic_on_ = false;
}

// What is in the buffer is lost when a printer loses its power, and so is half a command. When only the
// connection ends, the printer still waits for the rest of a raster.
void emulated_printer::hang_up(bool abruptly) {
  if (connection_ < 0) return;
  linger now{1, 0};
  if (abruptly) ::setsockopt(connection_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
  ::close(connection_);
  connection_ = -1;
  if (!abruptly) return;
  buffered_.clear();
  reader_ = {};
}

void emulated_printer::process() {
  while (!blocked() && !buffered_.empty()) {
    auto next = std::move(buffered_.front());
    buffered_.erase(buffered_.begin());
    obey(next);
    processed_.push_back(std::move(next));
    if (paper_for_ && --paper_for_ == 0) {
      paper_out_ = true;
      tell_change();
    }
  }
}

void emulated_printer::obey(const command& it) {
  if (silent_) return;
  if (it.name == "GS a") {
    automatic_on_ = knows_automatic_status && it.data[0] != 0;
    tell_change();
  }
  if (it.name == "GS ( H" && knows_process_ids) say("\x37\x22" + it.data.substr(2) + '\0');
  if (it.name == "GS r" && knows_gs_r) say(std::string(1, paper_out_ ? '\x0f' : '\0'));
  if (it.name == "GS I" && knows_process_ids)
    say("\x5f"
        "Emulated-1"s +
        '\0');
}

void emulated_printer::answer_real_time(std::uint8_t n) {
  std::uint8_t bits = 0x12;
  if (n == 1 && blocked()) bits |= 0x08;
  if (n == 2 && cover_open_) bits |= 0x04;
  if (n == 4 && paper_out_) bits |= 0x60;
  say(std::string(1, char(bits)));
}

std::string emulated_printer::automatic_status() const {
  std::string four("\x10\0\0\0", 4);
  if (blocked()) four[0] |= 0x08;
  if (cover_open_) four[0] |= 0x20;
  if (paper_out_) four[2] |= 0x0c;
  return four;
}

void emulated_printer::tell_change() {
  if (automatic_on_) say(automatic_status());
}

}  // namespace tilld::escpos::test
