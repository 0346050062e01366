// Receipts that the tests print, and how to get from JSON to a layout in one line.
#pragma once

#include <string>
#include <string_view>

#include <boost/json/object.hpp>

#include "plugins/escpos-printer/bitmap.hpp"
#include "plugins/escpos-printer/layout.hpp"
#include "plugins/escpos-printer/typesetter.hpp"

namespace tilld::escpos::test {

std::string folder();  // of the test sources
std::string read_file(const std::string& path);
boost::json::object parse_object(std::string_view text);

typesetter& type_for(const paper& on);  // opened once a test program and paper

// Body elements as JSON text, without the brackets: {"text":"a"}, {"cut":true}
document receipt_of(std::string_view elements, std::string_view lang = "de-DE");
layout laid_out(const document& receipt, const paper& on);
layout laid_out(std::string_view elements, int width, std::string_view lang = "de-DE");
bitmap painted(const layout& receipt);

std::string bakery_receipt();  // body elements in German, with every kind of element but pictures and codes

}  // namespace tilld::escpos::test
