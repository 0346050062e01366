// journal.prove: do this till and its servers have the same records?
#include <boost/asio/post.hpp>
#include <boost/json.hpp>

#include "base/checkpoint.hpp"
#include "daemon/calls/params.hpp"
#include "daemon/calls/parts.hpp"
#include "daemon/forward/inquiry.hpp"

namespace tilld::daemon {

namespace asio = boost::asio;
namespace sync = wire::sync;
using base::errc;
using base::error;
using base::result;
using wire::answer;
using wire::make_error;
using wire::make_result;

namespace {

constexpr std::uint64_t proved_at_once = 500;
constexpr std::size_t proved_octets_max = 1 << 20;

template <std::size_t N>
bool read_octets(const boost::json::object& from, std::string_view member, std::array<std::uint8_t, N>& to) {
  auto* value = from.if_contains(member);
  if (!value || !value->is_string()) return false;
  auto octets = base::from_hex(value->get_string());
  if (!octets || octets->size() != N) return false;
  std::copy(octets->begin(), octets->end(), to.begin());
  return true;
}

// One server while it is compared with the journal.
struct compared_server {
  const destination_config* where = nullptr;
  std::unique_ptr<inquiry> line;
  std::optional<sync::acknowledgement> said;  // nothing when it could not be asked
  bool stopped = false;                       // it has this till in quarantine
  std::vector<base::hash256> hashes;          // those from `hashes_from` on
  std::uint64_t hashes_from = 1;
  std::uint64_t same_up_to = 0;
  std::optional<std::uint64_t> differs_at;
  std::string why;

