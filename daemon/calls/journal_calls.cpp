// journal.head, journal.read, journal.attest, journal.verify
#include <boost/json.hpp>

#include "base/checkpoint.hpp"
#include "base/log.hpp"
#include "daemon/calls/params.hpp"
#include "daemon/calls/parts.hpp"
#include "daemon/calls/shapes.hpp"
#include "wire/base64.hpp"

namespace tilld::daemon {

namespace asio = boost::asio;
using base::errc;
using base::error;
using base::result;
using wire::answer;
using wire::make_error;
using wire::make_result;

namespace {

using records = std::vector<base::record>;

asio::awaitable<result<std::shared_ptr<records>>> read(till_parts& till, std::uint64_t from,
                                                       std::uint64_t count, std::size_t octets) {
  auto found = std::make_shared<records>();
  store::work look = [found, from, count, octets](rows& in) -> result<> {
    auto some = in.read(from, count, octets);
    if (!some) return some.error();
    *found = std::move(*some);
    return {};
  };
  auto looked = co_await till.journal.run(work_kind::reads, std::move(look));
  if (!looked) co_return looked.error();
  co_return found;
}

boost::json::object describe(const base::record& r) {
  boost::json::object o{
      {"header", base::to_hex(r.header)}, {"hash", base::to_hex(r.hash)}, {"body", wire::to_base64(r.body)}};
  if (auto h = r.decoded()) {
    o["epoch"] = h->epoch;
    o["sequence"] = h->sequence;
    o["id"] = h->id.text();
    o["kind"] = h->kind;
    o["happened_ms"] = h->happened.unix_ms;
    o["clock_trusted"] = h->happened.trust == base::clock_trust::synchronised;
  }
  return o;
}

answer head(const till_parts& till) {
  auto& h = till.journal.head();
  auto& begins = till.journal.beginning();
  boost::json::array witnesses;
  for (std::size_t i = 0; i < till.destinations.size(); ++i) {
    auto& s = till.destinations[i]->status();
    witnesses.push_back({{"destination", till.settings.destinations[i].name},
                         {"sequence", s.acknowledged.sequence},
                         {"hash", base::to_hex(s.acknowledged.hash)}});
  }
  return make_result(
      {{"till", till.settings.till},
       {"epoch", h.epoch},
       {"sequence", h.sequence},
       {"hash", base::to_hex(h.hash)},
       {"beginning",
        {{"epoch", begins.epoch}, {"sequence", begins.sequence}, {"hash", base::to_hex(begins.hash)}}},
       {"witnesses", std::move(witnesses)}});
}

// The till's word on its last durable record, and the newest that it has of its destinations: what an export
// ends with.
answer attest(const till_parts& till) {
  auto& h = till.journal.head();
  auto said = base::make_checkpoint(till.key, till.settings.till, h, "");
  boost::json::array list;
  for (auto& d : till.settings.destinations) {
    auto stored = wire::sync::witness::parse(till.journal.witness_of(d.name));
    if (!stored) continue;
    auto& last = stored->last;
    list.push_back({{"destination", d.name},
                    {"public_key", base::to_hex(stored->central_key)},
                    {"epoch", last.head.epoch},
                    {"sequence", last.head.sequence},
                    {"hash", base::to_hex(last.head.hash)},
                    {"central_sequence", last.central_sequence},
                    {"central_hash", base::to_hex(last.central_hash)},
                    {"signature", base::to_hex(last.signature)}});
  }
  return make_result({{"till", till.settings.till},
                      {"public_key", base::to_hex(till.key.public_half())},
                      {"epoch", h.epoch},
                      {"sequence", h.sequence},
                      {"hash", base::to_hex(h.hash)},
                      {"signature", base::to_hex(said.signature)},
                      {"destinations", std::move(list)}});
}

// Records as stored, so that the reader can follow the chain by itself; at most 256 KiB an answer.
asio::awaitable<answer> read_records(till_parts& till, call c) {
  auto from = integer_in(c.params, "from").value_or(1);
  auto limit = integer_in(c.params, "limit").value_or(100);
  auto found =
      co_await read(till, static_cast<std::uint64_t>(from), static_cast<std::uint64_t>(limit), 256 * 1024);
  if (!found) co_return make_error(found.error(), c.who->language);
  boost::json::array list;
  for (auto& r : **found) list.push_back(describe(r));
  boost::json::object o{
      {"till", till.settings.till}, {"head", till.journal.head().sequence}, {"records", std::move(list)}};
  co_return make_result(o);
}

// A checkpoint of this epoch is this till's own; in those before it another device had the name.
result<> own_checkpoint(const till_parts& till, const base::chain_head& before, std::string_view body) {
  auto held = base::check_checkpoint(till.settings.till, before, body);
  if (!held) return held.error();
  if (before.epoch == till.journal.head().epoch && held->by != till.key.public_half())
    return error{errc::record_damaged,
                 "record " + std::to_string(before.sequence + 1) +
                     " is a checkpoint that was signed with another key than this till's"};
  return {};
}

// Walks the whole chain in slices, between which sales go on, and between which it can be given up.
asio::awaitable<answer> walk(till_parts& till, base::language language,
                             std::shared_ptr<base::cancellation> cancel) {
  auto head = till.journal.head();
  base::chain_follower follower(till.settings.till, till.journal.beginning());
  std::map<std::string, std::int64_t> kinds;
  boost::json::object o{{"till", till.settings.till}, {"head", head.sequence}};
  auto broken = [&](const error& why) {
    o["whole"] = false;
    o["verified"] = follower.head().sequence;
    o["broken_at"] = follower.head().sequence + 1;
    o["why"] = why.detail;
  };
  while (follower.head().sequence < head.sequence) {
    if (cancel && cancel->wanted()) {
      error why{errc::cancelled, "cancelled at record " + std::to_string(follower.head().sequence)};
      co_return make_error(why, language);
    }
    auto some = co_await read(till, follower.head().sequence + 1, 500, 1 << 20);
    if (!some) co_return make_error(some.error(), language);
    // Moved into a file meanwhile; the journal begins further on now.
    if (till.journal.beginning().sequence > follower.head().sequence) {
      follower = base::chain_follower(till.settings.till, till.journal.beginning());
      continue;
    }
    if ((*some)->empty()) {
      error why{errc::record_gap, "the record is missing"};
      broken(why);
      co_return make_result(o);
    }
    for (auto& r : **some) {
      auto before = follower.head();
      auto taken = follower.take(r);
      if (!taken) {
        broken(taken.error());
        co_return make_result(o);
      }
      if (taken->kind == base::checkpoint_kind)
        if (auto held = own_checkpoint(till, before, r.body); !held) {
          follower = base::chain_follower(till.settings.till, before);
          broken(held.error());
          co_return make_result(o);
        }
      ++kinds[taken->kind];
    }
  }
  o["whole"] = true;
  o["verified"] = follower.head().sequence;
  o["hash"] = base::to_hex(follower.head().hash);
  boost::json::object counts;
  for (auto& [kind, count] : kinds) counts[kind] = count;
  o["kinds"] = std::move(counts);
  co_return make_result(o);
}

// With a key it is an operation like a long call of a device: it can be waited for, asked for and cancelled.
asio::awaitable<answer> verify(till_parts& till, call c) {
  auto language = c.who->language;
  auto wait_ms = integer_in(c.params, "wait_ms");
  if (!c.params.contains("idempotency_key")) {
    if (wait_ms)
      co_return make_error(invalid_member("wait_ms", "is for calls with an idempotency_key"), language);
    co_return co_await walk(till, language, std::move(c.cancel));
  }
  keyed_calls::request request;
  if (wait_ms) request.wait_ms = static_cast<std::uint32_t>(*wait_ms);
  c.params.erase("wait_ms");
  request.what = std::move(c);
  keyed_calls::question question;
  question.run = [&till, language](std::shared_ptr<base::cancellation> cancel) {
    return walk(till, language, std::move(cancel));
  };
  co_return co_await till.keyed.ask(std::move(request), std::move(question));
}

}  // namespace

void journal_note(till_parts& till, std::string kind, boost::json::object body) {
  journal_entry entry{std::move(kind), boost::json::serialize(body), std::nullopt};
  till.journal.submit(
      work_kind::books,
      [entry](rows& in) -> result<> {
        auto appended = in.append(entry);
        if (!appended) return appended.error();
        return {};
      },
      [kind = entry.kind](result<> outcome) {
        if (!outcome)
          base::log(base::log_level::error, "A note for the journal could not be stored", outcome.error(),
                    {{"kind", kind}});
      });
}

void add_journal_calls(router& methods, till_parts* till) {
  using namespace base::shape;
  methods.add(
      {.name = "journal.head",
       .summary = "The last record of the journal, and how far each destination has signed for it",
       .allowed = anyone,
       .params = object({}),
       .result =
           object({needed("till", text(), "its id"), needed("epoch", whole(0), "how many tills had this id"),
                   needed("sequence", whole(0), "the last record"), needed("hash", hex(32), "its hash"),
                   needed("beginning",
                          object({needed("epoch", whole(1), "of that record"),
                                  needed("sequence", whole(0), "0 in a journal that is all there"),
                                  needed("hash", hex(32), "zeros in a journal that is all there")}),
                          "what the oldest record in the journal chains to"),
                   needed("witnesses",
                          list(object({needed("destination", text(), "its name"),
                                       needed("sequence", whole(0), "the last record that it has signed for"),
                                       needed("hash", hex(32), "of that record")})),
                          "the destinations")})},
      [till](const call&) { return head(*till); });
  methods.add(
      {.name = "journal.read",
       .summary =
           "Records as stored, so that the reader can follow the chain by itself; at most 256 KiB an answer",
       .allowed = watchers,
       .params = object({optional("from", whole(1, number_max), "number of the first; 1 when left out"),
                         optional("limit", whole(1, 1000), "at most so many; 100 when left out")}),
       .result =
           object({needed("till", text(), "its id"), needed("head", whole(0), "number of the last record"),
                   needed("records", list(shape_of_record()), "in their order")}),
       .errors = {errc::storage_failed}},
      [till](call c) { return read_records(*till, std::move(c)); });
  methods.add(
      {.name = "journal.attest",
       .summary =
           "The till's signature over its last record, and the newest of each destination: what ends an "
           "export",
       .allowed = watchers,
       .params = object({}),
       .result =
           object({needed("till", text(), "its id"), needed("public_key", hex(32), "of the till"),
                   needed("epoch", whole(0), "how many tills had this id"),
                   needed("sequence", whole(0), "the last record"), needed("hash", hex(32), "its hash"),
                   needed("signature", hex(64), "of the till, over the text of a checkpoint"),
                   needed("destinations",
                          list(object({needed("destination", text(), "its name"),
                                       needed("public_key", hex(32), "with which it signed"),
                                       needed("epoch", whole(0), "of the record that it signed for"),
                                       needed("sequence", whole(0), "number of that record"),
                                       needed("hash", hex(32), "of that record"),
                                       needed("central_sequence", whole(0), "where its own chain stood"),
                                       needed("central_hash", hex(32), "of that entry"),
                                       needed("signature", hex(64), "as sync-protocol.md says")})),
                          "those that have ever signed")})},
      [till](const call&) { return attest(*till); });
  methods.add({.name = "journal.verify",
               .summary = "Walks the whole chain, while sales go on",
               .allowed = watchers,
               .key = keyed::may_be,
               .params = object({optional("wait_ms", whole(0, wait_ms_max),
                                          "with a key: how long to wait for the end; after that the answer "
                                          "is its operation_id and the state running")}),
               .result = object(
                   {needed("till", text(), "its id"), needed("head", whole(0), "number of the last record"),
                    needed("whole", boolean(), "whether every link holds"),
                    needed("verified", whole(0), "the last record up to which it does"),
                    optional("hash", hex(32), "of that record, when whole"),
                    optional("kinds", map(whole(0)), "how many records of each kind, when whole"),
                    optional("broken_at", whole(1), "the first record that does not fit"),
                    optional("why", text(), "in words")}),
               .errors = {errc::cancelled, errc::storage_failed}},
              [till](call c) { return verify(*till, std::move(c)); });
}

}  // namespace tilld::daemon
