// Frames between a till and a central server, either way.
#include "tests/fuzz/target.hpp"
#include "wire/sync_frame.hpp"

namespace tilld::fuzz {
namespace {

namespace sync = wire::sync;

struct heard {
  struct one {
    sync::frame_type type;
    std::uint64_t request;
    base::byte_string payload;
    bool operator==(const one&) const = default;
  };
  std::vector<one> frames;
  std::optional<base::errc> failed;
  bool operator==(const heard&) const = default;
};

heard listen(const std::vector<std::string_view>& pieces, sync::frame_reader::limits limits) {
  heard all;
  sync::frame_reader in(limits);
  for (auto piece : pieces) {
    in.feed(base::as_bytes(piece));
    for (;;) {
      auto frame = in.next();
      if (!frame) {
        all.failed = frame.error().code;
        auto again = in.next();
        demand(!again && again.error().code == *all.failed, "a broken stream stays broken");
        return all;
      }
      if (!*frame) break;
      demand((*frame)->payload.size() <= limits.plain, "a payload has its limit, also when it was packed");
      all.frames.push_back({(*frame)->type, (*frame)->request, std::move((*frame)->payload)});
    }
    demand(in.held() <= limits.wire + sync::frame_header_size + piece.size(), "memory follows what arrived");
  }
  return all;
}

// Pieces change nothing, limits hold while decompressing, and a frame that was read can be sent on.
void eat(std::string_view octets) {
  dice from(octets);
  auto limits = from.octet() & 1 ? sync::frame_reader::for_peers : sync::frame_reader::for_strangers;
  auto rest = from.rest();
  auto whole = listen({rest}, limits);
  demand(whole == listen(in_pieces(rest), limits), "pieces do not change the frames");
  for (auto& f : whole.frames) {
    auto again = sync::encode_frame(f.type, f.request, f.payload);
    demand(again.has_value(), "what was read can be written");
    auto second = listen({base::as_text(*again)}, sync::frame_reader::for_peers);
    demand(second.frames.size() == 1 && second.frames[0] == f, "what is written is what was read");
  }
}

const target sync_frames{"sync_frames", eat};

}  // namespace
}  // namespace tilld::fuzz
