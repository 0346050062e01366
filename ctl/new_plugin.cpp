#include "ctl/new_plugin.hpp"

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>

#include <boost/json.hpp>

#include "base/yaml.hpp"
#include "ctl/phrase.hpp"

namespace tilld::ctl {

namespace fs = std::filesystem;
using base::errc;
using base::error;
using base::result;

namespace {

// What the files of the template say in place of the real names.
constexpr std::string_view placeholder_id = "com.example.my-device", placeholder_name = "my-device";
constexpr const char* own_interface = "own";  // the start for interfaces that are not tilld's

error wrong(std::string why) { return {errc::wrong_usage, "new-plugin: " + std::move(why)}; }
error refused(std::string why) { return {errc::file_refused, std::move(why)}; }
std::string in_quotes(std::string_view text) { return "\"" + harmless(std::string(text)) + "\""; }

// "com.example.scanner": small letters, digits and hyphens between dots.
bool is_dotted_name(std::string_view text, std::size_t dots_at_least) {
  if (text.empty() || text.size() > 64) return false;
  std::size_t dots = 0;
  char before = '.';
  for (char c : text) {
    bool letter = c >= 'a' && c <= 'z', digit = c >= '0' && c <= '9';
    if (c == '.') ++dots;
    if (before == '.' && !letter) return false;
    if (!letter && !digit && c != '-' && c != '.') return false;
    before = c;
  }
  return before != '.' && before != '-' && dots >= dots_at_least;
}

std::string last_word(std::string_view dotted) { return std::string(dotted.substr(dotted.rfind('.') + 1)); }

// Names of targets that CMake and Ninja have already.
std::string target_name(const std::string& id) {
  static const std::set<std::string> taken = {"all",        "clean",         "help",
                                              "install",    "package",       "package-source",
                                              "test",       "install-strip", "list-install-components",
                                              "edit-cache", "rebuild-cache", "first"};
  auto name = last_word(id);
  return taken.count(name) ? name + "-plugin" : name;
}

// The interfaces of tilld that this language has a start for: "scanner", "printer" ...
std::vector<std::string> starts_in(const fs::path& templates, const std::string& language) {
  std::vector<std::string> all;
  std::error_code failed;
  for (auto& entry : fs::directory_iterator(templates / language, failed))
    if (entry.is_directory() && entry.path().filename() != own_interface)
      all.push_back(entry.path().filename().string());
  std::sort(all.begin(), all.end());
  return all;
}

std::string list_of(const std::vector<std::string>& names) {
  std::string text;
  for (auto& one : names) text += (text.empty() ? "tilld." : ", tilld.") + one + "/1";
  return text;
}

struct start {
  std::string folder;     // within the language
  std::string interface;  // "tilld.scanner/1"
};

result<start> find_start(const plugin_wish& wish, const fs::path& templates) {
  auto in_cpp = starts_in(templates, "c++"), here = starts_in(templates, wish.language);
  auto has = [](const std::vector<std::string>& list, const std::string& one) {
    return std::find(list.begin(), list.end(), one) != list.end();
  };
  auto interface = wish.provides;
  if (interface.empty()) {
    // The last word of the id often says it already.
    auto word = last_word(wish.id);
    interface = has(in_cpp, word) ? "tilld." + word + "/1" : wish.id + "/1";
  }
  auto slash = interface.find('/');
  auto name = interface.substr(0, slash),
       revision = slash == interface.npos ? "" : interface.substr(slash + 1);
  bool ours = name.starts_with("tilld.") || name.find('.') == name.npos;
  if (ours) {
    auto word = name.starts_with("tilld.") ? name.substr(6) : name;
    if (word == "central" || word == "journal" || word == "state")
      return wrong(in_quotes(interface) +
                   " is what the daemon offers to plugins; a plugin asks it, and provides something else");
    std::vector<std::string_view> views(in_cpp.begin(), in_cpp.end());
    auto near = base::nearest_word(word, std::span<const std::string_view>(views));
    if (has(in_cpp, word) && interface != "tilld." + word + "/1")
      return wrong("--provides: expected tilld." + word + "/1, not " + in_quotes(interface));
    if (!has(in_cpp, word))
      return wrong("tilld has no interface " + in_quotes(interface) +
                   (near ? "; did you mean tilld." + *near + "/1?" : ", only " + list_of(in_cpp)) +
                   " One of your own begins with your domain: " + wish.id + "/1");
    if (!has(here, word))
      return wrong("for " + interface + " there is no start in " + wish.language + ", only for " +
                   list_of(here) + " and for interfaces of your own; leave out --language for C++");
    return start{word, interface};
  }
  bool digits = !revision.empty() && revision.size() <= 4 && revision[0] != '0' &&
                std::all_of(revision.begin(), revision.end(), [](char c) { return c >= '0' && c <= '9'; });
  if (!is_dotted_name(name, 1) || !digits)
    return wrong("--provides: expected a name and a revision such as com.example.scale/1, not " +
                 in_quotes(interface));
  return start{own_interface, interface};
}

std::string replaced(std::string text, std::string_view what, std::string_view by) {
  for (auto at = text.find(what); at != text.npos; at = text.find(what, at + by.size()))
    text.replace(at, what.size(), by);
  return text;
}

struct replacement {
  std::string what, by;
};

result<> copy_file(const fs::path& from, const fs::path& to, const std::vector<replacement>& all) {
  std::error_code failed;
  fs::create_directories(to.parent_path(), failed);
  if (failed) return refused(to.parent_path().string() + ": " + failed.message());
  std::ifstream in(from, std::ios::binary);
  std::string text(std::istreambuf_iterator<char>(in), {});
  if (!in) return refused(from.string() + ": cannot be read");
  for (auto& one : all) text = replaced(std::move(text), one.what, one.by);
  std::ofstream out(to, std::ios::binary);
  out << text;
  out.close();
  if (!out) return refused(to.string() + ": cannot be written");
  return {};
}

result<> copy_all(const fs::path& templates, const std::string& language, const std::string& start_folder,
                  const fs::path& to, const std::vector<replacement>& all) {
  // What every plugin has, what the language has, what the interface has.
  const fs::path sources[] = {templates / "shared", templates / language,
                              templates / language / start_folder};
  for (auto& source : sources) {
    bool whole = &source != &sources[1];  // of the language only the files, not the other interfaces
    std::error_code failed;
    for (fs::recursive_directory_iterator at(source, failed), end; at != end && !failed;
         at.increment(failed)) {
      if (at->is_directory() && !whole) at.disable_recursion_pending();
      if (!at->is_regular_file()) continue;
      auto below = fs::relative(at->path(), source);
      if (below == "gitignore")
        below = ".gitignore";  // under its own name it would be obeyed in the template, too
      if (auto copied = copy_file(at->path(), to / below, all); !copied) return copied;
    }
    if (failed) return refused(source.string() + ": " + failed.message());
  }
  return {};
}

}  // namespace

std::string template_folder_of(const std::string& program) {
  return (fs::path(program).parent_path() / "../share/tilld/template").lexically_normal().string();
}

result<made_plugin> make_plugin(const plugin_wish& wish, const std::string& templates) {
  if (!is_dotted_name(wish.id, 2))
    return wrong(
        "expected an id that begins with a domain of yours, backwards, such as com.example.scanner, not " +
        in_quotes(wish.id) + " (small letters, digits, hyphens)");
  if (wish.id.starts_with("tilld.")) return wrong("ids that begin with tilld. are tilld's own");
  if (wish.language != "c" && wish.language != "c++")
    return wrong("--language: expected c++ or c, not " + in_quotes(wish.language));
  std::error_code ignored;
  if (!fs::is_directory(fs::path(templates) / "shared", ignored))
    return refused(templates +
                   ": there is no template; install the SDK (package tilld-dev, or ./dev install PREFIX)");
  auto from = find_start(wish, templates);
  if (!from) return from.error();

  made_plugin made;
  made.name = target_name(wish.id);
  made.interface = from->interface;
  made.folder = wish.folder.empty() ? last_word(wish.id) : wish.folder;
  fs::path to(made.folder);
  if (fs::exists(fs::symlink_status(to, ignored)) &&
      !(fs::is_directory(to, ignored) && fs::is_empty(to, ignored)))
    return wrong(made.folder + ": exists already, and is left as it is; take another with --folder");
  // Longer names first: the last word of the id is part of it.
  auto of_interface = made.interface.substr(0, made.interface.find('/'));
  std::vector<replacement> all = {
      {std::string(placeholder_id) + "/1", "\x01/" + made.interface.substr(made.interface.find('/') + 1)},
      {std::string(placeholder_id) + ".me", "\x01.me"},  // words of the interface, as a till calls them
      {std::string(placeholder_id), wish.id},
      {std::string(placeholder_name), made.name},
      {"\x01", from->folder == own_interface ? of_interface : wish.id},
  };
  bool was_there = fs::exists(to, ignored);
  if (auto copied = copy_all(templates, wish.language, from->folder, to, all); !copied) {
    // Half a plugin would be in the way of the next try.
    for (auto& entry : fs::directory_iterator(to, ignored)) fs::remove_all(entry.path(), ignored);
    if (!was_there) fs::remove(to, ignored);
    return copied.error();
  }
  for (auto& entry : fs::recursive_directory_iterator(to, ignored))
    if (entry.is_regular_file()) made.files.push_back(fs::relative(entry.path(), to).string());
  std::sort(made.files.begin(), made.files.end());
  return made;
}

exit_code new_plugin(const surroundings& s, const plugin_wish& wish) {
  std::error_code failed;
  auto program = fs::read_symlink("/proc/self/exe", failed);
  auto made = make_plugin(wish, template_folder_of(failed ? "/usr/bin/tillctl" : program.string()));
  if (!made) return fail(s, complaint(made.error(), s.language));
  if (s.json) {
    boost::json::array files(made->files.begin(), made->files.end());
    return say(boost::json::serialize(boost::json::object{{"folder", made->folder},
                                                          {"plugin", made->name + ".so"},
                                                          {"provides", made->interface},
                                                          {"files", files}}) +
               "\n");
  }
  std::string text = "Made " + made->folder + ", a plugin that provides " + made->interface + ":\n";
  for (auto& file : made->files) text += "  " + file + "\n";
  text += "Build and test it:\n  cd " + made->folder +
          "\n  cmake -B build\n  cmake --build build\n  ctest --test-dir build --output-on-failure\n";
  return say(text);
}

}  // namespace tilld::ctl
