// What tills can ask central: one table of methods. A till's plugins reach it as tilld.central/1.call; later
// modules add their methods here. Names are namespace.verb, parameters and results JSON objects.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>

#include <boost/json/value.hpp>

#include "base/error.hpp"

namespace tilld::central {

// Who asks, as proved at sign-on; never what the parameters say.
struct caller {
  std::string till;
};

class call_table {
 public:
  // The result as JSON text, or why not. May be called later, once, on the thread of the io_context.
  using answer = std::function<void(base::result<std::string>)>;
  using method = std::function<void(const caller&, const boost::json::object& params, answer)>;

  void add(std::string name, method m) { methods_[std::move(name)] = std::move(m); }

  // unknown_method, and invalid_params for parameters that are not a JSON object, are answered here.
  void run(const caller& who, std::string_view name, std::string_view params, answer then) const;

 private:
  std::map<std::string, method, std::less<>> methods_;
};

}  // namespace tilld::central
