// A laid-out receipt as the bytes of an ESC/POS printer.
//
// Source of the commands: Epson, "ESC/POS Command Reference". Only commands that the clones have, too, are
// used:
//   ESC @  start anew            FS .   no double-byte characters      GS P   motion units are dots
//   ESC t  code page             ESC E, ESC -, GS B, GS !   bold, underline, inverted, size
//   ESC $  horizontal position   ESC 3  line height    ESC J  feed     GS v 0 raster    GS V  cut    ESC p
//   drawer
//
// What leaves here is safe for the printer: text never holds a byte below 0x20, and no raster holds a pair
// that a printer would obey at once although it stands in a picture (DLE EOT, DLE ENQ, DLE DC4).
#pragma once

#include <optional>
#include <string>

#include "plugins/escpos-printer/bitmap.hpp"
#include "plugins/escpos-printer/layout.hpp"

namespace tilld::escpos {

// text and automatic are the same today: the printer's own letters for every line that they can print, a
// picture for the others. image is a picture throughout, for printers whose letters are poor or wrong.
enum class print_mode { automatic, text, image };

// `dots` is the layout painted without cut marks. Copies follow each other, with a cut between them; a drawer
// opens before the first.
std::string as_escpos(const layout& receipt, const bitmap& dots, print_mode mode, int copies,
                      const std::optional<drawer_kick>& drawer);

// Opens a drawer: 50 ms of current on the pin.
std::string drawer_bytes(int pin);

// Changes one dot of each dangerous pair. Returns how many were changed.
int neutralise_real_time_commands(std::string& raster);

// Rows of one raster command: what small printers hold in their buffer.
inline constexpr int band_rows_max = 128;

}  // namespace tilld::escpos
