#include "plugin-api/replay/script.hpp"

#include <charconv>
#include <map>

namespace tilld::replay {
namespace {

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t' || text.back() == '\r'))
    text.remove_suffix(1);
  return text;
}

// The first word, and what stands behind it.
std::string_view take_word(std::string_view& rest) {
  rest = trimmed(rest);
  auto end = std::min(rest.find(' '), rest.size());
  auto word = rest.substr(0, end);
  rest = trimmed(rest.substr(end));
  return word;
}

template <class T>
T take_number(std::string_view& rest, const char* what) {
  auto word = take_word(rest);
  T number{};
  auto [end, failed] = std::from_chars(word.data(), word.data() + word.size(), number);
  if (failed != std::errc() || end != word.data() + word.size())
    throw wrong_script(std::string("expected ") + what + ", not \"" + std::string(word) + "\"");
  return number;
}

const std::map<std::string_view, verb> verbs = {
    {"device", verb::device},   {"start", verb::start},
    {"refused", verb::refused}, {">", verb::says},
    {"<", verb::hears},         {"ask", verb::ask},
    {"cancel", verb::cancel},   {"reply", verb::reply},
    {"event", verb::event},     {"question", verb::question},
    {"answer", verb::answer},   {"wait", verb::wait},
    {"nothing", verb::nothing}, {"unplug", verb::unplug},
    {"gone", verb::gone},
};

// A JSON object, and behind it perhaps the blob in quotes.
void take_body(std::string_view rest, step& s) {
  if (rest.empty()) {
    s.any_body = true;
    s.body = "{}";
    return;
  }
  boost::json::stream_parser parser;
  boost::json::error_code failed;
  auto used = parser.write_some(rest.data(), rest.size(), failed);
  if (failed || !parser.done() || rest.front() != '{')
    throw wrong_script("expected a JSON object, not " + std::string(rest));
  s.body = std::string(rest.substr(0, used));
  auto behind = trimmed(rest.substr(used));
  if (behind.empty()) return;
  if (behind.size() < 2 || behind.front() != '"' || behind.back() != '"')
    throw wrong_script("behind the body only a blob in quotes may stand, not " + std::string(behind));
  s.blob = unescape(behind.substr(1, behind.size() - 2));
}

step read_step(std::string_view line) {
  auto word = take_word(line);
  auto found = verbs.find(word);
  if (found == verbs.end()) throw wrong_script("there is no word \"" + std::string(word) + "\"");
  step s;
  s.what = found->second;
  switch (s.what) {
    case verb::says:
    case verb::hears:
      if (line.empty()) throw wrong_script("expected what is said");
      s.octets = unescape(line);
      break;
    case verb::wait: {
      s.ms = take_number<std::uint32_t>(line, "milliseconds");
      break;
    }
    case verb::start: take_body(line, s); break;
    case verb::reply:
    case verb::answer:
    case verb::refused:
      s.status = take_number<std::int32_t>(line, "a status, 0 for success");
      take_body(line, s);
      break;
    case verb::gone: s.status = take_number<std::int32_t>(line, "a status"); break;
    case verb::ask:
    case verb::event:
    case verb::question:
      s.name = take_word(line);
      if (s.name.empty()) throw wrong_script("expected a name such as tilld.scanner/1.scanned");
      take_body(line, s);
      break;
    case verb::cancel:
    case verb::device:
    case verb::nothing:
    case verb::unplug:
      if (!line.empty()) throw wrong_script("nothing stands behind \"" + std::string(word) + "\"");
  }
  return s;
}

}  // namespace

std::string unescape(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\') {
      out += text[i];
      continue;
    }
    if (++i == text.size()) throw wrong_script("a line ends in a single \\");
    switch (text[i]) {
      case 'r': out += '\r'; break;
      case 'n': out += '\n'; break;
      case 't': out += '\t'; break;
      case '0': out += '\0'; break;
      case '\\':
      case '"': out += text[i]; break;
      case 'x': {
        unsigned octet = 0;
        auto digits = text.substr(i + 1, 2);
        auto [end, failed] = std::from_chars(digits.data(), digits.data() + digits.size(), octet, 16);
        if (digits.size() != 2 || failed != std::errc() || end != digits.data() + 2)
          throw wrong_script("\\x needs two hexadecimal digits");
        out += static_cast<char>(octet);
        i += 2;
        break;
      }
      default:
        throw wrong_script(std::string("\\") + text[i] + " is not known: \\r \\n \\t \\0 \\\\ \\\" \\xHH");
    }
  }
  return out;
}

std::string escape(std::string_view octets) {
  constexpr const char* digits = "0123456789abcdef";
  std::string out;
  for (char c : octets) {
    auto octet = static_cast<unsigned char>(c);
    if (c == '\r')
      out += "\\r";
    else if (c == '\n')
      out += "\\n";
    else if (c == '\\')
      out += "\\\\";
    else if (octet < 0x20 || octet == 0x7f)
      (out += "\\x") += {digits[octet / 16], digits[octet % 16]};
    else
      out += c;
  }
  return out;
}

std::vector<step> read_script(std::string_view text) {
  std::vector<step> steps;
  int number = 0;
  while (!text.empty()) {
    auto end = std::min(text.find('\n'), text.size());
    auto line = trimmed(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    ++number;
    if (line.empty() || line.front() == '#') continue;
    try {
      steps.push_back(read_step(line));
      steps.back().line = number;
    } catch (const wrong_script& why) {
      throw wrong_script(std::to_string(number) + ": " + why.what());
    }
  }
  return steps;
}

}  // namespace tilld::replay
