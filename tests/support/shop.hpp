// A shop in a folder: one till and as many central servers as a test wants, as real processes on real
// sockets.
//
// The programs are those of the build folder that the test belongs to (TILLD_BUILD_FOLDER, given at compile
// time).
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tests/support/line_client.hpp"
#include "tests/support/process.hpp"
#include "tests/support/step_file.hpp"

namespace tilld::tests {

std::string program_path(const std::string& name);  // "tilld", "till-central", "tillctl"
std::string plugin_folder();
// One of tests/plugins, "test_crash".
std::string test_plugin_path(const std::string& name);
// A port that was free a moment ago.
std::uint16_t free_port();

class shop {
 public:
  struct central {
    std::string name;  // "ledger", "witness-1"
    std::string role = "ledger";
    std::uint16_t sync_port = 0, http_port = 0;
    std::string folder;
    process running;
    std::unique_ptr<step_file> steps;
  };

  // Makes the folder and writes nothing yet. The till is called till-1, branch main, merchant demo.
  explicit shop(std::string folder);
  ~shop();

  // YAML below `plugins:` ("  - {name: scanner, plugin: simulated}\n"), before the till is started.
  std::string plugins_yaml;
  std::string more_yaml;                    // any other top-level keys
  std::uint16_t tcp_port = 0;               // 0: no TCP
  std::uint16_t http_port = 0;              // of the till; 0: no HTTP
  std::vector<std::string> http_origins;    // of the pages that may come
  static inline bool check_schemas = true;  // of all tills that start; off for what measures
  std::string till_program = program_path("tilld");
  std::vector<std::string> till_environment;  // "NAME=value", from the next start on
  std::vector<std::string> till_arguments;    // beside those that every till gets

  central& add_central(const std::string& name, const std::string& role = "ledger");
  central& get_central(const std::string& name) { return *centrals_.at(name); }

  // Starts and waits until it answers. The till's key is made at its first start, so the first start of a
  // central starts the till once before, to learn the key.
  void start_till();
  void start_central(const std::string& name);
  void stop_till();  // SIGTERM, exit code 0 expected
  process& till() { return till_; }
  step_file& till_steps() { return *till_steps_; }

  std::string socket() const { return folder_ + "/tilld.sock"; }
  std::string admin_socket() const { return folder_ + "/admin.sock"; }
  std::string state_folder() const { return folder_ + "/state"; }
  std::string config_file() const { return folder_ + "/tilld.yaml"; }
  const std::string& folder() const { return folder_; }
  std::string till_log() const { return folder_ + "/tilld.log"; }

  line_client connect(bool admin = false) const;
  // GET on a central's HTTP port with its token; the body of a 200.
  std::optional<boost::json::object> get(const std::string& central, const std::string& path);
  // All records that a central holds of the till, in order, as its HTTP says.
  std::vector<boost::json::object> records_at(const std::string& central);
  // Waits until nothing waits for this destination any more; false at the deadline.
  bool wait_drained(const std::string& destination,
                    std::chrono::milliseconds at_most = std::chrono::seconds(20));

 private:
  void write_till_config();
  void write_central_config(central& c);

  std::string folder_;
  std::map<std::string, std::unique_ptr<central>> centrals_;
  std::vector<std::string> central_order_;
  process till_;
  std::unique_ptr<step_file> till_steps_;
};

// Prints and ends the program: what a test cannot do without did not happen.
[[noreturn]] void give_up(const std::string& why);

}  // namespace tilld::tests
