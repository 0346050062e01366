#include "tests/plugins/plugin_under_test.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <tilld/plugin.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <stdexcept>

namespace tilld::tests {

namespace {

using daemon::plugin_host::placement;
using daemon::plugin_host::plugin_file;
using daemon::plugin_host::runner_settings;
using wire::plugin_message_kind;

constexpr int patience_ms = 10'000;

std::string from_environment(const char* name) {
  const char* value = std::getenv(name);
  if (!value) throw std::runtime_error(std::string(name) + " is not set; run the tests with ctest");
  return value;
}

void wait_for(int descriptor, short events, const char* what) {
  pollfd one{descriptor, events, 0};
  if (::poll(&one, 1, patience_ms) != 1) throw std::runtime_error(std::string("waited in vain for ") + what);
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> list;
  for (auto& text : texts) list.push_back(text.data());
  list.push_back(nullptr);
  return list;
}

}  // namespace

std::string test_plugin(const std::string& name) {
  return from_environment("TILLD_TEST_PLUGINS") + "/test_" + name + ".so";
}
std::string shipped_plugin(const std::string& name) {
  return from_environment("TILLD_PLUGINS") + "/" + name + ".so";
}

plugin_under_test::plugin_under_test(const std::string& file, isolation mode)
    : plugin_under_test(file, options{.mode = mode}) {}

plugin_under_test::plugin_under_test(const std::string& file, options how) : mode_(how.mode) {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) throw std::runtime_error("socketpair");
  socket_.reset(ends[0]);
  if (mode_ == isolation::process)
    start_process(file, how, base::unique_fd(ends[1]));
  else
    start_thread(file, how, base::unique_fd(ends[1]));
}

void plugin_under_test::start_process(const std::string& file, const options& how,
                                      base::unique_fd other_end) {
  int pipe_ends[2];
  if (::pipe2(pipe_ends, O_CLOEXEC) != 0) throw std::runtime_error("pipe");
  spoken_.reset(pipe_ends[0]);
  const base::unique_fd speech(pipe_ends[1]);

  std::vector<std::string> arguments{"tilld-plugin-host", "--instance", "test", "--plugin", file};
  for (const auto& [path, writable] : how.allowed_paths)
    arguments.insert(arguments.end(), {"--allow-path", path + (writable ? ":rw" : "")});
  if (!how.memory_max.empty()) arguments.insert(arguments.end(), {"--memory-max", how.memory_max});
  if (how.allow_test_environment) arguments.emplace_back("--allow-test-environment");
  auto environment = how.environment;

  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, speech.get(), STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, speech.get(), STDERR_FILENO);
  posix_spawn_file_actions_adddup2(&actions, other_end.get(), 3);
  posix_spawn_file_actions_addopen(&actions, 50, "/etc/passwd", O_RDONLY, 0);  // forgotten, as it happens
  const auto program = from_environment("TILLD_PLUGIN_HOST");
  const int failed = ::posix_spawn(&pid_, program.c_str(), &actions, nullptr, pointers(arguments).data(),
                                   pointers(environment).data());
  posix_spawn_file_actions_destroy(&actions);
  if (failed) throw std::runtime_error("cannot start " + program);
}

void plugin_under_test::start_thread(const std::string& file, const options& how, base::unique_fd other_end) {
  auto opened = plugin_file::open(file, placement::daemon_thread);
  if (!opened) {
    std::promise<exit_code> refused;
    refused.set_value(daemon::plugin_host::exit_code_for(opened.error()));
    thread_ = refused.get_future();
    daemon::plugin_host::tell_load_failure(std::move(other_end), opened.error());
    return;
  }
  auto settings = std::make_shared<runner_settings>();
  settings->allowed_paths = how.allowed_paths;
  auto run = [socket = std::make_shared<base::unique_fd>(std::move(other_end)),
              plugin = std::make_shared<plugin_file>(std::move(*opened)), settings] {
    return daemon::plugin_host::run_plugin(std::move(*socket), std::move(*plugin), std::move(*settings));
  };
  thread_ = std::async(std::launch::async, run);
}

