// Every target eats its corpus again, with whatever compiler and sanitizers the build has. What a fuzzer once
// found is found again when it comes back.
#include <gtest/gtest.h>

#include <algorithm>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "tests/fuzz/target.hpp"

using namespace tilld::fuzz;

namespace {

std::filesystem::path corpora() { return std::filesystem::path(TILLD_SOURCE_DIR) / "tests/fuzz/corpus"; }

class fuzz_corpora : public ::testing::TestWithParam<const target*> {};

std::string octets_of(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace

TEST_P(fuzz_corpora, break_no_promise) {
  std::vector<std::filesystem::path> files;
  for (auto& entry : std::filesystem::directory_iterator(corpora() / GetParam()->name))
    files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  ASSERT_GE(files.size(), 5u) << "a corpus of hardly anything shows hardly anything";
  GetParam()->eat("");
  for (auto& file : files) {
    try {
      GetParam()->eat(octets_of(file));
    } catch (const std::exception& e) {
      ADD_FAILURE() << file.string() << ": " << e.what();
    }
  }
}

INSTANTIATE_TEST_SUITE_P(of, fuzz_corpora, ::testing::ValuesIn(every_target()),
                         [](const auto& at) { return std::string(at.param->name); });

TEST(fuzz_targets, have_a_corpus_each_and_no_corpus_is_orphaned) {
  for (auto& entry : std::filesystem::directory_iterator(corpora())) {
    auto name = entry.path().filename().string();
    EXPECT_TRUE(
        std::any_of(every_target().begin(), every_target().end(), [&](auto* t) { return t->name == name; }))
        << name << " has a corpus and no target";
  }
}
