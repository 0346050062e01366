#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>

#include <cstring>

#include "plugins/escpos-printer/tcp_link.hpp"

namespace tilld::escpos {
namespace {

int port_of(std::string_view text) {
  auto address = tcp_address::parse(text);
  if (!address) return -1;
  sockaddr_in four{};
  sockaddr_in6 six{};
  if (address->storage.ss_family == AF_INET6) {
    std::memcpy(&six, &address->storage, sizeof six);
    return ntohs(six.sin6_port);
  }
  std::memcpy(&four, &address->storage, sizeof four);
  return ntohs(four.sin_port);
}

TEST(tcp_address, is_a_number_with_or_without_a_port) {
  EXPECT_EQ(port_of("192.0.2.7:9101"), 9101);
  EXPECT_EQ(port_of("192.0.2.7"), 9100);
  EXPECT_EQ(port_of("[2001:db8::7]:9101"), 9101);
  EXPECT_EQ(port_of("[2001:db8::7]"), 9100);
  EXPECT_EQ(port_of("2001:db8::7"), 9100);
}

TEST(tcp_address, is_no_name_and_no_nonsense) {
  for (auto text : {"", "printer", "printer:9100", "192.0.2.7:", "192.0.2.7:0", "192.0.2.7:70000",
                    "192.0.2.7:91x", "192.0.2", "[2001:db8::7", "[2001:db8::7]x", ":9100"})
    EXPECT_EQ(port_of(text), -1) << text;
}

}  // namespace
}  // namespace tilld::escpos
