// The printer of the simulation: what lies in its tray, and which operations it remembers. Pure: the driver
// keeps save() and hands it to load(), and what was saved is what was printed. A real printer knows less
// about itself.
#pragma once

#include <deque>
#include <optional>
#include <string>
#include <vector>

#include <tilld/json_writer.hpp>
#include <tilld/printer.hpp>

#include "plugins/simulated/simulation.hpp"

namespace simulated {

class paper {
 public:
  // Each does nothing but answer when it is asked a second time for the same operation.
  tilld::printer::printed print(const tilld::printer::print& request);
  tilld::nothing open_drawer(const tilld::printer::open_drawer& request);

  bool remembers(const std::string& operation_id) const { return find(operation_id) != nullptr; }
  tilld::printer::outcome_known outcome(const std::string& operation_id) const;

  // The last 20 documents of this process. Their text is personal and is stored nowhere.
  const std::deque<simulation::printout>& printouts() const { return printouts_; }
  std::uint64_t documents() const { return documents_; }
  std::uint64_t drawer_openings() const { return drawer_openings_; }

  // The last 100 operations, and the counts.
  boost::json::object save() const;
  void load(const boost::json::object& saved);

 private:
  struct remembered {
    std::string operation_id;
    tilld::printer::confirmation confirmation{};
    BOOST_DESCRIBE_CLASS(remembered, (), (operation_id, confirmation), (), ())
  };

  const remembered* find(const std::string& operation_id) const;
  void remember(const std::string& operation_id, tilld::printer::confirmation how);

  std::vector<remembered> operations_;
  std::deque<simulation::printout> printouts_;
  std::uint64_t documents_ = 0;
  std::uint64_t drawer_openings_ = 0;
};

}  // namespace simulated
