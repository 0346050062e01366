#include "plugins/escpos-printer/tests/receipts.hpp"

#include <fstream>
#include <map>
#include <sstream>

#include <boost/json.hpp>

#include "plugins/escpos-printer/raster.hpp"

namespace tilld::escpos::test {

std::string folder() { return ESCPOS_TEST_FOLDER; }

std::string read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) throw std::runtime_error("cannot read " + path);
  std::stringstream out;
  out << in.rdbuf();
  return out.str();
}

boost::json::object parse_object(std::string_view text) { return boost::json::parse(text).as_object(); }

typesetter& type_for(const paper& on) {
  static std::map<std::pair<int, int>, typesetter> opened;
  auto key = std::pair(on.width_dots, on.columns);
  auto found = opened.find(key);
  if (found == opened.end())
    found = opened.emplace(key, typesetter::open(on, default_font_families).value()).first;
  return found->second;
}

document receipt_of(std::string_view elements, std::string_view lang) {
  auto object = parse_object("{\"receipt\":1,\"body\":[" + std::string(elements) + "]}");
  object["lang"] = lang;
  return read_document(object, nullptr, "").value();
}

layout laid_out(const document& receipt, const paper& on) {
  return lay_out(receipt, on, type_for(on)).value();
}

layout laid_out(std::string_view elements, int width, std::string_view lang) {
  return laid_out(receipt_of(elements, lang), paper::of_width(width).value());
}

bitmap painted(const layout& receipt) { return paint(receipt, type_for(receipt.on), cut_marks::hidden); }

std::string bakery_receipt() {
  return R"(
    {"text":"Bäckerei Müller","align":"center","bold":true,"size":[2,2]},
    {"text":"Hauptstraße 12\n72070 Tübingen","align":"center"},
    {"feed":1},
    {"row":[{"text":"Bon 000123"},{"text":"21.11.2026 14:32","align":"right","width":"auto"}]},
    {"rule":"double"},
    {"row":[{"text":"2 x Brötchen"},{"text":"1,98 €","align":"right","width":"auto"},{"text":"B","width":1}]},
    {"row":[{"text":"1 x Dinkel-Vollkornbrot mit Sonnenblumenkernen"},
            {"text":"4,80 €","align":"right","width":"auto"},{"text":"B","width":1}]},
    {"row":[{"text":"Pfandrückgabe"},{"text":"-0,25 €","align":"right","width":"auto"},{"text":"A","width":1}]},
    {"rule":true},
    {"row":[{"text":"Summe"},{"text":"6,53 €","align":"right","width":"auto"}],"bold":true,"size":[2,2]},
    {"rule":"dashed"},
    {"row":[{"text":"MwSt"},{"text":"Netto","align":"right"},{"text":"Steuer","align":"right"},
            {"text":"Brutto","align":"right"}],"underline":true},
    {"row":[{"text":"A 19 %"},{"text":"-0,21 €","align":"right"},{"text":"-0,04 €","align":"right"},
            {"text":"-0,25 €","align":"right"}]},
    {"row":[{"text":"B 7 %"},{"text":"6,34 €","align":"right"},{"text":"0,44 €","align":"right"},
            {"text":"6,78 €","align":"right"}]},
    {"text":" DANKE ","align":"center","invert":true},
    {"cut":"partial"})";
}

}  // namespace tilld::escpos::test
