#include "tests/sim/central_server.hpp"

#include <algorithm>
#include <utility>

namespace tilld::sim {

namespace sync = wire::sync;
using base::errc;
using base::error;
using central::connection_id;

namespace {

// As central/server.cpp and central/till_session.hpp have them.
constexpr std::uint64_t tick_every_ms = 250, greeting_ms_max = 10'000, silence_ms_max = 60'000,
                        goodbye_ms_max = 2'000;

std::array<std::uint8_t, 32> seed_of(const std::string& name) { return base::sha256({base::as_bytes(name)}); }

}  // namespace

// One connection of a till.
class central_server::session final : public line_end, public central::till_line {
 public:
  session(central_server& owner, std::shared_ptr<connection> line)
      : owner_(owner),
        line_(std::move(line)),
        reader_(sync::frame_reader::for_strangers),
        opened_ms_(owner.in().now_ms()),
        heard_ms_(opened_ms_) {
    id_ = owner_.intake_->opened(*this);
  }

  void connected(connection&) override {}

  void arrived(connection&, base::byte_view octets) override {
    heard_ms_ = owner_.in().now_ms();
    if (closing_) return;
    reader_.feed(octets);
    while (!closing_) {
      auto next = reader_.next();
      if (!next) return refuse(0, next.error(), true);
      if (!*next) return;
      take(**next);
    }
  }

  void ended(connection&, std::string_view) override { gone(); }

  void send(sync::frame_type type, std::uint64_t request, base::byte_view payload) override {
    if (closing_ || gone_) return;
    if (type == sync::frame_type::appended || type == sync::frame_type::welcome) note_promise(type, payload);
    auto octets = sync::encode_frame(type, request, payload);
    if (!octets) return;
    auto& w = owner_.in();
    if (owner_.rates_.too_new_until_ms > w.now_ms() && owner_.role_ == sync::role::witness)
      (*octets)[4] = sync::protocol_version + 1;
    line_->send(side::central, std::move(*octets));
    if (type == sync::frame_type::appended) base::reach(base::step::acknowledged);
    // A later version has frames of other types; whoever does not know them says so and goes on.
    if (phase_ == phase::open && owner_.rates_.newer_central && w.dice.below(8) == 0) {
      auto later = sync::encode_frame(static_cast<sync::frame_type>(77),
                                      sync::central_request_bit | std::uint64_t{1} << 60, payload);
      line_->send(side::central, std::move(*later));
    }
  }

  void admitted(const std::string& till) override {
    till_ = till;
    phase_ = phase::open;
    reader_.set_limits(sync::frame_reader::for_peers);
  }

  void close() override {
    if (std::exchange(closing_, true)) return;
    closing_ms_ = owner_.in().now_ms();
    line_->half_close(side::central);
  }

  void check_deadlines(std::uint64_t now) {
    if (gone_) return;
    bool late = phase_ != phase::open ? now - opened_ms_ > greeting_ms_max : now - heard_ms_ > silence_ms_max;
    if (late || (closing_ && now - closing_ms_ > goodbye_ms_max)) {
      line_->close(side::central);
      gone();
    }
  }

  bool is_gone() const { return gone_; }
  void orphaned(death how) { line_->orphaned(side::central, how); }

 private:
  enum class phase { expects_hello, expects_proof, waits_for_welcome, open };

  void gone() {
    if (std::exchange(gone_, true)) return;
    closing_ = true;
    owner_.intake_->closed(id_);
  }

  void take(sync::frame& f) {
    switch (f.type) {
      case sync::frame_type::hello: return take_hello(f);
      case sync::frame_type::proof: return take_proof(f);
      default: break;
    }
    if (phase_ != phase::open)
      return refuse(f.request, {errc::hello_required, "the first frame is hello"}, true);
    switch (f.type) {
      case sync::frame_type::append: {
        auto batch = sync::append::parse(f.payload);
        if (!batch) return refuse(f.request, batch.error(), false);
        return owner_.intake_->append(id_, f.request, std::move(*batch));
      }
      case sync::frame_type::ping: return send(sync::frame_type::pong, f.request, {});
      case sync::frame_type::pong: return owner_.intake_->pong(id_, f.request);
      case sync::frame_type::refusal: return;
      default:
        return refuse(f.request, {errc::unknown_method, "central does not know this frame type"}, false);
    }
  }

