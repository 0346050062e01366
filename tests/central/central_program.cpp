#include "tests/central/central_program.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <fstream>
#include <sstream>

#include <boost/json/parse.hpp>

namespace tilld::tests {
namespace {

int wait_for_end(pid_t pid) {
  int status = 0;
  if (::waitpid(pid, &status, 0) != pid) return -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int remaining_ms(deadline_clock::time_point until) {
  auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - deadline_clock::now()).count();
  return left < 0 ? 0 : static_cast<int>(left);
}

}  // namespace

std::string slurp(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::stringstream all;
  all << in.rdbuf();
  return all.str();
}

// The kernel hands out another one next time, so two programs of one test do not meet.
std::uint16_t free_port() {
  base::unique_fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof at;
  EXPECT_EQ(::bind(fd.get(), reinterpret_cast<sockaddr*>(&at), size), 0);
  EXPECT_EQ(::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&at), &size), 0);
  return ntohs(at.sin_port);
}

boost::json::value http_reply::json() const {
  boost::system::error_code problem;
  auto v = boost::json::parse(body, problem);
  EXPECT_FALSE(problem) << status << " " << body;
  return v;
}

central_program::central_program(std::string role)
    : role_(std::move(role)), sync_port_(free_port()), http_port_(free_port()) {
  auto steps_path = file("steps");
  base::unique_fd fd(::open(steps_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  EXPECT_EQ(::ftruncate(fd.get(), 4096), 0);
  steps_ =
      static_cast<std::uint32_t*>(::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd.get(), 0));
}

central_program::~central_program() {
  kill();
  ::munmap(steps_, 4096);
}

void central_program::write_config() {
  std::ofstream out(config_path());
  out << "merchants:\n  - {id: shop, name: Corner Shop}\nbranches:\n  - {id: main, merchant: shop}\ntills:\n";
  for (auto& [id, t] : tills)
    out << "  - {id: " << id << ", branch: main, public_key: " << base::to_hex(t.key)
        << ", epoch: " << t.epoch << "}\n";
  if (tills.empty()) out << "  []\n";
  out << "database: sqlite:" << database() << "\nrole: " << role_
      << "\nlisten: {sync: 127.0.0.1:" << sync_port_ << ", http: 127.0.0.1:" << http_port_ << "}\n"
      << more_yaml;
}

pid_t central_program::spawn(const std::vector<std::string>& arguments, const std::string& output_path,
                             bool notify) const {
  std::vector<char*> argv;
  std::string program = TILL_CENTRAL_PROGRAM;
  argv.push_back(program.data());
  auto copies = arguments;
  for (auto& a : copies) argv.push_back(a.data());
  argv.push_back(nullptr);
  auto notify_path = file("notify");
  auto steps_path = file("steps");
  auto pid = ::fork();
  if (pid != 0) return pid;
  int out = ::open(output_path.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
  ::dup2(out, 1);
  ::dup2(out, 2);
  ::unsetenv("JOURNAL_STREAM");
  if (notify) {
    ::setenv("NOTIFY_SOCKET", notify_path.c_str(), 1);
    ::setenv("TILLD_TEST_STEPS", steps_path.c_str(), 1);
  } else {
    ::unsetenv("NOTIFY_SOCKET");
  }
  ::execv(program.c_str(), argv.data());
  ::_exit(127);
}

bool central_program::start() {
  auto notify_path = file("notify");
  ::unlink(notify_path.c_str());
  notify_.reset(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  sockaddr_un at{};
  at.sun_family = AF_UNIX;
  std::strncpy(at.sun_path, notify_path.c_str(), sizeof at.sun_path - 1);
  EXPECT_EQ(::bind(notify_.get(), reinterpret_cast<sockaddr*>(&at), sizeof at), 0);
  notifications_.clear();
  pid_ = spawn({"--config", config_path(), "--allow-test-environment"}, file("output"), true);
  auto until = deadline_clock::now() + patience;
  while (deadline_clock::now() < until) {
    for (auto& n : notifications())
      if (n.find("READY=1") != std::string::npos) return true;
    int status = 0;
    if (::waitpid(pid_, &status, WNOHANG) == pid_) {
      pid_ = -1;
      return false;
    }
    pollfd wait{notify_.get(), POLLIN, 0};
    ::poll(&wait, 1, std::min(100, remaining_ms(until)));
  }
  ADD_FAILURE() << "till-central did not become ready: " << output();
  return false;
}

std::vector<std::string> central_program::notifications() {
  char text[4096];
  for (;;) {
    auto n = ::recv(notify_.get(), text, sizeof text, 0);
    if (n <= 0) return notifications_;
    notifications_.emplace_back(text, static_cast<std::size_t>(n));
  }
}

void central_program::kill() {
  if (pid_ <= 0) return;
  ::kill(pid_, SIGKILL);
  wait_for_end(pid_);
  pid_ = -1;
}

int central_program::stop() {
  ::kill(pid_, SIGTERM);
  auto code = wait_for_end(pid_);
  pid_ = -1;
  return code;
}

std::string central_program::output() const { return slurp(file("output")); }

finished central_program::command(std::vector<std::string> arguments) {
  auto path = file("command-output");
  ::unlink(path.c_str());
  arguments.push_back("--config");
  arguments.push_back(config_path());
  auto pid = spawn(arguments, path, false);
  finished f;
  f.code = wait_for_end(pid);
  f.output = slurp(path);
  return f;
}

std::string central_program::token() const {
  auto text = slurp(file("central.token"));
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

http_reply central_program::ask(const std::string& method, const std::string& path, const std::string& body) {
  std::string octets = method + " " + path + " HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(http_port_) +
                       "\r\nAuthorization: Bearer " + token() + "\r\nConnection: close\r\n";
  if (!body.empty()) octets += "Content-Length: " + std::to_string(body.size()) + "\r\n";
  return raw_http(octets + "\r\n" + body);
}

http_reply central_program::raw_http(const std::string& octets) const {
  base::unique_fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  timeval limit{patience.count(), 0};
  ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  at.sin_port = htons(http_port_);
  http_reply r;
  if (::connect(fd.get(), reinterpret_cast<sockaddr*>(&at), sizeof at) != 0) return r;
  // The answer may come before all was sent, when it is refused early.
  ::send(fd.get(), octets.data(), octets.size(), MSG_NOSIGNAL);
  std::string all;
  char chunk[16384];
  for (;;) {
    auto n = ::recv(fd.get(), chunk, sizeof chunk, 0);
    if (n <= 0) break;
    all.append(chunk, static_cast<std::size_t>(n));
  }
  auto end = all.find("\r\n\r\n");
  if (all.rfind("HTTP/1.", 0) != 0 || end == std::string::npos) return r;
  r.status = std::atoi(all.c_str() + 9);
  r.head = all.substr(0, end);
  r.body = all.substr(end + 4);
  return r;
}

void central_program::stop_at(base::step s, std::uint32_t after) {
  steps_[2] = after;
  __atomic_store_n(&steps_[1], static_cast<std::uint32_t>(s), __ATOMIC_SEQ_CST);
}

std::uint32_t central_program::times_stopped() const { return __atomic_load_n(&steps_[3], __ATOMIC_SEQ_CST); }

std::size_t central_program::memory() const {
  auto text = slurp("/proc/" + std::to_string(pid_) + "/statm");
  std::stringstream in(text);
  std::size_t size = 0, resident = 0;
  in >> size >> resident;
  return resident * 4096;
}

}  // namespace tilld::tests
