// The watching side of base/step.hpp: sees at which write step a program is, and has it stop itself at one.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>

#include "base/step.hpp"

namespace tilld::tests {

class step_file {
 public:
  explicit step_file(const std::string& path);
  ~step_file();
  step_file(const step_file&) = delete;

  base::step current() const { return static_cast<base::step>(words_[0].load()); }
  // The program stops (SIGSTOP) when it reaches the step after having passed it `passes` times.
  void stop_at(base::step s, std::uint32_t passes = 0) {
    words_[2].store(passes);
    words_[1].store(static_cast<std::uint32_t>(s));
  }
  void forget() { words_[1].store(0); }
  std::uint32_t stops() const { return words_[3].load(); }
  // "TILLD_TEST_STEPS=/path", for the environment of the program.
  std::string variable() const { return "TILLD_TEST_STEPS=" + path_; }

 private:
  std::string path_;
  std::atomic<std::uint32_t>* words_ = nullptr;
};

}  // namespace tilld::tests
