// QR codes and barcodes as pictures of dots.
//
// We draw them ourselves instead of asking the printer: the result is the same on every printer, a test can
// read it back, and a code that is too wide is refused before paper is wasted. A module (the narrowest bar,
// one square) is a whole number of dots and at least two, and the quiet zone that the norms ask for is part
// of the picture: 4 modules around a QR code (ISO/IEC 18004), 11 beside EAN-13 and 10 beside the others
// (ISO/IEC 15417, 15420).
#pragma once

#include <string>

#include "plugins/escpos-printer/bitmap.hpp"
#include "plugins/escpos-printer/document.hpp"
#include "plugins/escpos-printer/paper.hpp"
#include "plugins/escpos-printer/result.hpp"

namespace tilld::escpos {

struct drawn_code {
  bitmap picture;
  std::string caption;  // what the code says, with the check digit, for people; empty for QR
};

// code_too_wide when it does not fit with modules of two dots; invalid_params when the data does not suit the
// code (the detail is a sentence without the path). A size that is too small for the data is raised: scanners
// come first.
result<drawn_code> draw_qr(const qr_element& qr, const paper& on);

// The check digit of the EAN and UPC codes may be left out; a wrong one is refused.
result<drawn_code> draw_barcode(const barcode_element& barcode, const paper& on);

}  // namespace tilld::escpos
