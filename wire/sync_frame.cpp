#include "wire/sync_frame.hpp"

#include <zstd.h>

#include <memory>

namespace tilld::wire::sync {
namespace {

using base::errc;
using base::error;

constexpr std::uint16_t flag_compressed = 1;
// Below this the zstd frame costs more than it saves.
constexpr std::size_t compress_from = 512;

struct free_compressor {
  void operator()(ZSTD_CCtx* c) const { ZSTD_freeCCtx(c); }
};
struct free_decompressor {
  void operator()(ZSTD_DStream* d) const { ZSTD_freeDStream(d); }
};

std::optional<base::byte_string> compressed(base::byte_view plain) {
  thread_local std::unique_ptr<ZSTD_CCtx, free_compressor> context(ZSTD_createCCtx());
  base::byte_string out(ZSTD_compressBound(plain.size()));
  auto size = ZSTD_compressCCtx(context.get(), out.data(), out.size(), plain.data(), plain.size(), 3);
  if (ZSTD_isError(size) || size >= plain.size()) return std::nullopt;
  out.resize(size);
  return out;
}

// Streams into a buffer that grows step by step, so that neither the announced size nor the real one can make
// this process allocate more than the limit. The window is limited too: a frame may ask for gigabytes of it.
base::result<base::byte_string> decompressed(base::byte_view packed, std::size_t plain_max) {
  thread_local std::unique_ptr<ZSTD_DStream, free_decompressor> stream(ZSTD_createDStream());
  ZSTD_initDStream(stream.get());
  ZSTD_DCtx_setParameter(stream.get(), ZSTD_d_windowLogMax, 23);
  base::byte_string out;
  std::uint8_t chunk[16384];
  ZSTD_inBuffer in{packed.data(), packed.size(), 0};
  for (;;) {
    ZSTD_outBuffer to{chunk, sizeof chunk, 0};
    auto before = in.pos;
    auto hint = ZSTD_decompressStream(stream.get(), &to, &in);
    if (ZSTD_isError(hint))
      return error{errc::parse_error, std::string("compressed payload: ") + ZSTD_getErrorName(hint)};
    if (out.size() + to.pos > plain_max)
      return error{errc::message_too_large,
                   "a payload is larger than " + std::to_string(plain_max) + " octets after decompression"};
    out.insert(out.end(), chunk, chunk + to.pos);
    if (hint == 0) break;
    if (to.pos == 0 && in.pos == before)
      return error{errc::parse_error, "compressed payload: it ends too early"};
  }
  if (in.pos != in.size) return error{errc::parse_error, "compressed payload: something follows its end"};
  return out;
}

}  // namespace

base::result<base::byte_string> encode_frame(frame_type type, std::uint64_t request,
                                             base::byte_view payload) {
  std::optional<base::byte_string> packed;
  if (payload.size() >= compress_from) packed = compressed(payload);
  auto sent = packed ? base::byte_view(*packed) : payload;
  if (payload.size() > payload_plain_size_max || sent.size() > payload_wire_size_max)
    return error{errc::message_too_large,
                 "a payload of " + std::to_string(payload.size()) + " octets does not fit"};
  base::byte_string out;
  out.reserve(frame_header_size + sent.size());
  base::byte_writer w(out);
  w.u32(static_cast<std::uint32_t>(sent.size()));
  w.u8(protocol_version);
  w.u8(static_cast<std::uint8_t>(type));
  w.u16(packed ? flag_compressed : 0);
  w.u64(request);
  w.bytes(sent);
  return out;
}

void frame_reader::feed(base::byte_view octets) {
  if (broken_) return;
  // What was yielded is dropped before more comes in, so the buffer holds one unfinished frame and little
  // else.
  buffer_.erase(buffer_.begin(), buffer_.begin() + static_cast<std::ptrdiff_t>(taken_));
  taken_ = 0;
  buffer_.insert(buffer_.end(), octets.begin(), octets.end());
}

base::result<std::optional<frame>> frame_reader::next() {
  if (broken_) return *broken_;
  base::byte_view rest = base::byte_view(buffer_).subspan(taken_);
  if (rest.size() < frame_header_size) return std::optional<frame>();
  base::byte_reader header(rest.first(frame_header_size));
  std::size_t size = header.u32();
  auto version = header.u8();
  auto type = header.u8();
  auto flags = header.u16();
  auto request = header.u64();
  if (version != protocol_version)
    return remember({errc::protocol_unsupported, "frame version " + std::to_string(version) +
                                                     ", this program speaks " +
                                                     std::to_string(protocol_version)});
  if (flags & ~flag_compressed)
    return remember({errc::parse_error, "unknown flags " + std::to_string(flags) + " in a frame"});
  if (size > limits_.wire)
    return remember({errc::message_too_large, "a frame of " + std::to_string(size) +
                                                  " octets where at most " + std::to_string(limits_.wire) +
                                                  " are allowed"});
  if (rest.size() < frame_header_size + size) return std::optional<frame>();
  auto payload = rest.subspan(frame_header_size, size);
  frame f{static_cast<frame_type>(type), request, {}};
  if (flags & flag_compressed) {
    auto plain = decompressed(payload, limits_.plain);
    if (!plain) return remember(plain.error());
    f.payload = std::move(*plain);
  } else {
    f.payload.assign(payload.begin(), payload.end());
  }
  taken_ += frame_header_size + size;
  if (taken_ == buffer_.size()) {
    buffer_.clear();
    taken_ = 0;
    // One large batch must not keep its memory while a till has nothing to say.
    if (buffer_.capacity() > (64 << 10)) buffer_.shrink_to_fit();
  }
  return std::optional<frame>(std::move(f));
}

base::error frame_reader::remember(error e) {
  broken_ = e;
  buffer_ = {};
  taken_ = 0;
  return e;
}

}  // namespace tilld::wire::sync
