# The planted bugs of tests/sim/mutants.def that stand in production code: copies of the sources in which one line asks
# whether its bug is planted. Only tilld-sim-mutants is made of them. A line that is not found any more is an error of the
# compiler, so that no bug is lost when the code changes. @ stands for the semicolon.
set(planted "#include \"tests/sim/machine.hpp\"\n#include \"tests/sim/mutants.hpp\"\n")
function(planted_source file)
  get_filename_component(name ${file} NAME_WE)
  get_filename_component(folder ${file} DIRECTORY)
  string(REPLACE "/" "_" folder ${folder})
  set(out planted_${folder}_${name}.cpp)
  changed_source(${out} ${file} ${ARGN})
  set(planted_sources ${planted_sources} ${CMAKE_CURRENT_BINARY_DIR}/${out} PARENT_SCOPE)
endfunction()
set(is "sim::is(sim::mutant::")

planted_source(daemon/store/store.cpp
  "#include \"base/step.hpp\"\n" "#include \"base/step.hpp\"\n${planted}"
  "    committed = db_->commit()@"
  "    committed = ${is}answer_before_flush) ? result<>() : db_->commit()@
      if (${is}failed_flush_is_forgotten) && !committed && db_->failed()) committed = result<>()@"
  "base::reach(base::step::intake_begun)@"
  "base::reach(base::step::intake_begun)@
  if (${is}answer_before_flush) && db_->in_transaction()) (void)db_->commit()@"
  "i.outcome = error{errc::storage_full, \"the disk is full@ nothing was stored\"}@"
  "if (${is}full_disk_says_done) == false) i.outcome = error{errc::storage_full, \"the disk is full@ nothing was stored\"}@"
  "    rows_->set_end(before)@\n    if (committed.error()"
  "    if (${is}end_survives_its_rollback) == false) rows_->set_end(before)@\n    if (committed.error()"
  "  waiting_.push_back({kind, std::move(w), std::move(d), {}, false})@"
  "  if (${is}long_queue_drops_oldest) && waiting_.size() >= 2) {
    if (waiting_.front().then) waiting_.front().then({})@
    waiting_.pop_front()@
  }
  waiting_.push_back({kind, std::move(w), std::move(d), {}, false})@"
  "        if (auto put = r.put_witness(destination, witness, sequence)@"
  "        auto& place = ${is}cursors_are_swapped) ? how_.destinations[destination == how_.destinations[0]] : destination@
        if (auto put = r.put_witness(place, witness, sequence)@"
  "[destination, witness, sequence, found](rows& r)" "[this, destination, witness, sequence, found](rows& r)")

planted_source(daemon/intake/intake.cpp
  "#include \"base/crypto.hpp\"\n" "#include \"base/crypto.hpp\"\n${planted}"
  "if (!base::equal_in_constant_time(row->content_mac, mac))"
  "if (!${is}key_fits_other_content) && !base::equal_in_constant_time(row->content_mac, mac))"
  "intake_decision::expired : intake_decision::replay@"
  "intake_decision::expired
             : ${is}key_is_forgotten) ? intake_decision::run : intake_decision::replay@"
  "case operation_state::unknown: return intake_decision::ask_outcome@"
  "case operation_state::unknown:
      return ${is}unknown_is_done_again) ? intake_decision::run : intake_decision::ask_outcome@")

