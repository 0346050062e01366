#include "tests/support/scratch.hpp"

#include <stdlib.h>

#include <filesystem>
#include <stdexcept>

namespace tilld::tests {

scratch_folder::scratch_folder() {
  auto pattern = (std::filesystem::temp_directory_path() / "tilld-test-XXXXXX").string();
  if (!::mkdtemp(pattern.data())) throw std::runtime_error("no folder for a test in " + pattern);
  path_ = pattern;
}

scratch_folder::~scratch_folder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace tilld::tests
