#include "base/crypto.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <type_traits>

#include "base/file.hpp"
#include "tests/support/scratch.hpp"

using namespace tilld::base;

namespace {

byte_string hex(std::string_view text) { return from_hex(text).value(); }

template <std::size_t N>
std::array<std::uint8_t, N> octets(std::string_view text) {
  std::array<std::uint8_t, N> out{};
  auto from = hex(text);
  EXPECT_EQ(from.size(), N);
  std::copy(from.begin(), from.end(), out.begin());
  return out;
}

mode_t mode_of(const std::string& path) {
  struct stat found {};
  EXPECT_EQ(::stat(path.c_str(), &found), 0) << path;
  return found.st_mode & 07777;
}

}  // namespace

// FIPS 180-4, the examples "abc", two blocks, and the empty message.
TEST(sha256, gives_the_values_of_the_standard) {
  EXPECT_EQ(to_hex(sha256({as_bytes("abc")})),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(to_hex(sha256({as_bytes("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")})),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  EXPECT_EQ(to_hex(sha256({})), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  std::string million(1'000'000, 'a');
  EXPECT_EQ(to_hex(sha256({as_bytes(million)})),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(sha256, takes_its_parts_one_after_the_other) {
  EXPECT_EQ(sha256({as_bytes("a"), as_bytes(""), as_bytes("bc")}), sha256({as_bytes("abc")}));
}

// RFC 4231, test cases 1, 2, 3 and 6.
TEST(hmac_sha256, gives_the_values_of_the_standard) {
  EXPECT_EQ(to_hex(hmac_sha256(byte_string(20, 0x0b), as_bytes("Hi There"))),
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
  EXPECT_EQ(to_hex(hmac_sha256(as_bytes("Jefe"), as_bytes("what do ya want for nothing?"))),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  EXPECT_EQ(to_hex(hmac_sha256(byte_string(20, 0xaa), byte_string(50, 0xdd))),
            "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe");
  EXPECT_EQ(to_hex(hmac_sha256(byte_string(131, 0xaa),
                               as_bytes("Test Using Larger Than Block-Size Key - Hash Key First"))),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

TEST(hmac_sha256, works_with_an_empty_key_and_an_empty_message) {
  EXPECT_EQ(to_hex(hmac_sha256({}, {})), "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

TEST(equal_in_constant_time, compares_every_octet_and_the_size) {
  EXPECT_TRUE(equal_in_constant_time(as_bytes("same"), as_bytes("same")));
  EXPECT_FALSE(equal_in_constant_time(as_bytes("same"), as_bytes("samE")));
  EXPECT_FALSE(equal_in_constant_time(as_bytes("Same"), as_bytes("same")));
  EXPECT_FALSE(equal_in_constant_time(as_bytes("same"), as_bytes("sam")));
  EXPECT_TRUE(equal_in_constant_time({}, {}));
}

// RFC 8032, section 7.1, tests 1 and 2.
TEST(signing_key, gives_the_values_of_the_standard) {
  signing_key one(octets<32>("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"));
  EXPECT_EQ(to_hex(one.public_half()), "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a");
  EXPECT_EQ(to_hex(one.sign({})),
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46b"
            "d25bf5f0"
            "595bbe24655141438e7a100b");
  signing_key two(octets<32>("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb"));
  EXPECT_EQ(to_hex(two.sign(byte_string{0x72})),
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c"
            "387b2eae"
            "b4302aeeb00d291612bb0c00");
}

TEST(signing_key, signs_what_only_its_public_half_verifies) {
  auto key = signing_key::generate();
  auto other = signing_key::generate();
  auto s = key.sign(as_bytes("challenge"));
  EXPECT_TRUE(verify_signature(key.public_half(), as_bytes("challenge"), s));
  EXPECT_FALSE(verify_signature(key.public_half(), as_bytes("Challenge"), s));
  EXPECT_FALSE(verify_signature(other.public_half(), as_bytes("challenge"), s));
  for (std::size_t i = 0; i < s.size(); ++i) {
    auto bent = s;
    bent[i] ^= 1;
    EXPECT_FALSE(verify_signature(key.public_half(), as_bytes("challenge"), bent)) << i;
  }
}

TEST(signing_key, is_made_at_first_start_for_its_owner_only_and_kept) {
  tilld::tests::scratch_folder folder;
  auto old_mask = ::umask(0);
  auto made = signing_key::load_or_create(folder.file("device.key"));
  ::umask(old_mask);
  ASSERT_TRUE(made) << made.error().detail;
  EXPECT_EQ(mode_of(folder.file("device.key")), 0600u);
  EXPECT_EQ(std::filesystem::file_size(folder.file("device.key")), 32u);
  auto again = signing_key::load_or_create(folder.file("device.key"));
  ASSERT_TRUE(again);
  EXPECT_EQ(again->public_half(), made->public_half());
}

TEST(signing_key, is_refused_when_others_could_have_read_it) {
  tilld::tests::scratch_folder folder;
  auto path = folder.file("device.key");
  ASSERT_TRUE(signing_key::load_or_create(path));
  for (mode_t mode : {0640, 0604, 0620, 0660, 0666, 0601}) {
    ASSERT_EQ(::chmod(path.c_str(), mode), 0);
    auto refused = signing_key::load_or_create(path);
    ASSERT_FALSE(refused) << mode;
    EXPECT_EQ(refused.error().code, errc::storage_failed);
    EXPECT_NE(refused.error().detail.find(path), std::string::npos);
  }
  ASSERT_EQ(::chmod(path.c_str(), 0600), 0);
  EXPECT_TRUE(signing_key::load_or_create(path));
}

TEST(signing_key, is_refused_when_its_file_has_another_size) {
  tilld::tests::scratch_folder folder;
  for (std::size_t size : {0u, 31u, 33u, 64u}) {
    auto path = folder.file("key" + std::to_string(size));
    ASSERT_TRUE(write_file_durably(path, byte_string(size, 1)));
    EXPECT_FALSE(signing_key::load_or_create(path)) << size;
  }
}

TEST(random_bytes, are_not_the_same_twice) {
  std::array<std::uint8_t, 32> a{}, b{};
  random_bytes(a);
  random_bytes(b);
  EXPECT_NE(a, b);
}
