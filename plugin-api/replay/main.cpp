// tilld-plugin-replay: plays recorded scripts against a plugin.
//
//   tilld-plugin-replay PLUGIN.so SCRIPT...
//
// Exit codes: 0 the plugin did what the scripts say; 1 it did something else; 2 wrong usage, or the plugin or
// a script cannot be read. The plugin runs in this process, so that a debugger finds it there.
#include <dlfcn.h>
#include <signal.h>

#include <cstdio>
#include <fstream>
#include <iterator>

#include "plugin-api/replay/player.hpp"

namespace {

using namespace tilld::replay;

const tilld_plugin* load(const std::string& path) {
  auto whole = path.find('/') == path.npos ? "./" + path : path;  // a bare name would be looked for elsewhere
  void* library = ::dlopen(whole.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!library) {
    std::fprintf(stderr, "%s\n", ::dlerror());
    return nullptr;
  }
  auto entry = reinterpret_cast<const tilld_plugin* (*)()>(::dlsym(library, "tilld_plugin_v1"));
  if (!entry) std::fprintf(stderr, "%s does not export tilld_plugin_v1\n", path.c_str());
  auto plugin = entry ? entry() : nullptr;
  if (plugin && plugin->abi != TILLD_ABI) {
    std::fprintf(stderr, "%s speaks plugin API %u, this program %d\n", path.c_str(), plugin->abi, TILLD_ABI);
    return nullptr;
  }
  return plugin;
}

int play(const tilld_plugin& plugin, const std::string& path) {
  std::ifstream file(path);
  std::string text(std::istreambuf_iterator<char>(file), {});
  if (!file) {
    std::fprintf(stderr, "%s: cannot be read\n", path.c_str());
    return 2;
  }
  std::vector<step> steps;
  try {
    steps = read_script(text);
  } catch (const wrong_script& why) {
    std::fprintf(stderr, "%s:%s\n", path.c_str(), why.what());
    return 2;
  }
  player it(plugin);
  int line = 0;
  try {
    for (auto& s : steps) {
      line = s.line;
      it.play(s);
    }
    it.finish();
  } catch (const mismatch& why) {
    std::fprintf(stderr, "%s:%d: %s\n", path.c_str(), line, why.what());
    return 1;
  }
  std::printf("%s: as recorded, %zu steps\n", path.c_str(), steps.size());
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3 || argv[1][0] == '-') {
    std::fprintf(stderr, "usage: tilld-plugin-replay PLUGIN.so SCRIPT...\n");
    return 2;
  }
  ::signal(SIGPIPE, SIG_IGN);
  auto plugin = load(argv[1]);
  if (!plugin) return 2;
  int worst = 0;
  for (int i = 2; i < argc; ++i) worst = std::max(worst, play(*plugin, argv[i]));
  return worst;
}
