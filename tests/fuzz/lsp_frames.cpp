// Messages with Content-Length, as a stream brings them.
#include "tests/fuzz/target.hpp"
#include "wire/json_rpc.hpp"
#include "wire/lsp_frame.hpp"

namespace tilld::fuzz {
namespace {

struct heard {
  std::vector<std::string> messages;
  bool failed = false;
  bool operator==(const heard&) const = default;
};

heard listen(const std::vector<std::string_view>& pieces) {
  heard all;
  wire::lsp_splitter in;
  for (auto piece : pieces) {
    in.feed(piece);
    for (;;) {
      auto message = in.next();
      if (!message) {
        all.failed = true;
        return all;
      }
      if (!*message) break;
      all.messages.emplace_back(**message);
    }
    in.rest();
  }
  return all;
}

// Pieces change nothing; what was understood can be written again and is understood the same.
void eat(std::string_view octets) {
  auto whole = listen({octets}), in_parts = listen(in_pieces(octets));
  demand(whole == in_parts, "pieces do not change the messages");
  std::string again;
  for (auto& m : whole.messages) {
    demand(m.size() <= wire::line_size_max, "a message has at most a mebibyte");
    wire::append_lsp_message(again, m);
  }
  demand(listen({again}).messages == whole.messages, "what is written is read");
}

const target lsp_frames{"lsp_frames", eat};

}  // namespace
}  // namespace tilld::fuzz
