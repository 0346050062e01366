#include "plugin-api/check/exercise.hpp"

#include "plugin-api/check/bodies.hpp"
#include "plugin-api/check/checks.hpp"
#include "plugin-api/check/finding.hpp"

namespace tilld::plugin_check {

void exercise(conversation& with) {
  const auto& what = with.what();
  for (const auto* of : askable(what)) {
    const auto body = right_body(*of);
    if (!body) continue;
    const auto id = with.ask(of->full_name, boost::json::serialize(*body));
    if (!with.answered(id, with.patient(of->waits ? 100 : 2000))) with.cancel(id);
    with.reply_to(id);
  }
  for (const auto& of : what.words) with.call(of.full_name, R"({"x_tilld_check":)");
  for (const auto& interface : what.provides) with.call(interface + ".no_such_word", "{}");
  with.cancel(std::uint64_t(1) << 40);
  with.ping();
}

void exercise_or_skip(conversation& with) {
  try {
    exercise(with);
  } catch (const verdict_reached& reached) {
    if (reached.what.what == verdict::failed)
      skip("it does not get through a request for each word, see check 15");
    throw;
  }
}

}  // namespace tilld::plugin_check
