#include "plugins/escpos-printer/picture.hpp"

#include <cairo.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>

#include "plugins/escpos-printer/greys.hpp"

namespace tilld::escpos {
namespace {

constexpr std::uint32_t side_max = 4096;

using surface = std::unique_ptr<cairo_surface_t, decltype(&cairo_surface_destroy)>;
using context = std::unique_ptr<cairo_t, decltype(&cairo_destroy)>;

error unreadable(const char* why) { return {errc::invalid_params, std::string("is not readable: ") + why}; }

std::uint32_t big_endian(std::string_view bytes, std::size_t at) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < 4; ++i) value = value << 8 | std::uint8_t(bytes[at + i]);
  return value;
}

// Asked before anything is unpacked: a picture of a few bytes may claim to be gigabytes wide.
bool has_sane_size(std::string_view png) {
  if (png.size() < 24 || png.substr(12, 4) != "IHDR") return false;
  auto width = big_endian(png, 16), height = big_endian(png, 20);
  return width >= 1 && width <= side_max && height >= 1 && height <= side_max;
}

result<surface> decode(std::string_view png) {
  if (!has_sane_size(png)) return unreadable("no size, or more than 4096 pixels on a side");
  auto take = [](void* rest, unsigned char* to, unsigned size) {
    auto& bytes = *static_cast<std::string_view*>(rest);
    if (bytes.size() < size) return CAIRO_STATUS_READ_ERROR;
    std::memcpy(to, bytes.data(), size);
    bytes.remove_prefix(size);
    return CAIRO_STATUS_SUCCESS;
  };
  surface it(cairo_image_surface_create_from_png_stream(take, &png), cairo_surface_destroy);
  auto status = cairo_surface_status(it.get());
  if (status != CAIRO_STATUS_SUCCESS) return unreadable(cairo_status_to_string(status));
  return it;
}

int printed_width(const image_element& image, const paper& on, int pixels) {
  int width = image.width ? on.dots(*image.width) : pixels;
  if (image.max_width) width = std::min(width, on.dots(*image.max_width));
  return std::clamp(width, 1, on.width_dots);
}

greys scaled(cairo_surface_t* picture, int width, int height) {
  surface target(cairo_image_surface_create(CAIRO_FORMAT_RGB24, width, height), cairo_surface_destroy);
  context pen(cairo_create(target.get()), cairo_destroy);
  cairo_set_source_rgb(pen.get(), 1, 1, 1);
  cairo_paint(pen.get());
  cairo_scale(pen.get(), double(width) / cairo_image_surface_get_width(picture),
              double(height) / cairo_image_surface_get_height(picture));
  cairo_set_source_surface(pen.get(), picture, 0, 0);
  cairo_pattern_set_filter(cairo_get_source(pen.get()), CAIRO_FILTER_GOOD);
  cairo_pattern_set_extend(cairo_get_source(pen.get()), CAIRO_EXTEND_PAD);
  cairo_paint(pen.get());
  cairo_surface_flush(target.get());

  return read_greys(target.get());
}

}  // namespace

result<bitmap> read_picture(const image_element& image, const paper& on) {
  auto picture = decode(image.png);
  if (!picture) return picture.error();
  int pixels = cairo_image_surface_get_width(picture->get()),
      rows = cairo_image_surface_get_height(picture->get());
  int width = printed_width(image, on, pixels);
  int height = std::max(1, int(std::lround(double(rows) * width / pixels)));
  if (height > 4 * int(side_max)) return unreadable("it would be longer than two metres");
  auto dots = scaled(picture->get(), width, height);
  if (image.mode == image_element::treatment::logo) return threshold(dots);
  return diffuse(brightened_for_paper(std::move(dots)));
}

result<std::string> write_png(const bitmap& picture, int margin_dots) {
  // cairo writes A1 as grey of one bit where a set bit is white, hence the opposite of a bitmap.
  surface target(cairo_image_surface_create(CAIRO_FORMAT_A1, picture.width + 2 * margin_dots,
                                            picture.height + 2 * margin_dots),
                 cairo_surface_destroy);
  if (cairo_surface_status(target.get()) != CAIRO_STATUS_SUCCESS)
    return error{errc::invalid_params, "the receipt is too long for one picture"};
  context pen(cairo_create(target.get()), cairo_destroy);
  cairo_paint(pen.get());
  cairo_surface_flush(target.get());
  auto* rows = cairo_image_surface_get_data(target.get());
  int stride = cairo_image_surface_get_stride(target.get());
  for (int y = 0; y < picture.height; ++y)
    for (int x = 0; x < picture.width; ++x) {
      if (!picture.dark(x, y)) continue;
      auto* word = rows + std::ptrdiff_t(y + margin_dots) * stride + (x + margin_dots) / 32 * 4;
      std::uint32_t bits;
      std::memcpy(&bits, word, sizeof bits);
      bits &= ~(std::uint32_t(1) << (x + margin_dots) %
                                        32);  // A1 counts from the low end on little-endian machines
      std::memcpy(word, &bits, sizeof bits);
    }
  cairo_surface_mark_dirty(target.get());

  std::string png;
  auto put = [](void* to, const unsigned char* bytes, unsigned size) {
    static_cast<std::string*>(to)->append(reinterpret_cast<const char*>(bytes), size);
    return CAIRO_STATUS_SUCCESS;
  };
  auto status = cairo_surface_write_to_png_stream(target.get(), put, &png);
  if (status != CAIRO_STATUS_SUCCESS) return error{errc::internal, cairo_status_to_string(status)};
  return png;
}

}  // namespace tilld::escpos
