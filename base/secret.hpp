// A text that must not be seen: a token, a PIN. It cannot be printed, logged, compared or copied by accident, and it
// is wiped when it goes. reveal() is the one door, easy to search for.
#pragma once

#include <string>
#include <string_view>

#include <sodium.h>

namespace tilld::base {

class secret {
 public:
  secret() = default;
  explicit secret(std::string text) : text_(std::move(text)) {}
  secret(secret&& other) noexcept : text_(std::move(other.text_)) { other.wipe(); }
  secret& operator=(secret&& other) noexcept {
    if (this != &other) {
      wipe();
      text_ = std::move(other.text_);
      other.wipe();
    }
    return *this;
  }
  secret(const secret&) = delete;
  secret& operator=(const secret&) = delete;
  ~secret() { wipe(); }

  std::string_view reveal() const { return text_; }
  bool empty() const { return text_.empty(); }

 private:
  void wipe() {
    if (!text_.empty()) sodium_memzero(text_.data(), text_.size());
    text_.clear();
  }
  std::string text_;
};

}  // namespace tilld::base