plugin_under_test::~plugin_under_test() {
  socket_.reset();
  if (pid_ > 0) {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
}

int plugin_under_test::start(const boost::json::object& config) {
  hello_ = body_of(event(instance::hello));
  const boost::json::object body{{"instance", "test"}, {"config", config}};
  return call(std::string(instance::start), boost::json::serialize(body)).status;
}

std::uint64_t plugin_under_test::ask(const std::string& name, const std::string& body,
                                     const std::string& blob, std::uint32_t deadline_ms) {
  send({.kind = plugin_message_kind::request,
        .id = ++last_id_,
        .deadline_ms = deadline_ms,
        .name = name,
        .body = body,
        .blob = blob});
  return last_id_;
}

void plugin_under_test::cancel(std::uint64_t id) {
  const boost::json::object body{{"id", id}};
  send({.name = std::string(instance::cancel), .body = boost::json::serialize(body)});
}

void plugin_under_test::send(wire::plugin_message message) {
  std::string frame;
  if (!wire::append_frame(frame, message))
    throw std::runtime_error("the test made a message that cannot be sent");
  send_octets(frame);
}

void plugin_under_test::send_octets(std::string_view octets) {
  while (!octets.empty()) {
    wait_for(socket_.get(), POLLOUT, "room in the socket");
    const auto sent = ::send(socket_.get(), octets.data(), octets.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && errno == EPIPE) return;
    if (sent > 0) octets.remove_prefix(static_cast<std::size_t>(sent));
  }
}

void plugin_under_test::hang_up() { ::shutdown(socket_.get(), SHUT_RDWR); }

std::optional<wire::plugin_message> plugin_under_test::receive() {
  for (;;) {
    auto message = reader_.next();
    if (!message) throw std::runtime_error("the plugin host sent something that is not a frame");
    if (*message && (*message)->kind == plugin_message_kind::request && respond_) {
      auto reply = respond_(**message);
      reply.kind = plugin_message_kind::reply;
      reply.id = (*message)->id;
      reply.name = (*message)->name;
      send(std::move(reply));
      continue;
    }
    if (*message) return std::move(**message);
    wait_for(socket_.get(), POLLIN, "a message of the plugin");
    char chunk[65536];
    const auto size = ::recv(socket_.get(), chunk, sizeof chunk, 0);
    if (size <= 0) return std::nullopt;
    reader_.feed({chunk, static_cast<std::size_t>(size)});
  }
}

wire::plugin_message plugin_under_test::reply_to(std::uint64_t id) {
  for (auto it = kept_.begin(); it != kept_.end(); ++it) {
    if (it->kind != plugin_message_kind::reply || it->id != id) continue;
    auto found = std::move(*it);
    kept_.erase(it);
    return found;
  }
  while (auto message = receive()) {
    if (message->kind == plugin_message_kind::reply && message->id == id) return std::move(*message);
    kept_.push_back(std::move(*message));
  }
  throw std::runtime_error("the plugin's side hung up before it answered");
}

wire::plugin_message plugin_under_test::call(const std::string& name, const std::string& body,
                                             const std::string& blob) {
  return reply_to(ask(name, body, blob));
}

wire::plugin_message plugin_under_test::event(std::string_view name) {
  for (auto it = kept_.begin(); it != kept_.end(); ++it) {
    if (it->kind == plugin_message_kind::reply || it->name != name) continue;
    auto found = std::move(*it);
    kept_.erase(it);
    return found;
  }
  while (auto message = receive()) {
    if (message->kind != plugin_message_kind::reply && message->name == name) return std::move(*message);
    kept_.push_back(std::move(*message));
  }
  throw std::runtime_error("the plugin's side hung up before it said " + std::string(name));
}

std::size_t plugin_under_test::replies_nobody_waits_for() const {
  return static_cast<std::size_t>(
      std::count_if(kept_.begin(), kept_.end(),
                    [](const wire::plugin_message& m) { return m.kind == plugin_message_kind::reply; }));
}

ending plugin_under_test::end() {
  ending how;
  if (mode_ == isolation::thread) {
    while (receive()) continue;
    if (thread_.wait_for(std::chrono::milliseconds(patience_ms)) != std::future_status::ready)
      throw std::runtime_error("the plugin's thread did not end");
    how.code = thread_.get();
    return how;
  }
  while (receive()) continue;
  const base::unique_fd process(static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0)));
  wait_for(process.get(), POLLIN, "the end of the process");
  int status = 0;
  ::waitpid(std::exchange(pid_, -1), &status, 0);
  if (WIFSIGNALED(status)) how.signal = WTERMSIG(status);
  if (!WIFEXITED(status)) return how;
  if (daemon::plugin_host::describe(WEXITSTATUS(status)))
    how.code = static_cast<exit_code>(WEXITSTATUS(status));
  else
    how.other_code = WEXITSTATUS(status);
  return how;
}

std::string plugin_under_test::spoken() {
  std::string all;
  char chunk[4096];
  pollfd one{spoken_.get(), POLLIN, 0};
  while (::poll(&one, 1, 0) == 1) {
    const auto size = ::read(spoken_.get(), chunk, sizeof chunk);
    if (size <= 0) break;
    all.append(chunk, static_cast<std::size_t>(size));
  }
  return all;
}

}  // namespace tilld::tests
