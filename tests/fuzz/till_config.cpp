// tilld.yaml and a drop-in above it.
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "base/yaml_fit.hpp"
#include "daemon/config/config.hpp"
#include "daemon/config/config_schema.hpp"
#include "daemon/config/effective_config.hpp"
#include "tests/fuzz/target.hpp"
#include "tests/support/scratch.hpp"

namespace tilld::fuzz {
namespace {

void put(const std::string& path, std::string_view text) {
  std::ofstream(path, std::ios::binary | std::ios::trunc)
      .write(text.data(), static_cast<std::streamsize>(text.size()));
}

void check(const daemon::config& c) {
  demand(base::is_short_name(c.till) && base::is_short_name(c.branch) && base::is_short_name(c.merchant),
         "a till has its names");
  for (auto& d : c.destinations)
    demand((d.address.host == "::1" || d.address.host.starts_with("127.")) && d.address.port > 0,
           "records stay on this machine");
  for (auto& p : c.plugins)
    demand(p.file.starts_with('/') && base::is_short_name(p.name), "a plugin has a file");
  if (c.listen.http)
    for (auto& origin : c.listen.http->origins)
      demand(
          wire::parse_loopback(c.listen.http->address.text()).has_value() && origin.find('*') == origin.npos,
          "a page has an origin");
}

// A drop-in stands behind a line of three percent signs. What is taken is a configuration that makes sense,
// what is in effect is YAML again, and what is refused names its file. Bombs of aliases end in a complaint.
void eat(std::string_view octets) {
  static tests::scratch_folder folder;
  static const auto main_file = folder.file("tilld.yaml"), drop_ins = folder.file("conf.d"),
                    drop_in = drop_ins + "/50-more.yaml";
  constexpr std::string_view mark = "%%%\n";
  auto at = octets.find(mark);
  put(main_file, octets.substr(0, at));
  std::filesystem::remove(drop_in);
  if (at != octets.npos) {
    std::filesystem::create_directory(drop_ins);
    std::filesystem::permissions(drop_ins, std::filesystem::perms(0700));
    put(drop_in, octets.substr(at + mark.size()));
    std::filesystem::permissions(drop_in, std::filesystem::perms(0600));
  }
  auto layers = daemon::read_layers(main_file);
  if (!layers) {
    demand(layers.error().detail.starts_with(folder.path()), "a complaint names the file");
    return;
  }
  auto got = daemon::read_config(*layers);
  if (!got) {
    demand(!got.error().detail.empty(), "a complaint has words");
    return;
  }
  check(*got);
  auto shown = daemon::effective_config(*layers);
  auto again = base::yaml_value::parse(shown, "shown");
  demand(again.has_value(), "what is in effect is YAML");
}

const target till_config{"till_config", eat};

}  // namespace
}  // namespace tilld::fuzz
