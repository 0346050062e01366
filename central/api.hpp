// What people and their scripts ask of a running till-central over HTTP:
//   GET  /v1/status                                        everything at a glance
//   GET  /v1/tills                                         each till and where it stands
//   GET  /v1/tills/{till}/head                             one till
//   GET  /v1/tills/{till}/records?from=N&limit=N           its records, readable, with their hashes
//   GET  /v1/verify                                        reads everything again, in slices
//   POST /v1/tills/{till}/release  {"reason":"..."}        lets a till go on that is in quarantine
#pragma once

#include "central/http.hpp"
#include "central/server.hpp"
#include "central/verification.hpp"

namespace tilld::central {

// The route for http_server. The server must outlive the io_context's work.
http_route make_api(boost::asio::io_context& io, server& s);

boost::json::object to_json(const stored_entry& record);
boost::json::object to_json(const verification_report& report);

}  // namespace tilld::central
