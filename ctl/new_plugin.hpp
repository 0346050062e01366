// tillctl new-plugin: a folder from which an author of plugins starts, copied from the template that was
// installed with the SDK. Asks no daemon.
#pragma once

#include <string>
#include <vector>

#include "base/error.hpp"
#include "ctl/verbs.hpp"

namespace tilld::ctl {

// PREFIX/share/tilld/template for a program at PREFIX/bin/tillctl; a build folder looks the same.
std::string template_folder_of(const std::string& program);

struct made_plugin {
  std::string folder;              // as given, or the last word of the id
  std::string name;                // of the CMake target and of the file
  std::string interface;           // "tilld.scanner/1"
  std::vector<std::string> files;  // below the folder, sorted
};

// Makes the folder or changes nothing. wrong_usage says what is wrong with the id, the interface or the
// language; the language, or that the folder exists; file_refused that there is no template, or what the
// system says.
base::result<made_plugin> make_plugin(const plugin_wish& wish, const std::string& templates);

}  // namespace tilld::ctl
