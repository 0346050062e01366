#include "tests/support/step_file.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <stdexcept>

namespace tilld::tests {

step_file::step_file(const std::string& path) : path_(path) {
  int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0 || ::ftruncate(fd, 4096) != 0) throw std::runtime_error("cannot make " + path);
  void* mapped = ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  ::close(fd);
  if (mapped == MAP_FAILED) throw std::runtime_error("cannot map " + path);
  words_ = static_cast<std::atomic<std::uint32_t>*>(mapped);
}

step_file::~step_file() { ::munmap(words_, 4096); }

}  // namespace tilld::tests
