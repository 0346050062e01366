#include "daemon/till_daemon.hpp"

#include <unistd.h>

#include <boost/asio/steady_timer.hpp>
#include <boost/json.hpp>

#include "base/as_result.hpp"
#include "base/file.hpp"
#include "base/log.hpp"
#include "daemon/forward_journal.hpp"
#include "daemon/server/ancestry.hpp"
#include "wire/replacement.hpp"

namespace tilld::daemon {

using base::errc;
using base::error;
using base::result;

till_daemon::till_daemon(boost::asio::io_context& io, config settings, daemon_options options)
    : io_(io), settings_(std::move(settings)), options_(std::move(options)), started_(clock_.now()) {
  base::random_bytes(instance_id_);
}

till_daemon::~till_daemon() = default;

result<std::unique_ptr<till_daemon>> till_daemon::open(boost::asio::io_context& io, config settings,
                                                       daemon_options options) {
  std::unique_ptr<till_daemon> d(new till_daemon(io, std::move(settings), std::move(options)));
  if (auto done = base::make_folders(d->settings_.state_folder); !done) return done.error();
  if (auto done = d->open_journal(); !done) return done.error();
  if (auto done = d->open_keys(); !done) return done.error();
  if (auto done = d->begin_as_replacement(); !done) return done.error();
  if (auto done = d->count_this_start(); !done) return done.error();

  auto executor = io.get_executor();
  if (auto seed = d->options_.chaos_seed) {
    d->on_purpose_ = std::make_unique<chaos>(*seed);
    base::log(
        base::log_level::warning,
        "CHAOS: this daemon closes connections, loses answers and kills devices on purpose. Never in a shop.",
        {{"seed", *seed}});
  }
  d->keyed_ = std::make_unique<keyed_calls>(executor, *d->journal_, d->clock_, d->mac_key_);
  host_settings hosts{
      d->options_.plugin_host,   d->settings_.state_folder, d->options_.allow_test_environment,
      d->options_.debug_plugins, d->options_.check_schemas, d->on_purpose_.get()};
  d->plugins_ = std::make_unique<plugin_set>(executor, d->clock_, hosts, d->events_);
  d->claims_ = std::make_unique<claim_desk>(executor, d->clock_, d->events_);
  d->parts_.reset(new till_parts{
      executor, d->settings_, d->clock_, *d->journal_, *d->care_, d->events_, *d->plugins_, *d->claims_,
      *d->keyed_, d->methods_, d->tokens_, *d->key_, d->destinations_, base::to_hex(d->instance_id_),
      d->started_, [self = d.get()] { return self->server_ ? self->server_->connections() : 0; },
      [self = d.get()](const std::string& principal) {
        if (self->server_) self->server_->hang_up(principal);
      },
      d->aside_.get_executor()});
  auto& till = *d->parts_;
  till.on_purpose = d->on_purpose_.get();
  add_calls(d->methods_, &till);
  d->queue_news_ = std::make_unique<queue_news>(till);
  pass_events_through_claims(till);
  tell_of_operations(till);
  answer_plugins(till);
  adopt_orphans();
  d->plugins_->start(d->settings_.plugins);
  if (auto done = d->start_forwarding(); !done) return done.error();
  d->server_ = std::make_unique<server>(executor, till);
  if (auto done = d->server_->listen(); !done) return done.error();
  d->care_->start();
  return d;
}

result<> till_daemon::open_keys() {
  auto& folder = settings_.state_folder;
  auto key = base::signing_key::load_or_create(folder + "/device.key");
  if (!key) return key.error();
  key_ = std::make_unique<base::signing_key>(std::move(*key));
  auto text = base::to_hex(key_->public_half()) + "\n";
  if (auto done = base::write_file_durably(folder + "/device.pub", base::as_bytes(text), 0644); !done)
    return done.error();
  auto mac_key = base::load_or_create_secret(folder + "/content.key", 32);
  if (!mac_key) return mac_key.error();
  mac_key_ = std::move(*mac_key);
  device_keys_ = std::make_unique<device_keys>(*key_);
  return {};
}

result<> till_daemon::open_journal() {
  store::options how;
  how.folder = settings_.state_folder;
  how.till = settings_.till;
  how.keep_free = settings_.storage.keep_free;
  for (auto& d : settings_.destinations) how.destinations.push_back(d.name);
  auto opened = store::open(io_.get_executor(), store_clock_, std::move(how));
  if (!opened) return opened.error();
  journal_ = std::move(*opened);
  forward_journal_ = std::make_unique<forward_journal>(*journal_);
  storage_care::settings care;
  care.till = settings_.till;
  if (auto& b = settings_.storage.backup) {
    care.backup_folder = b->folder;
    care.backup_every = std::chrono::hours(b->every_hours);
    care.backups_kept = b->keep;
  }
  care_ = std::make_unique<storage_care>(io_.get_executor(), *journal_, clock_, std::move(care));
  return {};
}

// Runs the loop until a piece of work is through; for the time before anybody is served.
result<> till_daemon::wait_for(work_kind kind, store::work work) {
  std::optional<result<>> outcome;
  journal_->submit(kind, std::move(work), [&](result<> r) { outcome = std::move(r); });
  while (!outcome) {
    io_.restart();
    if (io_.run_one() == 0) break;
  }
  io_.restart();
  return outcome ? *outcome : error{errc::internal, "the journal did not answer at start"};
}

// A new device whose journal is still empty goes on behind the old one's last record, when there is an order
// to do so.
result<> till_daemon::begin_as_replacement() {
  auto path = settings_.state_folder + "/replacement.order";
  if (journal_->head().sequence != 0 || ::access(path.c_str(), F_OK) != 0) return {};
  auto octets = base::read_file(path, 4096);
  if (!octets) return octets.error();
  auto order = wire::replacement::parse(base::as_text(*octets));
  if (!order) return error{order.error().code, path + ": " + order.error().detail};
  if (order->till != settings_.till || order->key != key_->public_half())
    return error{errc::file_refused, path + ": the order is for till " + order->till +
                                         " and for another key than this device has"};
  base::log(base::log_level::warning, "This device goes on as a till that was replaced",
            {{"till", order->till}, {"epoch", order->epoch}, {"after", order->after.sequence}});
  return wait_for(work_kind::books, [order = *order](rows& in) -> result<> {
    if (auto begun = in.begin_behind({order.epoch, order.after.sequence, order.after.hash}); !begun)
      return begun;
    auto appended = in.append({"till.replaced", order.text(), std::nullopt});
    if (!appended) return appended.error();
    return {};
  });
}

// Runs the loop until the first group is through: the number of this start must be durable before central
// sees it, and the tokens must be known before the first door opens.
result<> till_daemon::count_this_start() {
  boost::json::object note{{"version", TILLD_VERSION}, {"config_digest", base::to_hex(settings_.digest)}};
  auto unknown = journal_->became_unknown();
  std::vector<token_row> tokens;
  auto counted = [&](rows& in) -> result<> {
    auto starts = in.find_fact("starts");
    if (!starts) return starts.error();
    start_counter_ =
        (*starts && (*starts)->size() == 8 ? base::load_big<std::uint64_t>((*starts)->data()) : 0) + 1;
    base::byte_string octets;
    base::byte_writer(octets).u64(start_counter_);
    if (auto put = in.put_fact("starts", octets); !put) return put.error();
    auto digest = in.find_fact("config_digest");
    if (!digest) return digest.error();
    note["config_changed"] = !*digest || !std::equal((*digest)->begin(), (*digest)->end(),
                                                     settings_.digest.begin(), settings_.digest.end());
    note["start"] = start_counter_;
    if (auto put = in.put_fact("config_digest", settings_.digest); !put) return put.error();
    auto all = in.tokens();
    if (!all) return all.error();
    tokens = std::move(*all);
    return {};
  };
  if (auto done = wait_for(work_kind::housekeeps, counted); !done) return done;
  tokens_.load(std::move(tokens));

  // Notes are written when there is room for them; a full disk does not keep the till from starting.
  auto append = [this](std::string kind, boost::json::object body) {
    journal_entry entry{std::move(kind), boost::json::serialize(body), std::nullopt};
    journal_->submit(
        work_kind::books,
        [entry](rows& in) -> result<> {
          auto appended = in.append(entry);
          if (!appended) return appended.error();
          return {};
        },
        nullptr);
  };
  append("daemon.started", note);
  for (auto& row : unknown)
    base::log(base::log_level::warning, "An operation was interrupted; its outcome is unknown",
              {{"operation", row.id.text()}, {"method", row.key.method}, {"device", row.device}});
  return {};
}

result<> till_daemon::start_forwarding() {
  till_identity identity;
  identity.merchant = settings_.merchant;
  identity.till = settings_.till;
  identity.software = "tilld/" TILLD_VERSION;
  identity.key = key_->public_half();
  identity.start_counter = start_counter_;
  identity.instance = instance_id_;
  for (auto& d : settings_.destinations) {
    forward_settings how;
    how.destination = d.name;
    how.role = d.expected_role;
    how.pinned_key = d.public_key;
    destinations_.push_back(
        std::make_unique<forwarder>(io_, d.address, how, identity, *device_keys_, *forward_journal_, clock_));
    destinations_.back()->on_changed(
        [this, which = destinations_.size() - 1] { queue_news_->destination_changed(which); });
    if (auto started = destinations_.back()->start(); !started) return started.error();
  }
  forward_journal_->on_acknowledged = [this] { queue_news_->changed(); };
  checkpoints::options points;
  points.till = settings_.till;
  points.every = settings_.checkpoint_every;
  checkpoints_ = std::make_unique<checkpoints>(io_.get_executor(), *journal_, *key_, clock_, points);
  checkpoints_->start();
  retention::options keeping;
  keeping.till = settings_.till;
  keeping.folder = settings_.state_folder + "/archive";
  keeping.days = settings_.retention_days;
  for (auto& d : settings_.destinations) keeping.destinations.push_back(d.name);
  retention_ = std::make_unique<retention>(io_.get_executor(), aside_.get_executor(), *journal_, *key_,
                                           clock_, std::move(keeping));
  retention_->start();
  journal_->on_grown = [this] {
    checkpoints_->grew();
    for (auto& d : destinations_) d->grew();
    queue_news_->changed();
  };
  return {};
}

boost::asio::awaitable<void> till_daemon::stop() {
  care_->stop();
  co_await server_->stop();
  // Operations that nobody waits for any more have their time too, and then the devices are gone; what that
  // makes of them is written down before the journal closes.
  co_await operations_end(std::chrono::seconds(1));
  co_await plugins_->stop();
  co_await operations_end(std::chrono::seconds(1));
  retention_->stop();
  co_await checkpoints_->close();
  destinations_.clear();
}

boost::asio::awaitable<void> till_daemon::operations_end(std::chrono::milliseconds at_most) {
  auto until = std::chrono::steady_clock::now() + at_most;
  boost::asio::steady_timer pause(io_.get_executor());
  while (keyed_->running() > 0 && std::chrono::steady_clock::now() < until) {
    pause.expires_after(std::chrono::milliseconds(10));
    co_await pause.async_wait(base::as_result);
  }
}

bool till_daemon::at_rest() const { return keyed_->running() == 0; }

std::string till_daemon::status_line() const {
  std::size_t ready = 0;
  for (auto& p : plugins_->all()) ready += p->state() == plugin_state::ready;
  std::uint64_t most = 0;
  for (auto& b : journal_->backlogs()) most = std::max(most, b.records);
  return (on_purpose_ ? "CHAOS, never in a shop; " : "") + std::to_string(ready) + " of " +
         std::to_string(plugins_->all().size()) + " plugins ready, " + std::to_string(most) + " records wait";
}

}  // namespace tilld::daemon
