#include "base/sealed.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "tests/support/scratch.hpp"

using namespace tilld::base;
using tilld::tests::scratch_folder;

namespace {

const auto row_1 = as_bytes("operation-1");
const auto row_2 = as_bytes("operation-2");
constexpr std::string_view content = R"({"code":"0123456789"})";

struct sealed_rows : testing::Test {
  scratch_folder folder;
  std::string path = folder.file("seal.keys");
  seal_keys keys = open_keys();

  seal_keys open_keys() {
    auto opened = seal_keys::open(path);
    EXPECT_TRUE(opened);
    return std::move(*opened);
  }
  errc refusal(const seal_keys& with, byte_view sealed, byte_view bound_to) {
    auto opened = with.open(sealed, bound_to);
    EXPECT_FALSE(opened);
    return opened ? errc{} : opened.error().code;
  }
};

}  // namespace

TEST_F(sealed_rows, open_for_their_own_row_also_after_a_restart) {
  auto sealed = keys.seal(content, row_1);
  ASSERT_TRUE(sealed);
  EXPECT_EQ(*keys.open(*sealed, row_1), content);
  EXPECT_EQ(*open_keys().open(*sealed, row_1), content);
  EXPECT_EQ(*keys.open(*keys.seal("", row_1), row_1), "");
}

TEST_F(sealed_rows, cannot_be_moved_to_another_row) {
  auto sealed = keys.seal(content, row_1);
  EXPECT_EQ(refusal(keys, *sealed, row_2), errc::record_damaged);
  EXPECT_EQ(refusal(keys, *sealed, {}), errc::record_damaged);
}

TEST_F(sealed_rows, never_open_with_a_flipped_bit) {
  auto first = keys.seal("another row whose key must not fit", row_2);
  auto sealed = keys.seal(content, row_1);
  for (std::size_t bit = 0; bit < sealed->size() * 8; ++bit) {
    auto bent = *sealed;
    bent[bit / 8] ^= static_cast<std::uint8_t>(1 << bit % 8);
    auto code = refusal(keys, bent, row_1);
    // A bent slot number may point to where no key is.
    if (bit >= 64) {
      EXPECT_EQ(code, errc::record_damaged) << bit;
    }
    EXPECT_TRUE(code == errc::record_damaged || code == errc::answer_expired) << bit;
  }
  for (std::size_t size = 0; size < sealed->size(); ++size)
    EXPECT_EQ(refusal(keys, byte_view(*sealed).first(size), row_1), errc::record_damaged) << size;
}

TEST_F(sealed_rows, are_gone_for_good_when_their_key_is_destroyed) {
  auto gone = keys.seal(content, row_1);
  auto kept = keys.seal(content, row_2);
  ASSERT_TRUE(keys.destroy(*gone));
  EXPECT_EQ(refusal(keys, *gone, row_1), errc::answer_expired);
  EXPECT_EQ(refusal(open_keys(), *gone, row_1), errc::answer_expired);
  EXPECT_EQ(*keys.open(*kept, row_2), content);
  EXPECT_TRUE(keys.destroy(*gone)) << "twice is no error";
  EXPECT_EQ(*keys.open(*keys.seal(content, row_1), row_1), content) << "the slot is not used again";
  EXPECT_EQ(refusal(keys, *gone, row_1), errc::answer_expired);
}

TEST_F(sealed_rows, cannot_be_read_from_a_copy_without_the_key_file) {
  auto sealed = keys.seal(content, row_1);
  auto stranger = seal_keys::open(folder.file("other.keys"));
  ASSERT_TRUE(stranger);
  EXPECT_EQ(refusal(*stranger, *sealed, row_1), errc::answer_expired);
  ASSERT_TRUE(stranger->seal("x", row_1)) << "a key file of another till that has this slot";
  EXPECT_EQ(refusal(*stranger, *sealed, row_1), errc::record_damaged);
  EXPECT_EQ(std::search(sealed->begin(), sealed->end(), content.begin(), content.end()), sealed->end());
  auto key_file = read_file(path);
  ASSERT_EQ(key_file->size(), 48u);
  EXPECT_EQ(std::search(sealed->begin(), sealed->end(), key_file->begin(), key_file->begin() + 8),
            sealed->end())
      << "the key must not lie in the row";
}

TEST_F(sealed_rows, have_a_key_each) {
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(keys.seal(content, row_1));
  auto key_file = read_file(path);
  ASSERT_EQ(key_file->size(), 20u * 48);
  for (int i = 1; i < 20; ++i)
    EXPECT_FALSE(std::equal(key_file->begin(), key_file->begin() + 32, key_file->begin() + i * 48)) << i;
}

TEST_F(sealed_rows, go_on_after_a_last_slot_that_a_crash_tore) {
  auto before = keys.seal(content, row_1);
  for (std::size_t torn = 1; torn < 48; ++torn) {
    std::filesystem::resize_file(path, 48 + torn);
    auto again = open_keys();
    EXPECT_EQ(std::filesystem::file_size(path), 48u);
    EXPECT_EQ(*again.open(*before, row_1), content);
  }
  auto again = open_keys();
  auto after = again.seal("after", row_2);
  ASSERT_TRUE(after);
  EXPECT_EQ(*again.open(*after, row_2), "after");
  EXPECT_EQ(*again.open(*before, row_1), content);
}

TEST_F(sealed_rows, see_a_damaged_key) {
  auto sealed = keys.seal(content, row_1);
  unique_fd file(::open(path.c_str(), O_RDWR));
  for (off_t at = 0; at < 48; ++at) {
    std::uint8_t good = 0;
    ASSERT_EQ(::pread(file.get(), &good, 1, at), 1);
    std::uint8_t bent = good ^ 0x10;
    ASSERT_EQ(::pwrite(file.get(), &bent, 1, at), 1);
    EXPECT_EQ(refusal(keys, *sealed, row_1), errc::record_damaged) << at;
    ASSERT_EQ(::pwrite(file.get(), &good, 1, at), 1);
  }
  EXPECT_EQ(*keys.open(*sealed, row_1), content);
}

TEST_F(sealed_rows, keep_their_keys_in_a_file_for_the_owner_only) {
  struct stat found {};
  ASSERT_EQ(::stat(path.c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 07777, 0600u);
  ASSERT_EQ(::symlink(path.c_str(), folder.file("link").c_str()), 0);
  EXPECT_FALSE(seal_keys::open(folder.file("link")));
}
