// The receipt document, version 1: what a till sends to have a receipt printed.
//
// JSON, described by plugin-api/schema/receipt.1.json and, with examples, by this folder's README. It says
// what stands on the receipt and never how a printer does it: sizes are millimetres, columns or shares of the
// paper, characters are Unicode, and the same document prints on 58 mm and on 80 mm.
//
// The reader is strict where a mistake would print a wrong receipt (wrong types, unknown elements, values out
// of range) and tolerant where a newer till says more than we know (unknown members beside known ones). Every
// refusal is invalid_params and its detail starts with the path of the culprit, such as
// "body[3].row[0].size".
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include <boost/json/object.hpp>

#include "plugins/escpos-printer/paper.hpp"
#include "plugins/escpos-printer/result.hpp"

namespace tilld::escpos {

// start and end follow the direction of the document's language: start is left in German and right in Arabic.
enum class alignment { start, left, center, right, end };
enum class cut_kind { partial, full };

struct text_style {
  bool bold = false;
  bool underline = false;
  bool invert = false;
  int width_times = 1;   // 1 to 8
  int height_times = 1;  // 1 to 8

  friend bool operator==(const text_style&, const text_style&) = default;
};

struct text_element {
  std::string text;  // NFC, no control character but '\n'
  text_style style;
  alignment align = alignment::start;
};

struct cell {
  // fill shares what the other cells leave over; automatic is as wide as its text; fixed is `size`.
  enum class width_kind { fill, automatic, fixed };
  text_element content;
  width_kind width = width_kind::fill;
  length size;
  bool wrap = true;  // otherwise the text ends with an ellipsis where the cell ends
};

struct row_element {
  std::vector<cell> cells;  // at least one
};

struct rule_element {
  enum class line { solid, dashed, twofold };
  line drawn = line::solid;
};

struct image_element {
  // logo is for line art: what is darker than half is black. photo spreads the error, so greys become
  // patterns.
  enum class treatment { logo, photo };
  std::string png;
  treatment mode = treatment::logo;
  std::optional<length> width;      // exactly this wide; otherwise one dot a pixel
  std::optional<length> max_width;  // at most this wide
  alignment align = alignment::center;
};

struct qr_element {
  std::string data;  // UTF-8, 1 to 2953 bytes
  char ecc = 'M';    // L, M, Q, H
  length size{length::unit::tenth_mm, 280};
  alignment align = alignment::center;
};

struct barcode_element {
  enum class symbology { code128, gs1_128, ean13, ean8, upca, code39, code93, itf, codabar };
  enum class caption { none, above, below };
  symbology type = symbology::code128;
  std::string data;  // printable ASCII
  length height{length::unit::tenth_mm, 120};
  caption hri = caption::below;  // the data in characters for a person to read
  alignment align = alignment::center;
};

struct feed_element {
  int lines = 0;  // used where the document says a number
  length size;    // used where it says millimetres
};

struct cut_element {
  cut_kind kind = cut_kind::partial;
};

struct element {
  std::string path;  // where it stands in the request, for complaints
  std::variant<text_element, row_element, rule_element, image_element, qr_element, barcode_element,
               feed_element, cut_element>
      content;
};

struct drawer_kick {
  int pin = 2;  // of the drawer connector, 2 or 5
  int ttl_s =
      5;  // a drawer that opens later than this after the request would surprise somebody: it stays shut
};

struct document {
  std::string document_class;  // "sale", "refund", "report": for the till and the log; prints nothing
  std::string lang = "en";
  int copies = 1;
  std::vector<element> body;  // slots are replaced by what fills them
  std::optional<drawer_kick> drawer;

  bool right_to_left() const;  // of the language
};

// Limits of one document; a receipt of a metre stays far below them.
inline constexpr std::size_t elements_max = 2000;
inline constexpr std::size_t cells_max = 12;
inline constexpr std::size_t text_size_max = 4096;  // bytes of one text

// `slots` is the request's member of that name or nullptr: for each slot name an array of elements. A slot
// that nothing fills prints nothing; content for a slot that the document does not have is not printed
// either. `blob` is what came beside the JSON; an image may be taken from it.
result<document> read_document(const boost::json::object& receipt, const boost::json::object* slots,
                               std::string_view blob);

// The words that the reader knows, so that a test can hold the schema against them.
std::vector<std::string> element_words();
std::vector<std::string> symbology_words();

}  // namespace tilld::escpos
