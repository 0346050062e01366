#include "daemon/plugin_host/elf.hpp"

#include <elf.h>

#include <cstring>
#include <optional>
#include <string_view>

namespace tilld::daemon::plugin_host {

namespace {

base::error damaged(const char* what) {
  return {base::errc::plugin_missing, std::string("not a loadable shared object: ") + what};
}

template <class T>
std::optional<T> read_at(base::byte_view file, std::uint64_t offset) {
  if (offset > file.size() || file.size() - offset < sizeof(T)) return std::nullopt;
  T value;
  std::memcpy(&value, file.data() + offset, sizeof value);
  return value;
}

// The text at an offset of a string table; nothing when it does not end inside it.
std::optional<std::string> text_at(base::byte_view table, std::uint64_t offset) {
  if (offset >= table.size()) return std::nullopt;
  const auto rest = base::as_text(table.subspan(offset));
  const auto end = rest.find('\0');
  if (end == rest.npos) return std::nullopt;
  return std::string(rest.substr(0, end));
}

struct section {
  base::byte_view content;
  base::byte_view texts;  // of the string table that it is linked to
};

class elf_file {
 public:
  explicit elf_file(base::byte_view file) : file_(file) {}

  base::result<> open() {
    const auto head = read_at<Elf64_Ehdr>(file_, 0);
    if (!head || std::memcmp(head->e_ident, ELFMAG, SELFMAG) != 0) return damaged("no ELF header");
    if (head->e_ident[EI_CLASS] != ELFCLASS64 || head->e_ident[EI_DATA] != ELFDATA2LSB ||
        head->e_type != ET_DYN)
      return damaged("another kind of file or machine");
    if (head->e_shentsize != sizeof(Elf64_Shdr)) return damaged("no sections");
    if (head->e_shoff > file_.size() || (file_.size() - head->e_shoff) / sizeof(Elf64_Shdr) < head->e_shnum)
      return damaged("section headers are cut off");
    head_ = *head;
    return {};
  }

  // The first section of a type. An absent one is nothing, a damaged one an error.
  base::result<std::optional<section>> find(std::uint32_t type) const {
    for (std::uint64_t i = 0; i < head_.e_shnum; ++i) {
      const auto header = header_of(i);
      if (!header || header->sh_type != type) continue;
      const auto texts = header_of(header->sh_link);
      if (!texts) return damaged("a section without its names");
      const auto content_of_it = content(*header), content_of_texts = content(*texts);
      if (!content_of_it || !content_of_texts) return damaged("a section is cut off");
      return std::optional<section>(section{*content_of_it, *content_of_texts});
    }
    return std::optional<section>();
  }

 private:
  std::optional<Elf64_Shdr> header_of(std::uint64_t index) const {
    if (index >= head_.e_shnum || head_.e_shoff > file_.size()) return std::nullopt;
    return read_at<Elf64_Shdr>(file_, head_.e_shoff + index * sizeof(Elf64_Shdr));
  }
  std::optional<base::byte_view> content(const Elf64_Shdr& header) const {
    if (header.sh_offset > file_.size() || header.sh_size > file_.size() - header.sh_offset)
      return std::nullopt;
    return file_.subspan(header.sh_offset, header.sh_size);
  }

  base::byte_view file_;
  Elf64_Ehdr head_{};
};

bool is_exported(const Elf64_Sym& symbol) {
  const auto binding = ELF64_ST_BIND(symbol.st_info);
  const auto visibility = ELF64_ST_VISIBILITY(symbol.st_other);
  return symbol.st_shndx != SHN_UNDEF && binding != STB_LOCAL &&
         (visibility == STV_DEFAULT || visibility == STV_PROTECTED);
}

}  // namespace

base::result<elf_facts> read_elf(base::byte_view file) {
  elf_file elf(file);
  if (auto opened = elf.open(); !opened) return opened.error();
  const auto symbols = elf.find(SHT_DYNSYM);
  if (!symbols) return symbols.error();
  const auto dynamic = elf.find(SHT_DYNAMIC);
  if (!dynamic) return dynamic.error();
  if (!*symbols || !*dynamic) return damaged("no dynamic symbols");

  elf_facts facts;
  for (std::uint64_t at = 0; auto symbol = read_at<Elf64_Sym>((*symbols)->content, at);
       at += sizeof *symbol) {
    if (!is_exported(*symbol)) continue;
    auto name = text_at((*symbols)->texts, symbol->st_name);
    if (!name) return damaged("a symbol without a name");
    facts.exported.push_back(std::move(*name));
  }
  for (std::uint64_t at = 0; auto entry = read_at<Elf64_Dyn>((*dynamic)->content, at); at += sizeof *entry) {
    if (entry->d_tag == DT_NULL) break;
    if (entry->d_tag == DT_RPATH || entry->d_tag == DT_RUNPATH) facts.has_run_path = true;
    if (entry->d_tag != DT_NEEDED) continue;
    auto name = text_at((*dynamic)->texts, entry->d_un.d_val);
    if (!name) return damaged("a needed library without a name");
    facts.needed.push_back(std::move(*name));
  }
  return facts;
}

}  // namespace tilld::daemon::plugin_host
