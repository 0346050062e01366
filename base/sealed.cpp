#include "base/sealed.hpp"

#include <fcntl.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/crypto.hpp"

namespace tilld::base {
namespace {

constexpr std::size_t slot_size = 48;
constexpr std::size_t key_size = crypto_aead_xchacha20poly1305_ietf_KEYBYTES;
constexpr std::size_t nonce_size = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES;
constexpr std::size_t tag_size = crypto_aead_xchacha20poly1305_ietf_ABYTES;
static_assert(key_size == 32);

using slot = std::array<std::uint8_t, slot_size>;

hash256 check_of(byte_view key) { return sha256({as_bytes("tilld.seal.1"), key}); }

error file_failure(const char* doing) {
  auto code = errno == ENOSPC || errno == EDQUOT ? errc::storage_full : errc::storage_failed;
  return {code, std::string(doing) + " the key file of sealed rows: " + errno_text(errno)};
}

// All of it or nothing that counts; a write that stopped half-way did so because the disk is full.
bool write_slot(int fd, const slot& s, std::uint64_t at) {
  errno = ENOSPC;
  return ::pwrite(fd, s.data(), s.size(), static_cast<off_t>(at * slot_size)) ==
         static_cast<ssize_t>(s.size());
}

}  // namespace

result<seal_keys> seal_keys::open(const std::string& path) {
  seal_keys keys;
  keys.file_.reset(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  struct stat found {};
  if (!keys.file_ || ::fstat(keys.file_.get(), &found) != 0) return file_failure("open");
  keys.slots_ = static_cast<std::uint64_t>(found.st_size) / slot_size;
  if (static_cast<std::uint64_t>(found.st_size) % slot_size &&
      ::ftruncate(keys.file_.get(), static_cast<off_t>(keys.slots_ * slot_size)) != 0)
    return file_failure("repair");
  // A key is as durable as the name of its file.
  if (found.st_size == 0)
    if (auto synced = sync_folder_of(path); !synced) return synced.error();
  return keys;
}

result<byte_string> seal_keys::seal(std::string_view plain, byte_view bound_to) {
  slot s{};
  random_bytes(std::span(s).first<key_size>());
  auto check = check_of(byte_view(s).first(key_size));
  std::copy_n(check.begin(), slot_size - key_size, s.begin() + key_size);
  auto at = slots_;
  if (!write_slot(file_.get(), s, at)) return file_failure("write");
  if (::fdatasync(file_.get()) != 0) return file_failure("sync");
  ++slots_;

  byte_string out(8 + nonce_size + plain.size() + tag_size);
  store_big(out.data(), at);
  random_bytes(std::span(out).subspan(8, nonce_size));
  crypto_aead_xchacha20poly1305_ietf_encrypt(
      out.data() + 8 + nonce_size, nullptr, reinterpret_cast<const std::uint8_t*>(plain.data()), plain.size(),
      bound_to.data(), bound_to.size(), nullptr, out.data() + 8, s.data());
  sodium_memzero(s.data(), s.size());
  return out;
}

result<std::string> seal_keys::open(byte_view sealed, byte_view bound_to) const {
  if (sealed.size() < 8 + nonce_size + tag_size)
    return error{errc::record_damaged, "a sealed row is too short"};
  auto at = load_big<std::uint64_t>(sealed.data());
  slot s{};
  if (at >= slots_ || ::pread(file_.get(), s.data(), s.size(), static_cast<off_t>(at * slot_size)) !=
                          static_cast<ssize_t>(s.size()))
    return error{errc::answer_expired, "the key of a sealed row is not in the key file"};
  if (std::all_of(s.begin(), s.end(), [](auto b) { return b == 0; }))
    return error{errc::answer_expired, "the key of a sealed row was destroyed"};
  auto check = check_of(byte_view(s).first(key_size));
  if (!std::equal(s.begin() + key_size, s.end(), check.begin()))
    return error{errc::record_damaged, "the key of a sealed row is damaged"};
  std::string plain(sealed.size() - 8 - nonce_size - tag_size, '\0');
  int opened = crypto_aead_xchacha20poly1305_ietf_decrypt(
      reinterpret_cast<std::uint8_t*>(plain.data()), nullptr, nullptr, sealed.data() + 8 + nonce_size,
      sealed.size() - 8 - nonce_size, bound_to.data(), bound_to.size(), sealed.data() + 8, s.data());
  sodium_memzero(s.data(), s.size());
  if (opened != 0) return error{errc::record_damaged, "a sealed row was altered or moved"};
  return plain;
}

result<> seal_keys::destroy(byte_view sealed) {
  if (sealed.size() < 8) return error{errc::record_damaged, "a sealed row is too short"};
  auto at = load_big<std::uint64_t>(sealed.data());
  if (at >= slots_) return {};
  slot zeros{};
  if (!write_slot(file_.get(), zeros, at)) return file_failure("write");
  if (::fdatasync(file_.get()) != 0) return file_failure("sync");
  return {};
}

}  // namespace tilld::base
