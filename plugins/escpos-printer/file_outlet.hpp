// Prints into a folder, for development and for tests: NNNN-<operation id>.bin holds the bytes that a printer
// would have got, .png and .txt beside it show them. A job is there when its .bin is there: it is written
// last, synced and renamed into place.
#pragma once

#include <memory>

#include "plugins/escpos-printer/outlet.hpp"
#include "plugins/escpos-printer/result.hpp"

namespace tilld::escpos {

class file_outlet final : public outlet {
 public:
  // The listener must outlive this. The folder is made where it is missing and can be.
  static result<std::unique_ptr<file_outlet>> open(std::string folder, outlet_listener& listener);

  void prepare() override;
  void put_out(const printout& job) override;
  bool abandon(std::uint64_t) override { return true; }
  std::optional<bool> was_printed(const std::string& operation_id) const override;
  bool keeps_previews() const override { return true; }
  printer::condition condition() const override;

 private:
  file_outlet(std::string folder, outlet_listener& listener);
  result<std::string> next_number() const;

  std::string folder_;
  outlet_listener& listener_;
};

}  // namespace tilld::escpos
