#include "tests/disks/disk_on_order.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "tests/support/process.hpp"
#include "tests/support/shop.hpp"

namespace tilld::disks {

disk_on_order::disk_on_order(const std::string& file) : file_(file) {
  int fd = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0 || ::ftruncate(fd, sizeof(failing_disk)) != 0) tests::give_up("cannot make " + file);
  void* mapped = ::mmap(nullptr, sizeof(failing_disk), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  ::close(fd);
  if (mapped == MAP_FAILED) tests::give_up("cannot map " + file);
  disk_ = static_cast<failing_disk*>(mapped);
}

disk_on_order::~disk_on_order() { ::munmap(disk_, sizeof(failing_disk)); }

std::vector<std::string> disk_on_order::environment() const {
  auto all = tests::preloading(TILLD_FAILING_DISK_LIBRARY);
  all.push_back("TILLD_TEST_DISK=" + file_);
  return all;
}

void disk_on_order::heal() {
  fail({false, 0, 0, 0});
  disk_->lock = 0;  // the daemon may have died with it
}

void disk_on_order::fail(const order& o) {
  disk_->sync_in = disk_->write_in = 0;
  disk_->times = o.times;
  disk_->error_number = static_cast<std::uint32_t>(o.error_number);
  __atomic_store_n(o.write ? &disk_->write_in : &disk_->sync_in, o.in, __ATOMIC_SEQ_CST);
}

std::uint64_t disk_on_order::cut_power(const std::string& folder, std::mt19937_64& random) {
  if (disk_->overflow) tests::give_up("the book of unflushed octets was too small");
  std::uint64_t taken = 0;
  for (auto& entry : std::filesystem::directory_iterator(folder)) {
    struct stat found {};
    auto path = entry.path().string();
    if (!path.ends_with("-wal") || ::stat(path.c_str(), &found) != 0) continue;
    int fd = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
    if (fd < 0) tests::give_up("cannot open " + path);
    for (std::uint32_t i = 0; i < disk_->ranges_count; ++i) {
      auto& r = disk_->ranges[i];
      if (r.inode != found.st_ino || (!r.lost && random() % 2 == 0)) continue;
      std::string nothing(r.size, '\0');
      if (r.offset < static_cast<std::uint64_t>(found.st_size) &&
          ::pwrite(fd, nothing.data(), nothing.size(), static_cast<off_t>(r.offset)) > 0)
        taken += r.size;
    }
    ::close(fd);
  }
  // The note to the next process was never flushed either.
  ::unlink((folder + "/journal.distrusted").c_str());
  disk_->ranges_count = 0;
  return taken;
}

}  // namespace tilld::disks