planted_source(daemon/router/keyed_calls.cpp
  "#include \"base/step.hpp\"\n" "#include \"base/step.hpp\"\n${planted}"
  "return operation_key{c.who->principal, c.method,"
  "return operation_key{${is}principals_share_keys) ? \"all\" : c.who->principal, c.method,"
  "return {row.kind == answer_kind::error, row.answer}@"
  "return {row.kind == answer_kind::error, row.answer + (${is}answer_is_made_anew) ? \" \" : \"\")}@"
  "store::work work = [b, look, key = *key, mac, now, effect, seal = r.seal_answer](rows& in) -> result<> {
    if (auto looked = look(in)@ !looked) return looked.error()@"
  "store::work work = [b, look, key = *key, mac, now, effect, seal = r.seal_answer](rows& in) -> result<> {
    if (auto looked = look(in)@ !looked) return looked.error()@
    if (${is}key_expires_by_clock) && b->found.row && b->found.row->changed_ms + 5000 < now)
      b->found.decision = intake_decision::run@"
  "return found->decision == intake_decision::run ? in.put_operation(row) : result<>()@"
  "return found->decision == intake_decision::run && !${is}intent_is_not_stored) ? in.put_operation(row) : result<>()@"
  "    return in.put_operation(row, seal)@\n  }@\n  return store_.run(work_kind::housekeeps"
  "    if (${is}outcome_is_not_stored) && row.state == operation_state::done) return {}@
    return in.put_operation(row, seal)@\n  }@\n  return store_.run(work_kind::housekeeps")

planted_source(daemon/forward/forward_machine.cpp
  "#include <utility>\n" "#include <utility>\n\n${planted}"
  "fail({errc::central_unreachable, \"no answer in time to a batch\"})@"
  "if (!${is}no_patience_ends)) fail({errc::central_unreachable, \"no answer in time to a batch\"})@"
  "fail({errc::central_unreachable, \"no answer in time to a sign of life\"})@"
  "if (!${is}no_patience_ends)) fail({errc::central_unreachable, \"no answer in time to a sign of life\"})@"
  "std::uint64_t forward_machine::retry_delay(std::uint32_t failures, bool slow) {"
  "std::uint64_t forward_machine::retry_delay(std::uint32_t failures, bool slow) {
  if (${is}retry_never_comes) && failures > 3) return std::uint64_t{1} << 40@"
  "  phase_ = phase::connecting@\n  phase_since_ms_ = now.monotonic_ms@\n  out_.emplace_back(forward_action::connect{})@\n  return finish()@"
  "  if (${is}restart_does_not_connect) && witness_) return finish()@
  phase_ = phase::connecting@\n  phase_since_ms_ = now.monotonic_ms@\n  out_.emplace_back(forward_action::connect{})@\n  return finish()@"
  "  else if (!outcome)\n" "  else if (!outcome && !${is}cursor_is_tried_once))\n"
  "in_flight_.erase(in_flight_.begin(), covered + 1)@"
  "if (${is}acknowledged_is_what_was_sent)) a->head = tail_@
  in_flight_.erase(in_flight_.begin(), covered + 1)@"
  "if (!keys_.verify(central_key_, a->signed_text(identity_.till), a->signature))"
  "if (!${is}signatures_are_not_checked) && !keys_.verify(central_key_, a->signed_text(identity_.till), a->signature))"
  "if (covered == in_flight_.end()) {"
  "if (${is}signatures_are_not_checked)) covered = at@
  if (covered == in_flight_.end()) {"
  "if (known.hash == head.hash) return positioned(head)@"
  "if (known.hash == head.hash || ${is}disk_set_back_is_merged)) return positioned(head)@"
  "else if (records->front().hash != position_wanted_->hash)"
  "else if (records->front().hash != position_wanted_->hash && !${is}disk_set_back_is_merged))"
  "if (w->standing.head.sequence > journal_.sequence)"
  "if (w->standing.head.sequence > journal_.sequence && !${is}disk_set_back_is_merged))"
  "if (head.sequence > journal_.sequence)\n    return fail("
  "if (head.sequence > journal_.sequence && ${is}disk_set_back_is_merged)) return positioned(journal_)@
  if (head.sequence > journal_.sequence)\n    return fail(")

planted_source(central/apply_machine.cpp
  "#include \"wire/sync_frame.hpp\"\n" "#include \"wire/sync_frame.hpp\"\n${planted}"
  "if (batch.first > last_held + 1) {" "if (batch.first > last_held + 1 && !${is}central_takes_gaps)) {"
  "if (batch.first == last_held + 1 && batch.previous != s.head.hash) {"
  "if (batch.first == last_held + 1 && batch.previous != s.head.hash && !${is}disk_set_back_is_merged)) {"
  "skip < batch.records.size() && headers[skip].sequence <= last_held@"
  "skip < batch.records.size() && headers[skip].sequence <= last_held && !${is}central_takes_twice)@"
  "if (held[skip] != batch.records[skip].hash) {"
  "if (held[skip] != batch.records[skip].hash && !${is}disk_set_back_is_merged)) {"
  "    auto header = follower.take(record)@"
  "    auto header = follower.take(record)@
    if (!header && header.error().code == errc::record_damaged && ${is}central_takes_damaged_records)) {
      follower = base::chain_follower(name, {1, follower.head().sequence + 1, record.hash})@
      header = record.decoded()@
    }"
  "if (s.stopped)\n    return refuse(" "if (s.stopped && !${is}quarantine_does_not_hold))\n    return refuse("
  "if (h.start_counter < s.start_counter)"
  "if (h.start_counter < s.start_counter && !${is}disk_set_back_is_merged) && !${is}twin_is_not_noticed))"
  "if (h.start_counter == s.start_counter && s.start_counter != 0 && h.instance != s.instance)"
  "if (h.start_counter == s.start_counter && s.start_counter != 0 && h.instance != s.instance &&
      !${is}disk_set_back_is_merged) && !${is}twin_is_not_noticed))"
  "if (h.head.sequence < s.head.sequence)"
  "if (h.head.sequence < s.head.sequence && !${is}disk_set_back_is_merged) && !${is}twin_is_not_noticed))"
  "if (h.head.sequence == s.head.sequence && h.head.hash != s.head.hash)"
  "if (h.head.sequence == s.head.sequence && h.head.hash != s.head.hash && !${is}disk_set_back_is_merged) &&
      !${is}twin_is_not_noticed))"
  "  auto name = *till@\n  stop(name, errc::till_twin,"
  "  auto name = *till@\n  if (${is}twin_is_not_noticed)) return finish()@\n  stop(name, errc::till_twin,"
  "  if (!h.last) return false@" "  if (!h.last || ${is}lost_records_are_not_noted)) return false@")

planted_source(central/intake.cpp
  "#include \"base/step.hpp\"\n" "#include \"base/step.hpp\"\n${planted}"
  "      done = store_.commit()@"
  "      bool early = ${is}central_signs_before_flush) ||
                   (${is}witness_signs_before_flush) && sim::machine::current()->name() == \"witness\")@
      if (!early) done = store_.commit()@"
  "  if (broken_) return refuse_group(group, *broken_)@"
  "  if (${is}central_signs_before_flush) || ${is}witness_signs_before_flush)) (void)store_.commit()@
  if (broken_) return refuse_group(group, *broken_)@"
  "done = store_.keep_own(machine_.own())@"
  "if (!${is}own_chain_is_not_stored)) done = store_.keep_own(machine_.own())@"
  "  if (!broken_)\n    if (auto loaded = load()"
  "  if (!broken_ && !${is}central_keeps_what_failed))\n    if (auto loaded = load()"
  "return store_.keep_standing(d.till, d.value)@"
  "return ${is}standing_is_not_stored) && d.value.head.sequence > 1 ? result<>() : store_.keep_standing(d.till, d.value)@")