  void differ(std::uint64_t at, std::string sentence) {
    if (differs_at) return;
    differs_at = at;
    why = std::move(sentence);
  }
  bool wants(std::uint64_t sequence) const { return said && !differs_at && sequence <= said->head.sequence; }
};

result<boost::json::object> object_in(const std::string& text) {
  boost::system::error_code problem;
  auto value = boost::json::parse(text, problem);
  if (problem || !value.is_object()) return error{errc::parse_error, "the server's answer cannot be read"};
  return std::move(value.get_object());
}

// The server's signed word, checked with the key that this till knows it by.
result<sync::acknowledgement> read_statement(const boost::json::object& from, const till_parts& till,
                                             const base::public_key& key) {
  sync::acknowledgement a;
  auto number = [&](std::string_view member) -> std::uint64_t {
    auto* value = from.if_contains(member);
    boost::system::error_code problem;
    auto n = value ? value->to_number<std::uint64_t>(problem) : 0;
    return problem ? 0 : n;
  };
  a.head.epoch = static_cast<std::uint32_t>(number("epoch"));
  a.head.sequence = number("sequence");
  a.central_sequence = number("central_sequence");
  if (!read_octets(from, "hash", a.head.hash) || !read_octets(from, "central_hash", a.central_hash) ||
      !read_octets(from, "signature", a.signature) ||
      !base::verify_signature(key, a.signed_text(till.settings.till), a.signature))
    return error{errc::destination_changed, "its word is not signed with its key"};
  return a;
}

asio::awaitable<void> call_on(till_parts& till, const signatures& keys, compared_server& s) {
  inquiry::options how;
  how.address = s.where->address;
  how.expected_role = s.where->expected_role;
  how.expected_key = s.where->public_key;
  if (auto known = sync::witness::parse(till.journal.witness_of(s.where->name)); known && !how.expected_key)
    how.expected_key = known->central_key;
  how.who.merchant = till.settings.merchant;
  how.who.till = till.settings.till;
  how.who.software = "tilld/" TILLD_VERSION;
  how.who.key = till.key.public_half();
  how.head = till.journal.head();
  s.line = std::make_unique<inquiry>(till.executor, keys, std::move(how));
  auto opened = co_await s.line->open();
  if (!opened) {
    s.why = opened.error().detail;
    co_return;
  }
  std::string method = "prove.statement", nothing = "{}";
  auto told = co_await s.line->ask(std::move(method), std::move(nothing));
  auto body = told ? object_in(*told) : told.error();
  auto said = body ? read_statement(*body, till, s.line->central_key()) : body.error();
  if (!said) {
    s.why = said.error().detail;
    co_return;
  }
  s.said = *said;
  auto* stopped = body->if_contains("stopped");
  s.stopped = stopped && stopped->is_bool() && stopped->get_bool();
}

// The server's hashes from this record on, computed there from the octets that it holds.
asio::awaitable<result<>> fetch(compared_server& s, std::uint64_t from) {
  std::string method = "prove.hashes";
  auto params = boost::json::serialize(boost::json::object{{"from", from}});
  auto told = co_await s.line->ask(std::move(method), std::move(params));
  if (!told) co_return told.error();
  auto body = object_in(*told);
  if (!body) co_return body.error();
  auto* text = body->if_contains("hashes");
  auto octets = text && text->is_string() ? base::from_hex(text->get_string()) : std::nullopt;
  if (!octets || octets->size() % 32 != 0)
    co_return error{errc::parse_error, "the server's answer cannot be read"};
  s.hashes.resize(octets->size() / 32);
  for (std::size_t i = 0; i < s.hashes.size(); ++i)
    std::copy_n(octets->begin() + static_cast<std::ptrdiff_t>(32 * i), 32, s.hashes[i].begin());
  s.hashes_from = from;
  co_return result<>();
}

asio::awaitable<void> compare(compared_server& s, std::uint64_t sequence, const base::hash256& mine) {
  auto place = "record " + std::to_string(sequence);
  if (sequence >= s.hashes_from + s.hashes.size() || sequence < s.hashes_from) {
    auto fetched = co_await fetch(s, sequence);
    if (!fetched) {
      s.said.reset();
      s.why = fetched.error().detail;
      co_return;
    }
    if (s.hashes.empty()) {
      s.differ(sequence, "the server has signed for it and does not have it");
      co_return;
    }
  }
  if (s.hashes[sequence - s.hashes_from] != mine)
    s.differ(sequence, "the server has another " + place);
  else if (sequence == s.said->head.sequence && s.said->head.hash != mine)
    s.differ(sequence, "the server signed for another " + place);
  else
    s.same_up_to = sequence;
}

boost::json::object describe(const compared_server& s) {
  boost::json::object o{{"destination", s.where->name},
                        {"role", sync::name(s.where->expected_role)},
                        {"reached", s.said.has_value()},
                        {"agrees", s.said.has_value() && !s.differs_at},
                        {"verified", s.same_up_to}};
  if (s.said) {
    o["public_key"] = base::to_hex(s.line->central_key());
    o["sequence"] = s.said->head.sequence;
    o["central_sequence"] = s.said->central_sequence;
    o["stopped"] = s.stopped;
  }
  if (s.differs_at) o["differs_at"] = *s.differs_at;
  if (!s.why.empty()) o["why"] = s.why;
  return o;
}

// What the walk along the journal says.
struct walked {
  std::uint64_t verified = 0;
  std::optional<std::string> broken;
};

asio::awaitable<result<walked>> walk_along(till_parts& till, std::vector<compared_server>& servers,
                                           const base::chain_head& head, base::cancellation* cancel) {
  base::chain_follower follower(till.settings.till, till.journal.beginning());
  walked w;
  w.verified = follower.head().sequence;
  while (follower.head().sequence < head.sequence) {
    if (cancel && cancel->wanted())
      co_return error{errc::cancelled, "cancelled at record " + std::to_string(w.verified)};
    auto some = std::make_shared<std::vector<base::record>>();
    store::work look = [some, from = w.verified + 1](rows& in) -> result<> {
      auto found = in.read(from, proved_at_once, proved_octets_max);
      if (!found) return found.error();
      *some = std::move(*found);
      return {};
    };
    auto looked = co_await till.journal.run(work_kind::reads, std::move(look));
    if (!looked) co_return looked.error();
    // Taken out meanwhile, after all had signed for it; the journal begins further on now.
    if (till.journal.beginning().sequence > w.verified) {
      follower = base::chain_follower(till.settings.till, till.journal.beginning());
      w.verified = follower.head().sequence;
      continue;
    }
    if (some->empty()) {
      w.broken = "the record is missing";
      co_return w;
    }
    for (auto& r : *some) {
      auto before = follower.head();
      auto taken = follower.take(r);
      result<> held;
      if (!taken) held = taken.error();
      if (taken && taken->kind == base::checkpoint_kind)
        if (auto point = base::check_checkpoint(till.settings.till, before, r.body); !point)
          held = point.error();
      if (!held) {
        w.broken = held.error().detail;
        co_return w;
      }
      w.verified = follower.head().sequence;
      for (auto& s : servers) {
        if (!s.wants(w.verified)) continue;
        auto comparing = compare(s, w.verified, r.hash);
        co_await std::move(comparing);
      }
      if (w.verified == head.sequence) break;
    }
  }
  co_return w;
}

asio::awaitable<answer> prove(till_parts& till, base::language language,
                              std::shared_ptr<base::cancellation> cancel) {
  device_keys keys(till.key);
  std::vector<compared_server> servers(till.settings.destinations.size());
  for (std::size_t i = 0; i < servers.size(); ++i) {
    servers[i].where = &till.settings.destinations[i];
    auto calling = call_on(till, keys, servers[i]);
    co_await std::move(calling);
  }
  // Afterwards, so that it is not behind what a server has just signed.
  auto head = till.journal.head();
  auto walking = walk_along(till, servers, head, cancel.get());
  auto w = co_await std::move(walking);
  if (!w) co_return make_error(w.error(), language);
  // The first difference counts, and it may lie before the end.
  for (auto& s : servers)
    if (s.said && s.said->head.sequence > head.sequence)
      s.differ(head.sequence + 1, "the server has signed for record " +
                                      std::to_string(s.said->head.sequence) + ", the journal ends with " +
                                      std::to_string(head.sequence));
  bool agree = !w->broken;
  boost::json::array list;
  for (auto& s : servers) {
    agree = agree && s.said && !s.differs_at;
    list.push_back(describe(s));
  }
  boost::json::object o{{"till", till.settings.till},
                        {"head", head.sequence},
                        {"from", till.journal.beginning().sequence + 1},
                        {"agrees", agree},
                        {"whole", !w->broken},
                        {"verified", w->verified},
                        {"servers", std::move(list)}};
  if (w->broken) {
    o["broken_at"] = w->verified + 1;
    o["why"] = *w->broken;
  }
  co_return make_result(o);
}

asio::awaitable<answer> prove_call(till_parts& till, call c) {
  auto language = c.who->language;
  auto wait_ms = integer_in(c.params, "wait_ms");
  if (!c.params.contains("idempotency_key")) {
    if (wait_ms)
      co_return make_error(invalid_member("wait_ms", "is for calls with an idempotency_key"), language);
    co_return co_await prove(till, language, std::move(c.cancel));
  }
  keyed_calls::request request;
  if (wait_ms) request.wait_ms = static_cast<std::uint32_t>(*wait_ms);
  c.params.erase("wait_ms");
  request.what = std::move(c);
  keyed_calls::question question;
  question.run = [&till, language](std::shared_ptr<base::cancellation> cancel) {
    return prove(till, language, std::move(cancel));
  };
  co_return co_await till.keyed.ask(std::move(request), std::move(question));
}

}  // namespace

void add_prove_calls(router& methods, till_parts* till) {
  using namespace base::shape;
  auto server = object(
      {needed("destination", text(), "its name"), needed("role", one_of({"ledger", "witness"}), "of it"),
       needed("reached", boolean(), "whether it could be asked"),
       needed("agrees", boolean(), "reached, and every record that it holds is the one of this till"),
       needed("verified", whole(0), "up to here its records are those of this till"),
       optional("public_key", hex(32), "with which it signed, when reached"),
       optional("sequence", whole(0), "the last record that it holds, signed"),
       optional("central_sequence", whole(0), "where its own chain stands"),
       optional("stopped", boolean(), "it has this till in quarantine"),
       optional("differs_at", whole(1), "the first record that is another one there"),
       optional("why", text(), "in words, when not reached or not the same")});
  methods.add(
      {.name = "journal.prove",
       .summary =
           "Compares every record with what each destination holds, and names the first that is not the "
           "same",
       .allowed = watchers,
       .key = keyed::may_be,
       .params = object({optional("wait_ms", whole(0, wait_ms_max),
                                  "with a key: how long to wait for the end; after that the answer is its "
                                  "operation_id and the state running")}),
       .result =
           object({needed("till", text(), "its id"), needed("head", whole(0), "number of the last record"),
                   needed("from", whole(1), "number of the oldest record in the journal"),
                   needed("agrees", boolean(), "whole, and every server was reached and agrees"),
                   needed("whole", boolean(), "whether every link holds here"),
                   needed("verified", whole(0), "the last record up to which it does"),
                   needed("servers", list(server), "the destinations"),
                   optional("broken_at", whole(1), "the first record that does not fit here"),
                   optional("why", text(), "in words")}),
       .errors = {errc::cancelled, errc::storage_failed}},
      [till](call c) { return prove_call(*till, std::move(c)); });
}

}  // namespace tilld::daemon
