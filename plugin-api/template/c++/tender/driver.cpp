// What takes payments. As it stands it declines every payment, and does so rightly: a decline is an answer,
// the same operation gets the same answer for ever, and a reversal closes an operation that may still be on
// its way. Put the talk with your terminal or your service into decide(); keep the order of things around it.
#include <memory>
#include <optional>
#include <string>

#include <tilld/plugin.hpp>
#include <tilld/services.hpp>
#include <tilld/tender.hpp>

namespace tender = tilld::tender;
namespace state = tilld::services::state;
namespace json = boost::json;

class driver {
 public:
  explicit driver(tilld::host host) : host_(host) {}

  void authorize(const tender::authorize& request, tilld::pending<tender::authorize> pending) {
    once(request, std::move(pending));
  }
  void capture(const tender::capture& request, tilld::pending<tender::capture> pending) {
    once(request, std::move(pending));
  }
  void release(const tender::release& request, tilld::pending<tender::release> pending) {
    once(request, std::move(pending));
  }

  // Also stores a decline for the operation that is reversed, so that it is refused when it arrives late.
  void reverse(const tender::reverse& request, tilld::pending<tender::reverse> pending) {
    check_id(request.operation_id);
    check_id(request.reversed_operation_id);
    auto token = share(std::move(pending));
    tender::authorized refused;
    refused.decision = tender::decision::declined;
    refused.reason = tender::decline_reason::customer_cancelled;
    store_if_new(request.reversed_operation_id, tilld::to_json(refused),
                 [this, request, token](const json::value*) {
                   store_if_new(request.operation_id, tilld::to_json(decide(request)),
                                [token](const json::value* stored) {
                                  if (!stored)
                                    return token->fail({TILLD_E_BUSY, "the answer could not be stored"});
                                  token->answer(tilld::from_json<tender::reversed>(*stored));
                                });
                 });
  }

  void outcome(const tender::outcome& request, tilld::pending<tender::outcome> pending) {
    auto token = share(std::move(pending));
    host_.ask(state::get{.key = request.operation_id}, [token](const tilld::answer<state::found>& answer) {
      tender::outcome_known known;  // unknown: not found is no promise that it was not done
      if (answer && answer->value && answer->value->is_object()) {
        known.state = tilld::operation_state::done;
        known.result = answer->value->get_object();
      }
      token->answer(known);
    });
  }

  using methods = std::tuple<tilld::method<&driver::authorize>, tilld::method<&driver::capture>,
                             tilld::method<&driver::release>, tilld::method<&driver::reverse>,
                             tilld::method<&driver::outcome>>;

 private:
  tender::authorized decide(const tender::authorize&) {
    tender::authorized answer;
    answer.decision = tender::decision::declined;
    answer.reason = tender::decline_reason::offline_not_allowed;
    return answer;
  }
  tender::captured decide(const tender::capture&) { return {tender::decision::declined, not_found, {}, {}}; }
  tender::released decide(const tender::release&) { return {tender::decision::declined, not_found, {}}; }
  tender::reversed decide(const tender::reverse&) { return {tender::decision::declined, not_found, {}, {}}; }

  // While there is somebody to answer: what is thrown later, in a continuation, ends the instance.
  static void check_id(const std::string& operation_id) {
    if (const char* wrong = state::key_complaint(operation_id)) throw tilld::failure(TILLD_E_INVALID, wrong);
  }

  template <class Request>
  static std::shared_ptr<tilld::pending<Request>> share(tilld::pending<Request> pending) {
    return std::make_shared<tilld::pending<Request>>(std::move(pending));
  }

  // Answers what was answered before; else decides, stores, and answers when it is stored.
  template <class Request>
  void once(const Request& request, tilld::pending<Request> pending) {
    check_id(request.operation_id);
    auto token = share(std::move(pending));
    host_.ask(state::get{.key = request.operation_id},
              [this, request, token](const tilld::answer<state::found>& before) {
                using reply = typename Request::reply;
                if (!before) return token->fail({TILLD_E_BUSY, "cannot look whether it was done before"});
                if (before->value) return token->answer(tilld::from_json<reply>(*before->value));
                const auto decision = decide(request);
                host_.ask(state::put{.key = request.operation_id, .value = tilld::to_json(decision)},
                          [token, decision](const tilld::answer<tilld::nothing>& stored) {
                            if (!stored)
                              return token->fail({TILLD_E_TIMEOUT, "the answer could not be stored"});
                            token->answer(decision);
                          });
              });
  }

  // Calls back with what is stored afterwards; with nothing when it cannot be.
  template <class Then>
  void store_if_new(const std::string& key, const json::value& value, Then then) {
    host_.ask(state::get{.key = key}, [this, key, value, then](const tilld::answer<state::found>& before) {
      if (!before) return then(nullptr);
      if (before->value) return then(&*before->value);
      host_.ask(
          state::put{.key = key, .value = value},
          [value, then](const tilld::answer<tilld::nothing>& stored) { then(stored ? &value : nullptr); });
    });
  }

  static constexpr auto not_found = tender::decline_reason::not_found;
  tilld::host host_;
};

TILLD_PLUGIN(driver, {.id = "com.example.my-device",
                      .version = "1.0.0",
                      .summary = "Payments, declined until somebody teaches it more",
                      .provides = {"tilld.tender/1"},
                      .uses = {"tilld.state/1"}})
