// The HTTP side of till-central: what every request must be before it reaches a route, and a small client for
// the program's own commands. Beast is compiled in http.cpp and nowhere else.
//
// A request needs a Host that names this machine and the port (421), a known path (404), the method of that
// path (405), the bearer token (401) and fits the limits (413, 431). There is no cross-origin answer of any
// kind. Answers are JSON.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <boost/asio/io_context.hpp>

#include "base/error.hpp"
#include "wire/loopback.hpp"

namespace tilld::central {

struct http_request {
  std::string method;
  std::vector<std::string> path;  // "/v1/tills/till-1/head" is {"v1", "tills", "till-1", "head"}
  std::vector<std::pair<std::string, std::string>> query;
  std::string body;
};

struct http_answer {
  int status = 200;
  std::string body;
  std::string allow;  // with 405
};

// Called on the thread of the io_context; `then` once, at any later time.
using http_route = std::function<void(http_request, std::function<void(http_answer)> then)>;

// {"error":{"kind":...,"detail":...}}
std::string http_error_body(const base::error& why);

class http_server {
 public:
  struct limits {
    std::size_t head_octets_max = 8 << 10;
    std::size_t body_octets_max = 64 << 10;
    std::size_t connections_max = 64;
    int seconds_for_a_request = 10;
    int seconds_for_an_answer = 30;
    int seconds_between_requests = 30;
  };
  // `token_path` holds the bearer token as text; it is made (32 random octets in hex, mode 0600) when
  // missing.
  static base::result<std::unique_ptr<http_server>> listen(boost::asio::io_context& io,
                                                           const wire::loopback_address& at,
                                                           const std::string& token_path, http_route route,
                                                           limits l);
  ~http_server();
  std::uint16_t port() const;
  void stop();

 private:
  class listener;
  explicit http_server(std::shared_ptr<listener> l) : listener_(std::move(l)) {}
  std::shared_ptr<listener> listener_;
};

// One request to the running server, with the token of the file. Blocks, at most ten seconds a step.
// central_unreachable when nobody listens there.
base::result<http_answer> http_ask(const wire::loopback_address& at, const std::string& token_path,
                                   const std::string& method, const std::string& target,
                                   const std::string& body);

}  // namespace tilld::central
