// The export of a journal, format 2.
#include <cerrno>
#include <cstring>
#include <fstream>

#include "verify/files.hpp"

namespace tilld::verify {
namespace {

constexpr std::string_view magic("tilld.export.2\n\0", 16);
constexpr std::string_view word_magic = "tilld.export.say", end_magic = "tilld.export.end";
constexpr std::size_t word_size = 204, end_size = 56, record_front = 128 + 32, body_size_max = 1 << 20;

// Reads pieces of a known size and remembers where it is.
class octet_stream {
 public:
  explicit octet_stream(const std::string& path) : file_(path, std::ios::binary) {}
  bool is_open() const { return file_.is_open(); }
  // Fewer at the end of the file.
  std::string take(std::size_t size) {
    std::string out(size, '\0');
    file_.read(out.data(), static_cast<std::streamsize>(size));
    out.resize(static_cast<std::size_t>(file_.gcount()));
    at_ += out.size();
    return out;
  }
  int next() { return file_.peek(); }
  std::uint64_t at() const { return at_; }

 private:
  std::ifstream file_;
  std::uint64_t at_ = 0;
};

void damaged(chain& c, const octet_stream& in, const std::string& why) {
  c.find(finding_kind::file_damaged, c.end().sequence + 1, "octet " + std::to_string(in.at()) + ": " + why);
}

bool begin(chain& c, octet_stream& in) {
  auto front = in.take(96);
  if (front.size() < 96 || front.substr(0, 16) != magic) {
    damaged(c, in, "this is no export of a journal");
    return false;
  }
  auto name = front.substr(16, 32);
  auto till = name.substr(0, name.find('\0'));
  head before{static_cast<std::uint32_t>(number_at(front, 48, 4)), number_at(front, 56, 8),
              array_at<32>(front, 64)};
  bool from_the_beginning_well = before.sequence != 0 || before == head{};
  if (till.empty() || padded(till) != name || before.epoch == 0 || number_at(front, 52, 4) != 0 ||
      !from_the_beginning_well) {
    damaged(c, in, "the head is not well-formed");
    return false;
  }
  c.begin(till, before);
  return true;
}

word read_word(std::string_view octets) {
  word w;
  w.by = octets[16] == 1 ? word::signer::till : word::signer::server;
  w.who = array_at<32>(octets, 24);
  w.where = {static_cast<std::uint32_t>(number_at(octets, 56, 4)), number_at(octets, 60, 8),
             array_at<32>(octets, 68)};
  w.central_sequence = number_at(octets, 100, 8);
  w.central_hash = array_at<32>(octets, 108);
  w.signature = array_at<64>(octets, 140);
  return w;
}

void read_parts(chain& c, octet_stream& in) {
  std::uint64_t records = 0;
  hash last = c.before().last;
  bool words_began = false;
  for (;;) {
    if (in.next() == 1 && !words_began) {
      auto front = in.take(record_front);
      if (front.size() < record_front) return damaged(c, in, "the file ends within a record");
      auto size = number_at(front, 120, 4);
      if (size > body_size_max) return damaged(c, in, "the body of a record is too large");
      auto body = in.take(size);
      if (body.size() < size) return damaged(c, in, "the file ends within a record");
      last = array_at<32>(front, 128);
      c.take(std::string_view(front).substr(0, 128), last, body);
      ++records;
      continue;
    }
    auto mark = in.take(16);
    if (mark == word_magic) {
      words_began = true;
      auto octets = mark + in.take(word_size - 16);
      if (octets.size() < word_size) return damaged(c, in, "the file ends within a statement");
      bool known = (octets[16] == 1 || octets[16] == 2) && octets.find_first_not_of('\0', 17) >= 24;
      if (!known) return damaged(c, in, "a statement of a kind that is not known");
      c.hear(read_word(octets));
      continue;
    }
    if (mark.empty()) return damaged(c, in, "the file ends before its end mark");
    auto end = mark + in.take(end_size - 16);
    if (mark != end_magic || end.size() < end_size)
      return damaged(c, in, "neither a record nor the end stands here");
    if (in.next() != std::char_traits<char>::eof()) return damaged(c, in, "something stands behind the end");
    if (number_at(end, 16, 8) != records || array_at<32>(end, 24) != last)
      return damaged(c, in,
                     "the end names " + std::to_string(number_at(end, 16, 8)) + " records, the file has " +
                         std::to_string(records) + ", or another last hash");
    return;
  }
}

}  // namespace

read_file read_export(const std::string& path) {
  octet_stream in(path);
  if (!in.is_open()) return {nullptr, unreadable{path + ": " + std::strerror(errno)}};
  auto c = std::make_unique<chain>(path, chain::source::exported);
  if (begin(*c, in)) read_parts(*c, in);
  return {std::move(c), std::nullopt};
}

read_file read(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string front(16, '\0');
  if (!file.read(front.data(), 16) && file.gcount() == 0)
    return {nullptr, unreadable{path + ": cannot be read, or is empty"}};
  return front == std::string_view("SQLite format 3\0", 16) ? read_database(path) : read_export(path);
}

}  // namespace tilld::verify
