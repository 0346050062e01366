// PNG pictures as dots, and dots as PNG pictures.
#pragma once

#include <string>
#include <string_view>

#include "plugins/escpos-printer/bitmap.hpp"
#include "plugins/escpos-printer/document.hpp"
#include "plugins/escpos-printer/paper.hpp"
#include "plugins/escpos-printer/result.hpp"

namespace tilld::escpos {

// Scales the picture to the width that the element asks for and turns it into black and white; transparent
// parts are paper. invalid_params when it is damaged or has more than 4096 pixels on a side; never wider than
// the paper.
result<bitmap> read_picture(const image_element& image, const paper& on);

// One bit a pixel, dark on white, with a white margin around it.
result<std::string> write_png(const bitmap& picture, int margin_dots);

}  // namespace tilld::escpos
