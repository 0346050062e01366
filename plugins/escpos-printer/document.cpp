#include "plugins/escpos-printer/document.hpp"

#include <algorithm>
#include <charconv>

#include <boost/json/array.hpp>

#include "plugins/escpos-printer/base64.hpp"
#include "plugins/escpos-printer/clean_text.hpp"
#include "plugins/escpos-printer/json_fields.hpp"

namespace json = boost::json;

namespace tilld::escpos {
namespace {

using namespace std::string_view_literals;

template <class Value>
using table = std::pair<std::string_view, Value>;

constexpr std::array alignments{
    table<alignment>{"start", alignment::start}, table<alignment>{"left", alignment::left},
    table<alignment>{"center", alignment::center}, table<alignment>{"right", alignment::right},
    table<alignment>{"end", alignment::end}};
constexpr std::array rules{table<rule_element::line>{"solid", rule_element::line::solid},
                           table<rule_element::line>{"dashed", rule_element::line::dashed},
                           table<rule_element::line>{"double", rule_element::line::twofold}};
constexpr std::array treatments{table<image_element::treatment>{"logo", image_element::treatment::logo},
                                table<image_element::treatment>{"photo", image_element::treatment::photo}};
constexpr std::array ecc_levels{table<char>{"L", 'L'}, table<char>{"M", 'M'}, table<char>{"Q", 'Q'},
                                table<char>{"H", 'H'}};
using symbology = barcode_element::symbology;
constexpr std::array symbologies{
    table<symbology>{"code128", symbology::code128}, table<symbology>{"gs1-128", symbology::gs1_128},
    table<symbology>{"ean13", symbology::ean13},     table<symbology>{"ean8", symbology::ean8},
    table<symbology>{"upca", symbology::upca},       table<symbology>{"code39", symbology::code39},
    table<symbology>{"code93", symbology::code93},   table<symbology>{"itf", symbology::itf},
    table<symbology>{"codabar", symbology::codabar}};
using caption = barcode_element::caption;
constexpr std::array captions{table<caption>{"none", caption::none}, table<caption>{"above", caption::above},
                              table<caption>{"below", caption::below}};
constexpr std::array cuts{table<cut_kind>{"partial", cut_kind::partial},
                          table<cut_kind>{"full", cut_kind::full}};

// Where the pieces of one request come from, and what went wrong first.
struct source {
  const json::object* slots;
  std::string_view blob;
  complaint wrong;
  std::size_t elements = 0;
};

alignment read_alignment(const fields& in, alignment otherwise) {
  return in.choice<alignment>("align", alignments, otherwise);
}

text_style read_style(const fields& in, text_style style) {
  style.bold = in.flag("bold", style.bold);
  style.underline = in.flag("underline", style.underline);
  style.invert = in.flag("invert", style.invert);
  if (auto* size = in.array_at("size")) {
    auto is_times = [](const json::value& v) {
      return v.is_int64() && v.get_int64() >= 1 && v.get_int64() <= 8;
    };
    if (size->size() == 2 && is_times((*size)[0]) && is_times((*size)[1])) {
      style.width_times = int((*size)[0].get_int64());
      style.height_times = int((*size)[1].get_int64());
    } else {
      in.complain("size", "must be [width, height], two whole numbers from 1 to 8");
    }
  }
  return style;
}

std::string read_clean_text(const fields& in, std::string_view name) {
  auto raw = in.required_text(name, 0, text_size_max);
  auto clean = clean_text(raw);
  if (!clean) in.complain(name, "is not UTF-8");
  return clean.value_or("");
}

// "30mm" or "2.5mm", "12col", and "60%" where a share of the paper makes sense.
std::optional<length> parse_length(std::string_view text, bool share_allowed) {
  int number = 0;
  auto [rest, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (failed != std::errc{} || number < 0 || number > 999 || text.front() == '-') return std::nullopt;
  std::string_view unit(rest, std::size_t(text.data() + text.size() - rest));
  if (unit == "mm") return length{length::unit::tenth_mm, number * 10};
  if (unit.size() == 4 && unit[0] == '.' && unit[1] >= '0' && unit[1] <= '9' && unit.substr(2) == "mm")
    return length{length::unit::tenth_mm, number * 10 + (unit[1] - '0')};
  if (unit == "col") return length{length::unit::columns, number};
  if (unit == "%" && share_allowed && number >= 1 && number <= 100)
    return length{length::unit::percent, number};
  return std::nullopt;
}

std::optional<length> read_length(const fields& in, std::string_view name, bool share_allowed) {
  auto* value = in.find(name);
  if (!value) return std::nullopt;
  std::optional<length> it;
  if (value->is_string()) it = parse_length(value->get_string(), share_allowed);
  if (it && it->value > 0) return it;
  in.complain(name, share_allowed ? "must be a length such as \"30mm\", \"12col\" or \"60%\""
                                  : "must be a length such as \"30mm\" or \"12col\"");
  return std::nullopt;
}

text_element read_text(const fields& in, text_style style) {
  return {read_clean_text(in, "text"), read_style(in, style), read_alignment(in, alignment::start)};
}

cell read_cell(const fields& in, text_style style) {
  cell it;
  it.content = read_text(in, style);
  it.wrap = in.flag("wrap", true);
  auto* width = in.find("width");
  if (!width) return it;
  it.width = cell::width_kind::fixed;
  if (width->is_int64() && width->get_int64() >= 1 && width->get_int64() <= 200) {
    it.size = {length::unit::columns, int(width->get_int64())};
  } else if (width->is_string() && width->get_string() == "auto") {
    it.width = cell::width_kind::automatic;
  } else if (width->is_string() && width->get_string() == "fill") {
    it.width = cell::width_kind::fill;
  } else if (auto size = width->is_string() ? parse_length(width->get_string(), true) : std::nullopt;
             size && size->value > 0) {
    it.size = *size;
  } else {
    in.complain("width", "must be auto, fill, a share such as \"40%\", a length, or a number of columns");
  }
  return it;
}

row_element read_row(const fields& in) {
  row_element row;
  auto* cells = in.array_at("row");
  if (!cells) return row;
  if (cells->empty() || cells->size() > cells_max)
    in.complain("row", "must have 1 to " + std::to_string(cells_max) + " cells");
  auto style = read_style(in, {});
  for (std::size_t i = 0; i < cells->size() && !in.complaints().first; ++i) {
    auto path = in.path_of("row") + "[" + std::to_string(i) + "]";
    auto* object = (*cells)[i].if_object();
    if (!object) {
      in.complaints().raise(path, "must be an object");
      break;
    }
    row.cells.push_back(read_cell(fields(*object, path, in.complaints()), style));
  }
  return row;
}

rule_element read_rule(const fields& in) {
  auto* value = in.find("rule");
  if (value->is_bool() && value->get_bool()) return {};
  if (value->is_bool()) in.complain("rule", "must be true, solid, dashed or double");
  return {in.choice<rule_element::line>("rule", rules, rule_element::line::solid)};
}

std::string read_png(const fields& in, source& from) {
  constexpr auto signature = "\x89PNG\r\n\x1a\n"sv;
  std::string png;
  auto* value = in.find("image");
  auto* object = value->if_object();
  auto* data = object ? object->if_contains("data") : nullptr;
  if (value->is_string() && value->get_string() == "blob") {
    png = from.blob;
  } else if (data && data->is_string()) {
    auto decoded = decode_base64(data->get_string());
    if (!decoded) in.complain("image.data", "is not base64");
    png = decoded.value_or("");
  } else if (data) {
    in.complain("image.data", "must be a text in base64");
  } else {
    in.complain("image", "must be \"blob\" or an object with the member data");
  }
  if (!png.starts_with(signature)) in.complain("image", "is not a PNG picture");
  return png;
}

image_element read_image(const fields& in, source& from) {
  image_element it;
  it.png = read_png(in, from);
  it.mode = in.choice<image_element::treatment>("mode", treatments, it.mode);
  it.width = read_length(in, "width", true);
  it.max_width = read_length(in, "max_width", true);
  it.align = read_alignment(in, it.align);
  return it;
}

qr_element read_qr(const fields& in) {
  qr_element it;
  if (auto* object = in.object_at("qr")) {
    fields qr(*object, in.path_of("qr"), in.complaints());
    it.data = qr.required_text("data", 1, 2953);
    it.ecc = qr.choice<char>("ecc", ecc_levels, it.ecc);
    it.size = read_length(qr, "size", true).value_or(it.size);
  }
  it.align = read_alignment(in, it.align);
  return it;
}

barcode_element read_barcode(const fields& in) {
  barcode_element it;
  if (auto* object = in.object_at("barcode")) {
    fields code(*object, in.path_of("barcode"), in.complaints());
    if (!code.has("type")) code.complain("type", "is missing");
    it.type = code.choice<symbology>("type", symbologies, it.type);
    it.data = code.required_text("data", 1, 128);
    if (std::any_of(it.data.begin(), it.data.end(), [](char c) { return c < 0x20 || c > 0x7e; }))
      code.complain("data", "must be printable ASCII");
    it.height = read_length(code, "height", false).value_or(it.height);
    it.hri = code.choice<caption>("hri", captions, it.hri);
  }
  it.align = read_alignment(in, it.align);
  return it;
}

feed_element read_feed(const fields& in) {
  if (in.find("feed")->is_string()) return {0, read_length(in, "feed", false).value_or(length{})};
  return {in.whole("feed", 1, 100, 1), {}};
}

cut_element read_cut(const fields& in) {
  auto* value = in.find("cut");
  if (value->is_bool() && value->get_bool()) return {};
  if (value->is_bool()) in.complain("cut", "must be true, partial or full");
  return {in.choice<cut_kind>("cut", cuts, cut_kind::partial)};
}

using content = decltype(element::content);

struct element_word {
  std::string_view word;
  content (*read)(const fields&, source&);  // nullptr: a slot, which is replaced by other elements
};

constexpr std::array words{
    element_word{"text", [](const fields& in, source&) -> content { return read_text(in, {}); }},
    element_word{"row", [](const fields& in, source&) -> content { return read_row(in); }},
    element_word{"rule", [](const fields& in, source&) -> content { return read_rule(in); }},
    element_word{"image", [](const fields& in, source& from) -> content { return read_image(in, from); }},
    element_word{"qr", [](const fields& in, source&) -> content { return read_qr(in); }},
    element_word{"barcode", [](const fields& in, source&) -> content { return read_barcode(in); }},
    element_word{"feed", [](const fields& in, source&) -> content { return read_feed(in); }},
    element_word{"cut", [](const fields& in, source&) -> content { return read_cut(in); }},
    element_word{"slot", nullptr},
};

const element_word* only_word_of(const fields& in) {
  const element_word* found = nullptr;
  for (auto& it : words) {
    if (!in.has(it.word)) continue;
    if (found) {
      in.complain("", "is both " + std::string(found->word) + " and " + std::string(it.word));
      return nullptr;
    }
    found = &it;
  }
  if (!found) {
    std::string members;
    for (auto& member : in.object()) members += (members.empty() ? "" : ", ") + std::string(member.key());
    in.complain("", "is no known element; it has " + (members.empty() ? "no members" : members));
  }
  return found;
}

void read_elements(const json::array& array, const std::string& path, bool inside_slot, source& from,
                   std::vector<element>& out);

void read_slot(const fields& in, bool inside_slot, source& from, std::vector<element>& out) {
  auto name = in.required_text("slot", 1, 32);
  auto is_name = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'; };
  if (!std::all_of(name.begin(), name.end(), is_name))
    in.complain("slot", "must be a name of a-z, 0-9 and _");
  if (inside_slot) in.complain("slot", "must not stand in what fills a slot");
  if (from.wrong.first || !from.slots) return;
  fields slots(*from.slots, "slots", from.wrong);
  if (auto* filling = slots.array_at(name)) read_elements(*filling, slots.path_of(name), true, from, out);
}

void read_elements(const json::array& array, const std::string& path, bool inside_slot, source& from,
                   std::vector<element>& out) {
  for (std::size_t i = 0; i < array.size() && !from.wrong.first; ++i) {
    auto here = path + "[" + std::to_string(i) + "]";
    if (++from.elements > elements_max)
      from.wrong.raise(path, "has more than " + std::to_string(elements_max) + " elements");
    auto* object = array[i].if_object();
    if (!object) return from.wrong.raise(here, "must be an object");
    fields in(*object, here, from.wrong);
    auto* word = only_word_of(in);
    if (!word) return;
    if (word->read)
      out.push_back({here, word->read(in, from)});
    else
      read_slot(in, inside_slot, from, out);
  }
}

std::optional<drawer_kick> read_drawer(const fields& in) {
  auto* object = in.object_at("drawer");
  if (!object) return std::nullopt;
  fields drawer(*object, in.path_of("drawer"), in.complaints());
  drawer_kick it;
  it.pin = drawer.whole("pin", 2, 5, it.pin);
  if (it.pin != 2 && it.pin != 5) drawer.complain("pin", "must be 2 or 5");
  it.ttl_s = drawer.whole("ttl_s", 1, 60, it.ttl_s);
  return it;
}

}  // namespace

bool document::right_to_left() const {
  auto primary = lang.substr(0, lang.find_first_of("-_"));
  constexpr std::array languages{"ar", "he", "iw", "fa", "ur", "yi", "ps", "sd", "ug", "dv", "ckb"};
  return std::find(languages.begin(), languages.end(), primary) != languages.end();
}

result<document> read_document(const json::object& receipt, const json::object* slots,
                               std::string_view blob) {
  source from{slots, blob, {}};
  fields in(receipt, "", from.wrong);
  document it;
  if (!in.has("receipt"))
    in.complain("receipt", "is missing; it is the version of the document and must be 1");
  in.whole("receipt", 1, 1, 1);
  it.document_class = in.text("class", 1, 32, "sale");
  it.lang = in.text("lang", 2, 35, "en");
  it.copies = in.whole("copies", 1, 9, 1);
  it.drawer = read_drawer(in);
  if (!in.has("body")) in.complain("body", "is missing");
  if (auto* body = in.array_at("body")) read_elements(*body, "body", false, from, it.body);
  if (from.wrong.first) return *from.wrong.first;
  return it;
}

std::vector<std::string> element_words() {
  std::vector<std::string> out;
  for (auto& it : words) out.emplace_back(it.word);
  return out;
}

std::vector<std::string> symbology_words() {
  std::vector<std::string> out;
  for (auto& it : symbologies) out.emplace_back(it.first);
  return out;
}

}  // namespace tilld::escpos
