#include "daemon/config/layers.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <memory>

#include "base/file.hpp"
#include "base/yaml_fit.hpp"
#include "daemon/config/config_schema.hpp"

namespace tilld::daemon {

using base::errc;
using base::error;
using base::result;

namespace {

constexpr std::size_t file_size_max = 1 << 20;

error unreadable(const std::string& path, const std::string& why) {
  return {errc::config_unreadable, path + ": " + why};
}

// Who can write a drop-in decides what the daemon runs.
result<> belongs_to_who_may_decide(const struct stat& of, const std::string& path) {
  if (of.st_uid != 0 && of.st_uid != ::geteuid())
    return unreadable(path,
                      "belongs to user " + std::to_string(of.st_uid) +
                          "; what is read from conf.d must belong to root or to the user that tilld runs as");
  if (of.st_mode & (S_IWGRP | S_IWOTH))
    return unreadable(path, "may be written by its group or by others; chmod go-w takes that away");
  return {};
}

bool is_drop_in(const std::string& name) { return !name.starts_with('.') && name.ends_with(".yaml"); }

struct listing {
  std::vector<std::string> drop_ins, passed_over;
};

// std::string compares octets, whatever the locale.
result<listing> list_folder(const std::string& folder) {
  listing found;
  struct closing {
    void operator()(DIR* d) const { ::closedir(d); }
  };
  std::unique_ptr<DIR, closing> open(::opendir(folder.c_str()));
  if (!open) {
    if (errno == ENOENT) return found;
    return unreadable(folder, base::errno_text(errno));
  }
  struct stat about {};
  if (::fstat(::dirfd(open.get()), &about) != 0) return unreadable(folder, base::errno_text(errno));
  if (auto fine = belongs_to_who_may_decide(about, folder); !fine) return fine.error();
  errno = 0;
  while (auto* entry = ::readdir(open.get())) {
    std::string name = entry->d_name;
    if (name != "." && name != "..")
      (is_drop_in(name) ? found.drop_ins : found.passed_over).push_back(folder + "/" + name);
    errno = 0;
  }
  if (errno != 0) return unreadable(folder, base::errno_text(errno));
  std::sort(found.drop_ins.begin(), found.drop_ins.end());
  std::sort(found.passed_over.begin(), found.passed_over.end());
  return found;
}

// What was examined is what is read: nobody can change the file for another one in between.
result<std::string> read_drop_in(const std::string& path) {
  base::unique_fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat about {};
  if (!fd || ::fstat(fd.get(), &about) != 0) return unreadable(path, base::errno_text(errno));
  if (!S_ISREG(about.st_mode)) return unreadable(path, "is not a file");
  if (auto fine = belongs_to_who_may_decide(about, path); !fine) return fine.error();
  std::string text(file_size_max + 1, '\0');
  std::size_t size = 0;
  while (size < text.size()) {
    auto got = ::read(fd.get(), text.data() + size, text.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return unreadable(path, base::errno_text(errno));
    if (got == 0) break;
    size += static_cast<std::size_t>(got);
  }
  if (size > file_size_max) return unreadable(path, "is larger than 1 MiB");
  text.resize(size);
  return text;
}

base::hash256 digest_of(const std::vector<std::string>& files, const std::vector<std::string>& texts) {
  // A till without drop-ins keeps the digest that it always had.
  if (texts.size() == 1) return base::sha256({base::as_bytes(texts[0])});
  base::byte_string all;
  base::byte_writer to(all);
  auto put = [&](const std::string& text) {
    to.u64(text.size());
    to.bytes(base::as_bytes(text));
  };
  for (std::size_t i = 0; i < texts.size(); ++i) {
    // The folder may be another one; the name decides about the order.
    put(i == 0 ? std::string() : std::filesystem::path(files[i]).filename().string());
    put(texts[i]);
  }
  return base::sha256({all});
}

}  // namespace

result<layers> read_layers(const std::string& path) {
  auto main_text = base::read_file(path, file_size_max);
  if (!main_text) return error{errc::config_unreadable, main_text.error().detail};
  auto folder = (std::filesystem::path(path).parent_path() / "conf.d").string();
  auto found = list_folder(folder);
  if (!found) return found.error();

  std::vector<std::string> files{path}, texts{std::string(base::as_text(*main_text))};
  for (auto& drop_in : found->drop_ins) {
    auto text = read_drop_in(drop_in);
    if (!text) return text.error();
    files.push_back(drop_in);
    texts.push_back(std::move(*text));
  }
  auto of_one_file = drop_in_schema();
  base::yaml_tree whole;
  for (std::size_t i = 0; i < files.size(); ++i) {
    auto document = base::yaml_value::parse(texts[i], files[i]);
    if (!document) return document.error();
    if (auto fine = base::fits(*document, of_one_file); !fine) return fine.error();
    whole = whole ? base::lay_over(whole, document->tree(), of_one_file.text()) : document->tree();
  }
  auto digest = digest_of(files, texts);
  return layers{std::move(files), std::move(found->passed_over), base::yaml_value(whole), digest};
}

}  // namespace tilld::daemon
