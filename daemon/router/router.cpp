#include "daemon/router/router.hpp"

#include <algorithm>
#include <cassert>

#include <boost/json.hpp>

namespace tilld::daemon {

using base::errc;
using base::error;

namespace {

// What any call can be answered with, whatever it does.
constexpr errc of_every_call[] = {errc::invalid_params, errc::forbidden, errc::busy, errc::internal};
constexpr errc of_keyed_calls[] = {errc::key_missing, errc::key_conflict, errc::answer_expired,
                                   errc::storage_full, errc::storage_failed};
// Of questions with a key nothing is written down.
constexpr errc of_keyed_questions[] = {errc::key_conflict, errc::answer_expired};

std::optional<error> refusal(const method& m, const base::schema& params, const call& c) {
  if (m.key == keyed::always && !c.params.contains("idempotency_key"))
    return error{errc::key_missing, m.name + " needs idempotency_key"};
  if (auto fits = base::check_params(params, c.params); !fits) return fits.error();
  return std::nullopt;
}

boost::asio::awaitable<wire::answer> answered(wire::answer a) { co_return a; }

}  // namespace

std::vector<errc> errors_of(const method& m) {
  auto all = m.errors;
  auto put = [&all](std::span<const errc> more) {
    for (auto code : more)
      if (std::find(all.begin(), all.end(), code) == all.end()) all.push_back(code);
  };
  if (m.key == keyed::always) put(of_keyed_calls);
  if (m.key == keyed::may_be) put(of_keyed_questions);
  put(of_every_call);
  return all;
}

base::schema whole_params(const method& m) {
  if (m.key == keyed::no || m.checked == params_checked::by_call) return m.params;
  auto text = m.params.text();
  auto& properties =
      text["properties"].is_object() ? text["properties"].get_object() : text["properties"].emplace_object();
  properties["idempotency_key"] = base::shape::text(1, 64)
                                      .with("pattern", "^[ -~]*$")
                                      .with("x-expected", "1 to 64 printable ASCII characters")
                                      .saying("the same for the same thing; made by the caller")
                                      .text();
  if (m.key == keyed::always) {
    auto& required =
        text["required"].is_array() ? text["required"].get_array() : text["required"].emplace_array();
    required.emplace_back("idempotency_key");
  }
  return base::schema(std::move(text));
}

route router::way_of(const method& m) const {
  return {m.allowed, m.before_hello, m.keeps_raw_params, {}, {}};
}

void router::insert(std::shared_ptr<const method> what, route way) {
  auto name = what->name;
  assert(!own_.contains(name));
  own_.emplace(std::move(name), entry{std::move(what), std::move(way)});
}

void router::add(method m, quick_call run) {
  auto what = std::make_shared<const method>(std::move(m));
  auto way = way_of(*what);
  way.quick = std::move(run);
  if (what->checked == params_checked::by_router)
    way.quick = [what, params = whole_params(*what), run = std::move(way.quick)](const call& c) {
      if (auto why = refusal(*what, params, c)) return wire::make_error(*why, c.who->language);
      return run(c);
    };
  insert(std::move(what), std::move(way));
}

void router::add(method m, slow_call run) {
  auto what = std::make_shared<const method>(std::move(m));
  auto way = way_of(*what);
  way.slow = std::move(run);
  if (what->checked == params_checked::by_router)
    way.slow = [what, params = whole_params(*what), run = std::move(way.slow)](call c) {
      if (auto why = refusal(*what, params, c)) return answered(wire::make_error(*why, c.who->language));
      return run(std::move(c));
    };
  insert(std::move(what), std::move(way));
}

base::result<const route*> router::find(const std::string& name, role r) {
  const route* found = nullptr;
  if (auto at = own_.find(name); at != own_.end()) {
    found = &at->second.way;
  } else if (find_rest_) {
    if (auto other = find_rest_(name)) {
      found_rest_ = std::move(*other);
      found = &found_rest_;
    }
  }
  if (!found) return error{errc::unknown_method, "there is no method " + name.substr(0, 64)};
  if (!(found->allowed & only(r)))
    return error{errc::forbidden, "the role " + std::string(daemon::name(r)) + " may not call " + name};
  return found;
}

std::vector<method> router::methods() const {
  std::vector<method> all;
  for (auto& [name, one] : own_) all.push_back(*one.what);
  if (list_rest_)
    for (auto& one : list_rest_()) all.push_back(std::move(one));
  std::sort(all.begin(), all.end(), [](auto& a, auto& b) { return a.name < b.name; });
  return all;
}

}  // namespace tilld::daemon
