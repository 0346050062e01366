// JSON as it comes from others. Boost.JSON 1.81 takes a number that no double holds (1e400) for infinity, and
// writes infinity as a word that is no JSON any more: what was let in could not be passed on.
#pragma once

#include <string_view>

#include <boost/json/parse_options.hpp>
#include <boost/json/storage_ptr.hpp>
#include <boost/json/value.hpp>
#include <boost/system/error_code.hpp>

namespace tilld::base {

// As boost::json::parse, with exponent_overflow for every number beyond what a double holds.
boost::json::value parse_json(std::string_view text, boost::system::error_code& failed,
                              boost::json::storage_ptr memory = {},
                              const boost::json::parse_options& options = {});

}  // namespace tilld::base
