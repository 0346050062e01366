// devices.yaml and the udev rules name the same devices.
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <regex>
#include <set>

namespace {

std::string content(const std::string& path) {
  std::ifstream in(std::string(TILLD_SOURCE_DIR) + "/" + path);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::set<std::string> found(const std::string& text, const std::string& pattern) {
  std::set<std::string> all;
  std::regex expression(pattern);
  for (std::sregex_iterator at(text.begin(), text.end(), expression), end; at != end; ++at)
    all.insert((*at)[1].str() + ":" + (*at)[2].str());
  return all;
}

TEST(devices, are_the_same_in_the_list_and_in_the_udev_rules) {
  auto list = content("plugins/serial-scanner/devices.yaml");
  auto listed = found(list, R"re(usb: "([0-9a-f]{4}):([0-9a-f]{4})")re");
  ASSERT_GE(listed.size(), 4u);
  EXPECT_EQ(listed, found(content("systemd/udev/70-tilld-scanner.rules"),
                          R"re(ATTRS\{idVendor\}=="([0-9a-f]{4})", ATTRS\{idProduct\}=="([0-9a-f]{4})")re"));
  // Each says where it was learnt.
  auto origins = std::regex("\n    origin: [A-Z][^\n]{10,}\\.");
  EXPECT_EQ(std::distance(std::sregex_iterator(list.begin(), list.end(), origins), std::sregex_iterator()),
            static_cast<std::ptrdiff_t>(listed.size()));
}

}  // namespace
