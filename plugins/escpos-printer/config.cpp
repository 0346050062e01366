#include "plugins/escpos-printer/config.hpp"

#include <algorithm>

namespace tilld::escpos {
namespace {

error wrong(std::string sentence) { return {errc::invalid_params, std::move(sentence)}; }

}  // namespace

result<paper> paper_of(const printer_config& config) {
  auto it = paper::of_width(int(std::min<std::uint32_t>(config.width.value_or(80), 100'000)));
  if (!it) return it;
  if (config.columns) {
    if (*config.columns < 12 || *config.columns > 200 || it->width_dots / int(*config.columns) < 6)
      return wrong("columns: must be 12 to 200, and a column at least 6 dots");
    it->columns = int(*config.columns);
  }
  if (config.dpi) {
    if (*config.dpi < 100 || *config.dpi > 600) return wrong("dpi: must be 100 to 600");
    it->dpi = int(*config.dpi);
  }
  if (!config.code_pages) return it;
  // The order of the usual pages is one of preference and holds for these, too.
  std::vector<code_page_slot> told;
  for (auto& usual : paper::default_code_pages())
    if (auto found = config.code_pages->find(std::string(name_of(usual.page)));
        found != config.code_pages->end())
      told.push_back({usual.page, std::uint8_t(found->second)});
  for (auto& [name, slot] : *config.code_pages) {
    auto page = code_page_called(name);
    if (!page)
      return wrong("code_pages." + name + ": must be one of cp437, cp850, cp852, cp858, cp866, cp1252");
    if (slot > 255)
      return wrong("code_pages." + name + ": must be 0 to 255, the printer's number of the page");
    auto has = [&](auto& other) { return other.page == *page; };
    if (std::none_of(told.begin(), told.end(), has)) told.push_back({*page, std::uint8_t(slot)});
  }
  it->code_pages = std::move(told);
  return it;
}

print_mode mode_of(const printer_config& config) {
  switch (config.mode.value_or(mode_word::auto_)) {
    case mode_word::image: return print_mode::image;
    case mode_word::text: return print_mode::text;
    case mode_word::auto_: break;
  }
  return print_mode::automatic;
}

std::optional<confirm_level> level_of(const printer_config& config) {
  switch (config.confirm.value_or(confirm_word::auto_)) {
    case confirm_word::process_id: return confirm_level::process_id;
    case confirm_word::gs_r: return confirm_level::gs_r;
    case confirm_word::sent: return confirm_level::sent;
    case confirm_word::auto_: break;
  }
  return std::nullopt;
}

}  // namespace tilld::escpos
