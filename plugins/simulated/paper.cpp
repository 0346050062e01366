#include "plugins/simulated/paper.hpp"

#include <algorithm>

#include "plugins/simulated/plain_text.hpp"

namespace simulated {

namespace {

constexpr std::size_t prints_kept_max = 100;
constexpr std::size_t printouts_max = 20;

}  // namespace

const paper::remembered* paper::find(const std::string& operation_id) const {
  const auto found = std::find_if(operations_.begin(), operations_.end(),
                                  [&](const remembered& r) { return r.operation_id == operation_id; });
  return found == operations_.end() ? nullptr : &*found;
}

void paper::remember(const std::string& operation_id, tilld::printer::confirmation how) {
  operations_.push_back({operation_id, how});
  if (operations_.size() > prints_kept_max) operations_.erase(operations_.begin());
}

tilld::printer::printed paper::print(const tilld::printer::print& request) {
  if (const auto* earlier = find(request.operation_id)) return {earlier->confirmation};
  auto lines = plain_text(request.document, request.slots.value_or(tilld::printer::slots_by_name()));
  printouts_.push_back({request.operation_id, std::move(lines)});
  if (printouts_.size() > printouts_max) printouts_.pop_front();
  ++documents_;
  remember(request.operation_id, tilld::printer::confirmation::printed);
  return {tilld::printer::confirmation::printed};
}

tilld::nothing paper::open_drawer(const tilld::printer::open_drawer& request) {
  if (remembers(request.operation_id)) return {};
  ++drawer_openings_;
  remember(request.operation_id, tilld::printer::confirmation::processed);
  return {};
}

tilld::printer::outcome_known paper::outcome(const std::string& operation_id) const {
  const auto* earlier = find(operation_id);
  if (!earlier) return {.state = tilld::operation_state::not_done};
  return {.state = tilld::operation_state::done, .result = tilld::printer::printed{earlier->confirmation}};
}

boost::json::object paper::save() const {
  return {{"operations", tilld::to_json(operations_)},
          {"documents", documents_},
          {"drawer_openings", drawer_openings_}};
}

void paper::load(const boost::json::object& saved) {
  operations_ = tilld::from_json<std::vector<remembered>>(saved.at("operations"));
  documents_ = tilld::from_json<std::uint64_t>(saved.at("documents"));
  drawer_openings_ = tilld::from_json<std::uint64_t>(saved.at("drawer_openings"));
}

}  // namespace simulated