  void take_hello(const sync::frame& f) {
    if (phase_ != phase::expects_hello)
      return refuse(f.request, {errc::invalid_request, "hello came out of turn"}, true);
    auto h = sync::hello::parse(f.payload);
    if (!h) return refuse(f.request, h.error(), true);
    if (auto may = owner_.intake_->machine().may_greet(*h); !may) return refuse(f.request, may.error(), true);
    hello_ = std::move(*h);
    greeting_request_ = f.request;
    phase_ = phase::expects_proof;
    base::random_bytes(nonce_);
    auto& key = owner_.key_;
    sync::challenge c{nonce_, key.public_half(),
                      key.sign(sync::challenge_text(hello_, nonce_, key.public_half()))};
    send(sync::frame_type::challenge, f.request, c.encode());
  }

  void take_proof(const sync::frame& f) {
    if (phase_ != phase::expects_proof || f.request != greeting_request_)
      return refuse(f.request, {errc::invalid_request, "proof came out of turn"}, true);
    auto p = sync::proof::parse(f.payload);
    if (!p) return refuse(f.request, p.error(), true);
    auto text = sync::proof_text(hello_, nonce_, owner_.key_.public_half());
    if (!base::verify_signature(hello_.key, text, p->signature))
      return refuse(f.request, {errc::key_refused, "the proof does not fit"}, true);
    phase_ = phase::waits_for_welcome;
    owner_.intake_->greeted(id_, f.request, hello_, std::move(text), p->signature);
  }

  void refuse(std::uint64_t request, const error& why, bool then_close) {
    sync::refusal no{static_cast<int>(why.code), why.detail, std::nullopt};
    send(sync::frame_type::refusal, request, no.encode());
    if (then_close) close();
  }

  // INV-9 for central: its signed word leaves only when what it says is on the disk.
  void note_promise(sync::frame_type type, base::byte_view payload) {
    if (owner_.dying()) return;
    base::chain_head head;
    std::string till = till_;
    if (type == sync::frame_type::welcome) {
      auto w = sync::welcome::parse(payload);
      head = w->standing.head;
      till = hello_.till;
    } else {
      head = sync::acknowledgement::parse(payload)->head;
    }
    if (!owner_.storage().keeps_at_central(till, head))
      owner_.in().broken("INV-9 no OK before the flush", owner_.name() + " signs record " +
                                                             std::to_string(head.sequence) + " of " + till +
                                                             ", which is not on its disk");
    owner_.oracle_.promised(owner_.name(), till, head);
  }

  central_server& owner_;
  std::shared_ptr<connection> line_;
  connection_id id_ = 0;
  phase phase_ = phase::expects_hello;
  std::string till_;
  sync::frame_reader reader_;
  sync::hello hello_;
  sync::nonce nonce_{};
  std::uint64_t greeting_request_ = 0;
  std::uint64_t opened_ms_, heard_ms_, closing_ms_ = 0;
  bool closing_ = false, gone_ = false;
};

central_server::central_server(world& w, const swarm& rates, oracle& all, std::string name, sync::role role)
    : machine(w, std::move(name)), rates_(rates), oracle_(all), role_(role), key_(seed_of(machine::name())) {}

central_server::~central_server() {
  drop_before_loop();
  drop_after_loop();
}

void central_server::list(const std::string& till, const base::public_key& key) {
  listed_[till] = {"shop", "high-street", key, 1};
}

bool central_server::start() {
  central::store::options how;
  how.vfs = storage().vfs();
  auto opened = central::store::open(storage().path("central.db"), key_.public_half(), how);
  if (!opened) return false;
  store_ = std::move(*opened);
  central::apply_settings settings;
  settings.role = role_;
  settings.software = "simulated";
  intake_ = std::make_unique<central::intake>(loop(), *store_, central::apply_machine(settings, listed_),
                                              key_, clock());
  if (!intake_->load()) return false;
  tick();
  return true;
}

void central_server::tick() {
  in_process(tick_every_ms, [this] {
    for (auto& s : sessions_) s->check_deadlines(in().now_ms());
    std::erase_if(sessions_, [](auto& s) { return s->is_gone(); });
    intake_->tick();
    tick();
  });
}

line_end* central_server::accept(std::shared_ptr<connection> c) {
  sessions_.push_back(std::make_unique<session>(*this, std::move(c)));
  return sessions_.back().get();
}

void central_server::drop_before_loop() {
  for (auto& s : sessions_) s->orphaned(last_death());
}

void central_server::drop_after_loop() {
  intake_.reset();
  sessions_.clear();
  store_.reset();
}

std::vector<central::stored_entry> central_server::entries() {
  std::vector<central::stored_entry> all;
  for (;;) {
    auto some = store_->entries(all.size() + 1, 1000, 64 << 20);
    if (!some || some->empty()) return all;
    std::move(some->begin(), some->end(), std::back_inserter(all));
  }
}

}  // namespace tilld::sim
