// A text that must not be seen: a token, a PIN. It cannot be printed, logged, compared or copied by accident,
// and it is wiped when it goes. reveal() is the one door, easy to search for.
#pragma once

#include <sodium.h>

#include <string>
#include <string_view>

namespace tilld::base {

class secret {
 public:
  secret() = default;
  // Copies and wipes what it was given: moving a short string leaves its characters in the old place.
  explicit secret(std::string text) : text_(text) { wipe(text); }
  secret(secret&& other) : text_(other.text_) { other.wipe(); }
  secret& operator=(secret&& other) {
    if (this != &other) {
      wipe();
      text_ = other.text_;
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
  void wipe() { wipe(text_); }
  static void wipe(std::string& text) {
    if (!text.empty()) sodium_memzero(text.data(), text.size());
    text.clear();
  }
  std::string text_;
};

}  // namespace tilld::base
