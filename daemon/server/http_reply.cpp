#include "daemon/server/http_reply.hpp"

#include "wire/json_rpc.hpp"

namespace tilld::daemon {
namespace {

std::string_view reason(int status) {
  switch (status) {
    case 200: return "OK";
    case 204: return "No Content";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 408: return "Request Timeout";
    case 411: return "Length Required";
    case 413: return "Content Too Large";
    case 415: return "Unsupported Media Type";
    case 417: return "Expectation Failed";
    case 421: return "Misdirected Request";
    case 426: return "Upgrade Required";
    case 429: return "Too Many Requests";
    case 431: return "Request Header Fields Too Large";
    case 501: return "Not Implemented";
    case 503: return "Service Unavailable";
    case 505: return "HTTP Version Not Supported";
  }
  return "Refused";
}

constexpr std::string_view for_every_answer =
    "X-Content-Type-Options: nosniff\r\n"
    "X-Frame-Options: DENY\r\n"
    "Content-Security-Policy: default-src 'none'; frame-ancestors 'none'\r\n"
    "Cross-Origin-Resource-Policy: same-origin\r\n"
    "Cache-Control: no-store\r\n"
    "Vary: Origin\r\n";

}  // namespace

std::string reply_text(const http_reply& reply, const wire::http_head* head, const http_verdict& v) {
  std::string out = "HTTP/1.1 " + std::to_string(reply.status) + " ";
  out += reason(reply.status);
  out += "\r\n";
  out += for_every_answer;
  if (!v.origin.empty()) {
    out += "Access-Control-Allow-Origin: " + v.origin + "\r\n";
    if (v.where == http_verdict::goes::preflight) {
      out +=
          "Access-Control-Allow-Methods: GET, POST\r\n"
          "Access-Control-Allow-Headers: content-type, authorization, x-tilld-client\r\n"
          "Access-Control-Max-Age: 600\r\n";
      auto* asked = head ? head->find("access-control-request-private-network") : nullptr;
      if (asked && *asked == "true") out += "Access-Control-Allow-Private-Network: true\r\n";
    }
  }
  if (reply.status == 405 || v.where == http_verdict::goes::preflight)
    out += "Allow: " + std::string(v.allow) + "\r\n";
  if (reply.status == 401) out += "WWW-Authenticate: Bearer realm=\"tilld\"\r\n";
  if (reply.status == 426) out += "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n";
  if (reply.status == 429) out += "Retry-After: 60\r\n";
  if (reply.status == 503) out += "Retry-After: 1\r\n";
  if (reply.close || reply.status == 426)
    out += reply.status == 426 ? "Connection: close, Upgrade\r\n" : "Connection: close\r\n";
  if (reply.status != 204) {
    if (!reply.body.empty()) out += "Content-Type: application/json\r\n";
    out += "Content-Length: " + std::to_string(reply.body.size()) + "\r\n";
  }
  out += "\r\n";
  out += reply.body;
  return out;
}

std::string refusal_body(const base::error& why, base::language l) {
  std::string body;
  wire::append_answer(body, "null", wire::make_error(why, l));
  return body;
}

}  // namespace tilld::daemon
