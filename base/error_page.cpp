// Prints docs/errors.md from the registry: tilld-error-page > docs/errors.md
#include <cstdio>
#include <string>

#include "base/error.hpp"

int main() {
  using namespace tilld::base;
  std::string page =
      "# Errors\n\n"
      "Printed from `base/errors.def` by `tilld-error-page`; a test compares the two, so change the registry "
      "and print again.\n\n"
      "An error on a socket has the number as `code`; its `data` has the name as `kind`, whether the same "
      "call with the\n"
      "same key may succeed later as `retryable`, the sentence for the cashier in the language of the "
      "session as `user_message`, and\n"
      "the hint for IT staff as `hint`. Names and numbers are never reused and never change their meaning.\n";
  for (auto& e : error_registry()) {
    page += "\n## `" + std::string(e.kind) + "` " + std::to_string(static_cast<int>(e.code)) + "\n\n";
    page +=
        std::string(e.retryable ? "May succeed when it is repeated." : "Repeating does not help.") + "\n\n";
    page += "- English: " + std::string(e.english) + "\n";
    page += "- Deutsch: " + std::string(e.german) + "\n";
    page += "- IT: " + std::string(e.hint) + "\n";
  }
  return std::fputs(page.c_str(), stdout) < 0 ? 1 : 0;
}
