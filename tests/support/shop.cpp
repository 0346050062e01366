#include "tests/support/shop.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace tilld::tests {

namespace fs = std::filesystem;
using std::chrono::milliseconds;

namespace {

std::string read_text(const std::string& path) {
  std::ifstream in(path);
  std::stringstream all;
  all << in.rdbuf();
  return all.str();
}

std::string first_word(std::string text) {
  auto end = text.find_first_of(" \r\n");
  return end == std::string::npos ? text : text.substr(0, end);
}

// A whole HTTP/1.1 exchange with Connection: close. Nothing when the server does not answer with 200.
std::optional<std::string> http_get(std::uint16_t port, const std::string& token, const std::string& path) {
  line_client http;
  if (!http.connect_tcp(port)) return std::nullopt;
  auto host = "127.0.0.1:" + std::to_string(port);
  http.send_raw("GET " + path + " HTTP/1.1\r\nHost: " + host + "\r\nAuthorization: Bearer " + token +
                "\r\nConnection: close\r\n\r\n");
  auto status = http.read_line();
  if (!status || status->find(" 200") == std::string::npos) return std::nullopt;
  for (auto line = http.read_line(); line && *line != "\r"; line = http.read_line()) {
  }
  std::string body;
  while (auto line = http.read_line()) body += *line + "\n";
  // The last line has no end, so read_line() keeps it: take it as it stands.
  return body + http.unread();
}

}  // namespace

void give_up(const std::string& why) {
  std::fprintf(stderr, "%s\n", why.c_str());
  std::exit(2);
}

std::string program_path(const std::string& name) { return std::string(TILLD_BUILD_FOLDER) + "/bin/" + name; }
std::string plugin_folder() { return std::string(TILLD_BUILD_FOLDER) + "/plugins"; }
std::string test_plugin_path(const std::string& name) {
  return std::string(TILLD_BUILD_FOLDER) + "/test-plugins/" + name + ".so";
}

std::uint16_t free_port() {
  int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (::bind(fd, reinterpret_cast<sockaddr*>(&address), size) != 0) give_up("no free port");
  ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
  ::close(fd);
  return ntohs(address.sin_port);
}

shop::shop(std::string folder) : folder_(std::move(folder)) {
  fs::create_directories(folder_);
  till_steps_ = std::make_unique<step_file>(folder_ + "/till.steps");
}

shop::~shop() {
  // Whatever the test is about: with --check-schemas the daemon looks at its own messages, too.
  if (read_text(till_log()).find("tilld breaks a schema") != std::string::npos)
    give_up("tilld sent a plugin a message that does not fit its schema; see " + till_log());
}

shop::central& shop::add_central(const std::string& name, const std::string& role) {
  auto c = std::make_unique<central>();
  c->name = name;
  c->role = role;
  c->sync_port = free_port();
  c->http_port = free_port();
  c->folder = folder_ + "/" + name;
  fs::create_directories(c->folder);
  c->steps = std::make_unique<step_file>(c->folder + "/central.steps");
  central_order_.push_back(name);
  return *(centrals_[name] = std::move(c));
}

void shop::write_till_config() {
  std::ofstream out(config_file());
  out << "till: {id: till-1, branch: main, merchant: demo}\n"
      << "state: " << state_folder() << "\n"
      << "listen:\n  unix: " << socket() << "\n  admin: " << admin_socket() << "\n";
  if (tcp_port) out << "  tcp: \"127.0.0.1:" << tcp_port << "\"\n";
  if (http_port) {
    out << "  http:\n    address: \"127.0.0.1:" << http_port << "\"\n";
    if (!http_origins.empty()) out << "    origins:\n";
    for (auto& origin : http_origins) out << "      - \"" << origin << "\"\n";
  }
  if (!centrals_.empty()) out << "destinations:\n";
  for (auto& name : central_order_) {
    auto& c = *centrals_.at(name);
    out << "  - {name: " << c.name << ", url: \"tcp://127.0.0.1:" << c.sync_port << "\", role: " << c.role
        << "}\n";
  }
  out << "plugin_folder: " << plugin_folder() << "\n" << more_yaml;
  if (!plugins_yaml.empty()) out << "plugins:\n" << plugins_yaml;
}

