#include "verify/judgement.hpp"

#include <algorithm>

namespace tilld::verify {
namespace {

using signer = word::signer;

class judge_of {
 public:
  judge_of(const std::vector<std::unique_ptr<chain>>& files, const std::vector<key>& known)
      : files_(files), known_(known) {}

  judgement run() {
    out_.till = files_.empty() ? "" : files_.front()->till();
    for (auto& f : files_) {
      out_.findings.insert(out_.findings.end(), f->findings().begin(), f->findings().end());
      if (f->till() != out_.till)
        find(finding_kind::other_till, 0, *f,
             "it is of till " + f->till() + ", the first file of " + out_.till);
    }
    for (auto& f : files_) hear_words_of(*f);
    for (auto& f : files_) check_keys_of(*f);
    for (std::size_t a = 0; a < files_.size(); ++a)
      for (std::size_t b = a + 1; b < files_.size(); ++b) compare(*files_[a], *files_[b]);
    look_for_holes();
    for (auto& w : words_) hold_to(w);
    agree();
    std::stable_sort(out_.findings.begin(), out_.findings.end(),
                     [](auto& a, auto& b) { return a.record < b.record; });
    return std::move(out_);
  }

 private:
  void find(finding_kind kind, std::uint64_t record, const chain& in, std::string sentence) {
    out_.findings.push_back({kind, record, in.file(), std::move(sentence)});
  }

  bool has_a_say(const key& k) const {
    return known_.empty() || std::find(known_.begin(), known_.end(), k) != known_.end();
  }

  static std::string name_of(const word& w) {
    return w.by == signer::till ? "the till" : "server " + hex(text_of(w.who)).substr(0, 8);
  }

  // Whose file it is: the till's, or that of the server that signed it first.
  static bool is_of(const chain& f, signer by, const key& who) {
    if (f.from() == chain::source::database) return by == signer::till;
    if (f.words().empty() || f.words().front().by != by) return false;
    return by == signer::till || f.words().front().who == who;
  }

  void hear_words_of(const chain& f) {
    if (f.from() == chain::source::exported && f.words().empty())
      find(finding_kind::word_missing, f.end().sequence + 1, f,
           "nobody signed this file: its end may have been cut");
    for (auto& w : f.words()) {
      if (!w.genuine(f.till())) {
        find(finding_kind::signature_wrong, w.where.sequence, f,
             "the word of " + name_of(w) + " on " + record_number(w.where.sequence) +
                 " is not signed by its key");
        continue;
      }
      if (!has_a_say(w.who)) {
        find(finding_kind::foreign_key, w.where.sequence, f,
             record_number(w.where.sequence) + " was signed for with the key " + hex(text_of(w.who)) +
                 ", which is none of those that have a say");
        continue;
      }
      words_.push_back(w);
    }
  }

  void check_keys_of(const chain& f) {
    for (auto& [epoch, k] : f.checkpoint_keys()) {
      if (!has_a_say(k))
        find(finding_kind::foreign_key, f.before().sequence + 1, f,
             "the checkpoints of epoch " + std::to_string(epoch) + " are signed with the key " +
                 hex(text_of(k)) + ", which is none of those that have a say");
      // Within an epoch one device has the name, whoever shows the file.
      for (auto& w : words_)
        if (w.by == signer::till && w.where.epoch == epoch && w.who != k)
          find(finding_kind::foreign_key, w.where.sequence, f,
               "the till's word on " + record_number(w.where.sequence) +
                   " is signed with another key than the checkpoints of its epoch");
    }
  }

  // The chains hold by themselves, so where they have the same hash they are the same up to there, and the
  // first difference can be looked for by halves.
  void compare(const chain& a, const chain& b) {
    auto from = std::max(a.before().sequence, b.before().sequence);
    auto to = std::min(a.end().sequence, b.end().sequence);
    if (from > to) return;
    auto same = [&](std::uint64_t n) { return a.hash_at(n) == b.hash_at(n); };
    if (same(to)) return;
    while (from < to) {
      auto middle = from + (to - from) / 2;
      if (same(middle))
        from = middle + 1;
      else
        to = middle;
    }
    find(finding_kind::files_differ, from, b, record_number(from) + " is another one than in " + a.file());
  }

  // A till's files together must be one journal.
  void look_for_holes() {
    std::vector<const chain*> mine;
    for (auto& f : files_)
      if (is_of(*f, signer::till, {}) && f->records() > 0) mine.push_back(f.get());
    std::sort(mine.begin(), mine.end(),
              [](auto* a, auto* b) { return a->before().sequence < b->before().sequence; });
    std::uint64_t reached = mine.empty() ? 0 : mine.front()->before().sequence;
    for (auto* f : mine) {
      if (f->before().sequence > reached)
        find(finding_kind::record_missing, reached + 1, *f,
             "no file has the records " + std::to_string(reached + 1) + " to " +
                 std::to_string(f->before().sequence));
      reached = std::max(reached, f->end().sequence);
    }
  }

  // The journal of the till, and the files of the signer itself, must reach what was signed; and where a file
  // has the record, it must be that one.
  void hold_to(const word& w) {
    for (auto& f : files_) {
      auto there = f->hash_at(w.where.sequence);
      if (there && *there != w.where.last)
        find(finding_kind::not_what_was_signed, w.where.sequence, *f,
             record_number(w.where.sequence) + " is not the one that " + name_of(w) + " signed for");
    }
    check_reach(w, signer::till, {});
    if (w.by == signer::server) check_reach(w, signer::server, w.who);
  }

  void check_reach(const word& w, signer of, const key& who) {
    const chain* farthest = nullptr;
    for (auto& f : files_)
      if (is_of(*f, of, who) && (f->records() > 0 || f->end().sequence == 0) && !f->broken())
        if (!farthest || f->end().sequence > farthest->end().sequence) farthest = f.get();
    // A broken file ends where it is broken, which is found already.
    bool one_is_broken =
        std::any_of(files_.begin(), files_.end(), [&](auto& f) { return is_of(*f, of, who) && f->broken(); });
    if (!farthest || one_is_broken || farthest->end().sequence >= w.where.sequence) return;
    find(finding_kind::tail_cut, farthest->end().sequence + 1, *farthest,
         name_of(w) + " has signed for " + record_number(w.where.sequence) + ", the file ends with " +
             record_number(farthest->end().sequence) + ": its tail was cut, or it is an old copy");
  }

  void agree() {
    for (auto& w : words_) {
      auto at = std::find_if(out_.parties.begin(), out_.parties.end(), [&](auto& p) {
        return p.by == w.by && (w.by == signer::till || p.who == w.who);
      });
      if (at == out_.parties.end()) at = out_.parties.insert(at, {w.by, w.who, 0, 0});
      at->said = std::max(at->said, w.where.sequence);
      if (w.by == signer::till) at->who = w.who;
    }
    for (auto& p : out_.parties)
      for (auto& f : files_)
        if (is_of(*f, p.by, p.who) && f->records() > 0) p.shown = std::max(p.shown, f->end().sequence);
    if (out_.parties.empty() || !out_.good()) return;
    out_.agreed = out_.parties.front().said;
    for (auto& p : out_.parties) out_.agreed = std::min(out_.agreed, p.said);
  }

  const std::vector<std::unique_ptr<chain>>& files_;
  const std::vector<key>& known_;
  std::vector<word> words_;  // the genuine ones of those that have a say
  judgement out_;
};

}  // namespace

judgement judge(const std::vector<std::unique_ptr<chain>>& files, const std::vector<key>& known) {
  return judge_of(files, known).run();
}

}  // namespace tilld::verify
