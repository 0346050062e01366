// Frames between the daemon and the process of a plugin.
#include "tests/fuzz/target.hpp"
#include "wire/plugin_frame.hpp"

namespace tilld::fuzz {
namespace {

struct heard {
  std::vector<wire::plugin_message> messages;
  bool failed = false;
  bool operator==(const heard&) const = default;
};

heard listen(const std::vector<std::string_view>& pieces) {
  heard all;
  wire::plugin_frame_reader in;
  for (auto piece : pieces) {
    in.feed(piece);
    for (;;) {
      auto message = in.next();
      if (!message) {
        all.failed = true;
        auto again = in.next();
        demand(!again && again.error().code == message.error().code, "a broken stream stays broken");
        return all;
      }
      if (!*message) break;
      all.messages.push_back(std::move(**message));
    }
  }
  return all;
}

// Pieces change nothing; a message that was read keeps the limits, and written again it is the same octets.
void eat(std::string_view octets) {
  auto whole = listen({octets});
  demand(whole == listen(in_pieces(octets)), "pieces do not change the messages");
  std::string again;
  for (auto& m : whole.messages) {
    demand(!m.name.empty() && m.name.size() <= wire::plugin_name_size_max, "a name has its limit");
    demand(m.body.size() <= wire::plugin_body_size_max && m.blob.size() <= wire::plugin_blob_size_max,
           "body and blob have their limits");
    demand(wire::append_frame(again, m).has_value(), "what was read can be written");
  }
  demand(octets.starts_with(again), "what is written is what was read, octet for octet");
}

const target plugin_frames{"plugin_frames", eat};

}  // namespace
}  // namespace tilld::fuzz