void shop::write_central_config(central& c) {
  auto key = first_word(read_text(state_folder() + "/device.pub"));
  if (key.size() != 64) {
    start_till();
    stop_till();
    key = first_word(read_text(state_folder() + "/device.pub"));
  }
  std::ofstream out(c.folder + "/central.yaml");
  out << "merchants: [{id: demo, name: Demo shop}]\n"
      << "branches: [{id: main, merchant: demo, name: Main street}]\n"
      << "tills:\n  - {id: till-1, branch: main, public_key: " << key << "}\n"
      << "database: sqlite:" << c.folder << "/central.db\n"
      << "role: " << c.role << "\n"
      << "listen: {sync: \"127.0.0.1:" << c.sync_port << "\", http: \"127.0.0.1:" << c.http_port << "\"}\n";
}

void shop::start_till() {
  write_till_config();
  process::how how;
  how.arguments = {"--config", config_file(), "--allow-test-environment"};
  if (check_schemas) how.arguments.push_back("--check-schemas");
  how.arguments.insert(how.arguments.end(), till_arguments.begin(), till_arguments.end());
  how.environment = till_environment;
  how.environment.push_back(till_steps_->variable());
  how.log = till_log();
  till_ = process(till_program, how);
  // A child of a till that was killed may hold its socket a moment longer; who connects then is hung up on
  // and tries again, as a till would.
  auto until = std::chrono::steady_clock::now() + milliseconds(15'000);
  do {
    auto client = connect();
    if (client.call("system.ping")) return;
  } while (std::chrono::steady_clock::now() < until);
  give_up("tilld does not answer; see " + till_log());
}

void shop::start_central(const std::string& name) {
  auto& c = *centrals_.at(name);
  write_central_config(c);
  process::how how;
  how.arguments = {"--config", c.folder + "/central.yaml", "--allow-test-environment"};
  how.environment = {c.steps->variable()};
  how.log = c.folder + "/central.log";
  c.running = process(program_path("till-central"), how);
  line_client probe;
  if (!probe.connect_tcp(c.http_port, milliseconds(15'000)))
    give_up("till-central does not listen; see " + how.log);
}

void shop::stop_till() {
  till_.signal(SIGTERM);
  auto code = till_.wait(milliseconds(15'000));
  if (!code || *code != 0) give_up("tilld did not stop in order; see " + till_log());
}

line_client shop::connect(bool admin) const {
  line_client client;
  if (!client.connect_unix(admin ? admin_socket() : socket(), milliseconds(15'000)))
    give_up("cannot connect to tilld; see " + till_log());
  return client;
}

std::optional<boost::json::object> shop::get(const std::string& name, const std::string& path) {
  auto& c = *centrals_.at(name);
  auto body = http_get(c.http_port, first_word(read_text(c.folder + "/central.token")), path);
  if (!body) return std::nullopt;
  boost::system::error_code failed;
  auto value = boost::json::parse(*body, failed);
  if (failed || !value.is_object()) return std::nullopt;
  return value.as_object();
}

std::vector<boost::json::object> shop::records_at(const std::string& name) {
  std::vector<boost::json::object> all;
  for (;;) {
    auto page = get(name, "/v1/tills/till-1/records?from=" + std::to_string(all.size() + 1) + "&limit=500");
    if (!page) give_up("till-central does not give its records");
    auto& list = page->at("records").as_array();
    if (list.empty()) return all;
    for (auto& one : list) all.push_back(one.as_object());
  }
}

bool shop::wait_drained(const std::string& destination, milliseconds at_most) {
  auto until = std::chrono::steady_clock::now() + at_most;
  auto client = connect();
  while (std::chrono::steady_clock::now() < until) {
    auto status = client.call("queue.status");
    if (!status) return false;
    for (auto& d : status->at("result").at("destinations").as_array())
      if (d.at("name").as_string() == destination &&
          d.at("waiting").at("records").to_number<std::int64_t>() == 0)
        return true;
    (void)client.read_line(milliseconds(20));
  }
  return false;
}

}  // namespace tilld::tests
