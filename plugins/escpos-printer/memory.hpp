// What became of each operation, remembered by the daemon's state service so that it outlives this plugin.
//
// An operation is written down before its first byte goes out and again when its outcome is known. Whoever
// finds the first note without the second knows that something may have been printed, and nothing else.
#pragma once

#include <deque>
#include <functional>
#include <optional>
#include <string>

#include <boost/json/object.hpp>

#include <tilld/host.hpp>
#include <tilld/services.hpp>

namespace tilld::escpos {

enum class operation_kind { print, open_drawer };

struct remembered {
  enum class phase { begun, done, unknown };
  phase at = phase::begun;
  operation_kind kind = operation_kind::print;
  boost::json::object reply;  // of what is done
};

class operation_memory {
 public:
  using wrote = std::function<void(std::optional<failure>)>;
  using found = std::function<void(std::optional<failure>, std::optional<remembered>)>;

  explicit operation_memory(tilld::host host) : host_(host) {}

  void load();  // learns which operations there are
  void look_up(const std::string& operation_id, found then);
  void write(const std::string& operation_id, const remembered& what, wrote then);
  void forget(const std::string& operation_id, wrote then);

  // Only the last thousand are kept. Ids are UUIDv7 and sort by time, so an id below the oldest that is kept
  // may have been dropped.
  bool may_have_forgotten(const std::string& operation_id) const { return operation_id < horizon_; }

 private:
  void load_after(std::string after);
  void keep(const std::string& operation_id);

  tilld::host host_;
  std::deque<std::string> kept_;  // oldest first
  std::string horizon_;
};

}  // namespace tilld::escpos
