// tilld-schema FOLDER: writes one JSON Schema (draft-07) an interface, tilld.printer/1 as
// tilld.printer.1.json.
//
// The files are committed, for people and for other languages; a test compares them with what is printed
// here.
#include <cstdio>
#include <fstream>
#include <string>

#include "plugin-api/schema_text.hpp"

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fputs("usage: tilld-schema FOLDER\n", stderr);
    return 2;
  }
  for (const auto& entry : tilld::catalogue::interfaces()) {
    const auto path = std::string(argv[1]) + "/" + tilld::catalogue::schema_file_name(entry.name);
    std::ofstream file(path, std::ios::trunc);
    file << tilld::catalogue::schema_text(entry.name);
    if (!file.flush()) {
      std::fprintf(stderr, "tilld-schema: cannot write %s\n", path.c_str());
      return 1;
    }
  }
}
