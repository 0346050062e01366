// What libFuzzer calls: the one target that this program was linked with.
#include "tests/fuzz/target.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* octets, std::size_t size) {
  tilld::fuzz::every_target().front()->eat({reinterpret_cast<const char*>(octets), size});
  return 0;
}
