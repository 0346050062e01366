#include "central/calls.hpp"

#include <boost/json/parse.hpp>

namespace tilld::central {

void call_table::run(const caller& who, std::string_view name, std::string_view params, answer then) const {
  auto at = methods_.find(name);
  if (at == methods_.end())
    return then(base::error{base::errc::unknown_method, "central has no method " + std::string(name)});
  boost::system::error_code problem;
  auto parsed = boost::json::parse(params, problem);
  if (problem || !parsed.is_object())
    return then(base::error{base::errc::invalid_params,
                            "the parameters of " + std::string(name) + " must be an object"});
  at->second(who, parsed.as_object(), std::move(then));
}

}  // namespace tilld::central
