#include "plugins/escpos-printer/raster.hpp"

namespace tilld::escpos {
namespace {

void draw_text(typesetter& type, typesetter::canvas& on, const box& at, const text_run& run) {
  int thickness = run.style.height_times + 1;
  if (run.style.invert) type.fill(on, at.x, at.y, at.width, at.height);
  type.draw(on, run.text, run.style, at.x, at.y + run.baseline);
  // An underline in inverted text would be dark on dark; the block is emphasis enough.
  if (run.style.underline && !run.style.invert)
    type.fill(on, at.x, at.y + run.baseline + 2 * run.style.height_times, at.width, thickness);
}

void draw_dashes(bitmap& on, int y, int thickness, int dash) {
  for (int x = 0; x < on.width; x += 2 * dash) on.fill(x, y, dash, thickness);
}

void draw_rule(bitmap& on, const box& at, const drawn_rule& rule) {
  int middle = at.y + at.height / 2;
  switch (rule.line) {
    case rule_element::line::solid: on.fill(at.x, middle - 1, at.width, 2); break;
    case rule_element::line::dashed: draw_dashes(on, middle - 1, 2, 6); break;
    case rule_element::line::twofold:
      on.fill(at.x, middle - 3, at.width, 2);
      on.fill(at.x, middle + 1, at.width, 2);
      break;
  }
}

}  // namespace

bitmap paint(const layout& receipt, typesetter& type, cut_marks marks) {
  auto canvas = type.begin(receipt.on.width_dots, receipt.height);
  for (auto& strip : receipt.strips)
    for (auto& box : strip.boxes)
      if (auto* run = std::get_if<text_run>(&box.content)) draw_text(type, *canvas, box, *run);
  auto dots = type.end(std::move(canvas));

  for (auto& strip : receipt.strips) {
    if (strip.cut && marks == cut_marks::shown) draw_dashes(dots, strip.y + strip.height / 2, 1, 4);
    for (auto& box : strip.boxes) {
      if (auto* it = std::get_if<picture>(&box.content)) dots.paste(it->dots, box.x, box.y);
      if (auto* it = std::get_if<drawn_rule>(&box.content)) draw_rule(dots, box, *it);
    }
  }
  return dots;
}

}  // namespace tilld::escpos
