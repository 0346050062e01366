#include "plugins/simulated/plain_text.hpp"

#include <string_view>

namespace simulated {

namespace {

namespace json = boost::json;

constexpr std::size_t columns = 42;

// An element's text is a string, or a list of spans that each have one.
std::string text_of(const json::value& text) {
  if (text.is_string()) return std::string(text.get_string());
  if (const auto* span = text.if_object()) {
    const auto* inner = span->if_contains("text");
    return inner ? text_of(*inner) : std::string();
  }
  std::string joined;
  if (const auto* spans = text.if_array())
    for (const auto& span : *spans) joined += text_of(span);
  return joined;
}

// The content of {"qr": "data"} or {"qr": {"data": "data"}}.
std::string data_of(const json::value& code) {
  if (const auto* object = code.if_object()) {
    const auto* data = object->if_contains("data");
    return data ? text_of(*data) : std::string();
  }
  return text_of(code);
}

class printing {
 public:
  explicit printing(const tilld::printer::slots_by_name& slots) : slots_(slots) {}

  void print(const json::object& element) {
    if (const auto* text = element.if_contains("text")) {
      print_text(text_of(*text));
    } else if (const auto* row = element.if_contains("row")) {
      print_row(*row);
    } else if (const auto* slot = element.if_contains("slot")) {
      print_slot(text_of(*slot));
    } else if (element.contains("rule")) {
      lines_.emplace_back(columns, '-');
    } else if (element.contains("image")) {
      lines_.emplace_back("[image]");
    } else if (const auto* qr = element.if_contains("qr")) {
      lines_.push_back("[qr " + data_of(*qr) + "]");
    } else if (const auto* barcode = element.if_contains("barcode")) {
      lines_.push_back("[barcode " + data_of(*barcode) + "]");
    }
  }

  std::vector<std::string> lines() && { return std::move(lines_); }

 private:
  void print_text(std::string_view text) {
    for (;;) {
      const auto end = text.find('\n');
      lines_.emplace_back(text.substr(0, end));
      if (end == text.npos) return;
      text.remove_prefix(end + 1);
    }
  }

  void print_row(const json::value& row) {
    std::string line;
    if (const auto* cells = row.if_array())
      for (const auto& cell : *cells) line += (line.empty() ? "" : " ") + text_of(cell);
    lines_.push_back(line);
  }

  // A slot in a slot would have no end.
  void print_slot(const std::string& name) {
    const auto found = slots_.find(name);
    if (found == slots_.end()) return;
    for (const auto& element : found->second)
      if (!element.contains("slot")) print(element);
  }

  const tilld::printer::slots_by_name& slots_;
  std::vector<std::string> lines_;
};

}  // namespace

std::vector<std::string> plain_text(const json::object& document,
                                    const tilld::printer::slots_by_name& slots) {
  const auto* body = document.if_contains("body");
  if (!body || !body->is_array()) throw tilld::failure(TILLD_E_INVALID, "document.body: must be a list");
  printing paper(slots);
  for (const auto& element : body->get_array())
    if (const auto* object = element.if_object()) paper.print(*object);
  return std::move(paper).lines();
}

}  // namespace simulated
