#include "wire/json_rpc.hpp"

#include <algorithm>
#include <deque>
#include <vector>

#include <boost/json.hpp>

#include "base/strict_json.hpp"

namespace tilld::wire {
namespace {

// A shorter line is not worth counting in.
constexpr std::size_t counted_size = 64 * 1024, many_values = 1000;

std::string_view skip_space(std::string_view s) {
  auto at = s.find_first_not_of(" \t\r\n");
  return at == std::string_view::npos ? std::string_view() : s.substr(at);
}

// Size of the JSON text at the beginning of s, its quotes included.
std::size_t text_size(std::string_view s) {
  for (std::size_t from = 1;;) {
    auto quote = s.find('"', from);
    if (quote == std::string_view::npos) return s.size();
    auto last = s.find_last_not_of('\\', quote - 1);
    if ((quote - 1 - last) % 2 == 0) return quote + 1;
    from = quote + 1;
  }
}

// Size of the JSON value at the beginning of s, which is known to be well-formed.
std::size_t value_size(std::string_view s) {
  int depth = 0;
  for (std::size_t i = 0; i < s.size(); ++i) {
    switch (s[i]) {
      case '"':
        i += text_size(s.substr(i)) - 1;
        if (depth == 0) return std::min(i + 1, s.size());
        break;
      case '{':
      case '[': ++depth; break;
      case '}':
      case ']':
        if (depth == 0) return i;  // the end of the object around a number or word
        if (--depth == 0) return i + 1;
        break;
      case ',':
      case ' ':
      case '\t':
      case '\r':
      case '\n':
        if (depth == 0) return i;
        break;
      default: break;
    }
  }
  return s.size();
}

// How many values it has, give or take a few; exact enough for JSON, and only a guess for what is none and
// will be refused anyway. Stops counting behind the most that a request may have.
std::size_t count_values(std::string_view line) {
  std::size_t count = 0;
  for (std::size_t i = 0; i < line.size() && count <= json_values_max; ++i) {
    char c = line[i];
    if (c == '"') {
      for (++i; i < line.size() && line[i] != '"'; ++i)
        if (line[i] == '\\') ++i;
    } else if (c == ',' || c == '{' || c == '[') {
      ++count;
    }
  }
  return count;
}

// Names of members in a text that is known to be well-formed: as many as there are colons outside of texts.
std::size_t count_names(std::string_view json) {
  std::size_t count = 0;
  for (std::size_t i = 0; i < json.size(); ++i) {
    if (json[i] == '"')
      i += text_size(json.substr(i)) - 1;
    else
      count += json[i] == ':';
  }
  return count;
}

std::size_t count_members(const boost::json::object& in);

std::size_t count_members_within(const boost::json::value& in) {
  if (auto* object = in.if_object()) return count_members(*object);
  std::size_t count = 0;
  if (auto* list = in.if_array())
    for (auto& element : *list) count += count_members_within(element);
  return count;
}

std::size_t count_members(const boost::json::object& in) {
  std::size_t count = in.size();
  for (auto& member : in) count += count_members_within(member.value());
  return count;
}

}  // namespace

void line_splitter::feed(std::string_view octets) {
  if (begin_ > 0) {
    buffer_.erase(0, begin_);
    searched_ -= begin_;
    begin_ = 0;
  }
  // A long line gone by must not keep its memory for the rest of the connection.
  rest();
  buffer_.append(octets);
}

void line_splitter::rest() {
  if (begin_ < buffer_.size() || buffer_.capacity() <= 16 * 1024) return;
  std::string().swap(buffer_);
  begin_ = searched_ = 0;
}

base::result<std::optional<std::string_view>> line_splitter::next() {
  for (;;) {
    auto end = buffer_.find('\n', searched_);
    if (end == std::string::npos) {
      searched_ = buffer_.size();
      if (held() > line_size_max)
        return base::error{base::errc::message_too_large, "a line is longer than 1 MiB"};
      return std::optional<std::string_view>();
    }
    std::string_view line(buffer_.data() + begin_, end - begin_);
    begin_ = searched_ = end + 1;
    if (line.size() > line_size_max)
      return base::error{base::errc::message_too_large, "a line is longer than 1 MiB"};
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    if (!line.empty()) return std::optional(line);
  }
}

boost::system::result<rpc_request, rpc_refusal> parse_request(std::string_view line) {
  boost::json::storage_ptr memory;
  rpc_refusal refusal;
  auto refuse = [&](base::errc code, const std::string& why) {
    refusal.why = {code, why};
    return refusal;
  };
  if (line.size() > counted_size) {
    auto count = count_values(line);
    if (count > json_values_max)
      return refuse(base::errc::message_too_large, "a request has at most 65536 members and elements");
    // Thousands of values are made and dropped together.
    if (count > many_values)
      memory = boost::json::make_shared_resource<boost::json::monotonic_resource>(line.size());
  }
  boost::json::parse_options options;
  options.max_depth = json_depth_max;
  boost::system::error_code failed;
  auto value = base::parse_json(line, failed, memory, options);
  if (failed) return refuse(base::errc::parse_error, failed.message());
  if (value.is_array())
    return refuse(base::errc::invalid_request, "batches are not accepted; send one object a line");
  auto* object = value.if_object();
  if (!object) return refuse(base::errc::invalid_request, "a request is a JSON object");

  rpc_request request{{}, {}, boost::json::object(memory)};
  if (auto* id = object->if_contains("id")) {
    auto text = request_id_text(*id);
    if (!text)
      return refuse(base::errc::invalid_request, "id must be a text of at most 128 characters or an integer");
    request.id = refusal.id = *text;
  }
  auto* version = object->if_contains("jsonrpc");
  if (!version || !version->is_string() || version->get_string() != "2.0")
    return refuse(base::errc::invalid_request, R"(jsonrpc must be "2.0")");
  auto* method = object->if_contains("method");
  if (!method || !method->is_string() || method->get_string().empty() || method->get_string().size() > 128)
    return refuse(base::errc::invalid_request, "method must be a text");
  request.method = std::string(method->get_string());
  if (auto* params = object->if_contains("params")) {
    if (!params->is_object()) return refuse(base::errc::invalid_request, "params must be an object");
    request.params = std::move(params->get_object());
  }
  return request;
}

std::optional<std::string> request_id_text(const boost::json::value& id) {
  if (id.is_int64()) return std::to_string(id.get_int64());
  if (id.is_string() && id.get_string().size() <= request_id_size_max) return boost::json::serialize(id);
  if (id.is_uint64() || id.is_null()) return boost::json::serialize(id);
  return std::nullopt;
}

std::string_view raw_params(std::string_view line) {
  auto found = raw_member(line, "params");
  return found.empty() ? "{}" : found;
}

std::string_view raw_member(std::string_view object, std::string_view name) {
  std::string_view found;
  auto rest = skip_space(object);
  if (rest.empty() || rest.front() != '{') return found;
  rest = skip_space(rest.substr(1));
  while (!rest.empty() && rest.front() == '"') {
    auto key_size = value_size(rest);
    auto key = rest.substr(0, key_size);
    rest = skip_space(rest.substr(key_size));
    if (rest.empty() || rest.front() != ':') return found;
    rest = skip_space(rest.substr(1));
    auto size = value_size(rest);
    // A key may be spelt with escapes; the parsed text decides.
    bool same = key.substr(1, key.size() - 2) == name;
    if (!same && key.find('\\') != std::string_view::npos) {
      boost::system::error_code failed;
      auto plain = boost::json::parse(boost::json::string_view(key.data(), key.size()), failed);
      same = !failed && plain.is_string() && std::string_view(plain.get_string()) == name;
    }
    if (same) found = rest.substr(0, size);
    rest = skip_space(rest.substr(size));
    if (rest.empty() || rest.front() != ',') return found;
    rest = skip_space(rest.substr(1));
  }
  return found;
}

std::optional<std::string> repeated_member(std::string_view json, const boost::json::object& parsed) {
  if (count_names(json) == count_members(parsed)) return std::nullopt;
  return repeated_member(json);
}

std::optional<std::string> repeated_member(std::string_view json) {
  struct around {
    bool is_object;
    std::size_t first_name;
  };
  std::vector<around> open;
  std::vector<std::string_view> names;  // of all objects that are open, one behind the other
  std::deque<std::string> unescaped;
  bool name_comes = false;
  for (std::size_t i = 0; i < json.size(); ++i) {
    switch (json[i]) {
      case '{':
      case '[':
        open.push_back({json[i] == '{', names.size()});
        name_comes = open.back().is_object;
        break;
      case '}':
      case ']': {
        if (open.empty()) return std::nullopt;
        auto first = names.begin() + static_cast<std::ptrdiff_t>(open.back().first_name);
        std::sort(first, names.end());
        if (auto twice = std::adjacent_find(first, names.end()); twice != names.end())
          return std::string(*twice);
        names.erase(first, names.end());
        open.pop_back();
        name_comes = false;
        break;
      }
      case ',': name_comes = !open.empty() && open.back().is_object; break;
      case '"': {
        auto size = value_size(json.substr(i));
        if (name_comes) {
          auto name = json.substr(i + 1, size < 2 ? 0 : size - 2);
          if (name.find('\\') != std::string_view::npos) {
            boost::system::error_code failed;
            auto plain = boost::json::parse(boost::json::string_view(json.data() + i, size), failed);
            if (!failed && plain.is_string()) name = unescaped.emplace_back(plain.get_string());
          }
          names.push_back(name);
          name_comes = false;
        }
        i += size - 1;
        break;
      }
      default: break;
    }
  }
  return std::nullopt;
}

answer make_result(const boost::json::object& result) { return {false, boost::json::serialize(result)}; }

answer make_error(const base::error& why, base::language l, const std::optional<base::uuid>& operation) {
  auto& entry = base::describe(why.code);
  boost::json::object data{{"kind", entry.kind}, {"retryable", entry.retryable}};
  if (operation) data["operation_id"] = operation->text();
  data["user_message"] = entry.sentence(l);
  data["hint"] = entry.hint;
  boost::json::object e{{"code", static_cast<int>(entry.code)},
                        {"message", why.detail.empty() ? std::string(entry.english) : why.detail},
                        {"data", std::move(data)}};
  return {true, boost::json::serialize(e)};
}

void append_answer(std::string& out, std::string_view id, const answer& a) {
  out += R"({"jsonrpc":"2.0","id":)";
  out += id;
  out += a.is_error ? R"(,"error":)" : R"(,"result":)";
  out += a.text;
  out += '}';
}

void append_notification(std::string& out, std::string_view method, std::string_view params) {
  out += R"({"jsonrpc":"2.0","method":")";
  out += method;
  out += R"(","params":)";
  out += params;
  out += '}';
}

void throw_exception_from_error(const rpc_refusal& e, const boost::source_location& where) {
  base::throw_exception_from_error(e.why, where);
}

}  // namespace tilld::wire
