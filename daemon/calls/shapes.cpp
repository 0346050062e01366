#include "daemon/calls/shapes.hpp"

namespace tilld::daemon {

using namespace base::shape;
using base::schema;

namespace {

schema shape_of_waiting() {
  return object({needed("records", whole(0), "of any kind"), needed("sales", whole(0), "among them"),
                 needed("money", list(money()), "their totals, one amount a currency"),
                 optional("oldest_ms", whole(), "when the oldest happened, in Unix milliseconds")});
}

// What a person should know, as the registry of errors has it.
schema shape_of_problem() {
  return object({needed("kind", text(), "as in errors.md"), needed("detail", text(), "what exactly"),
                 needed("hint", text(), "what to do")});
}

schema shape_of_chaos() {
  return object({needed("seed", whole(0), "of --chaos"),
                 needed("calls", whole(0), "that could have been disturbed"),
                 needed("delayed", whole(0), "calls"),
                 needed("closed_before", whole(0), "connections, before the call"),
                 needed("closed_after", whole(0), "connections, after the call had its effect"),
                 needed("questions", whole(0), "to devices"), needed("killed", whole(0), "devices"),
                 needed("answers_lost", whole(0), "of devices that had acted")});
}

schema shape_of_destination() {
  return object(
      {needed("name", text(), "as in tilld.yaml"),
       needed("role", one_of({"ledger", "witness"}), "what it does"),
       needed("address", text(), "where it is"), needed("connected", boolean(), "now"),
       needed("since_ms", whole(), "connected or not, in Unix milliseconds"),
       needed("acknowledged", whole(0), "the last record that it has signed for"),
       needed("central_sequence", whole(0), "the last record that it says to have"),
       needed("central_software", text(), "name and version, empty before the first connection"),
       optional("central_key", hex(32), "its public key"),
       optional("last_error",
                object({needed("kind", text(), "as in errors.md"), needed("detail", text(), "what exactly"),
                        needed("at_ms", whole(), "when, in Unix milliseconds"),
                        needed("hint", text(), "what to do")}),
                "why it could not be reached"),
       optional("next_try_ms", whole(), "when it is tried again, in Unix milliseconds"),
       optional("stopped", shape_of_problem(), "it waits for a person"),
       optional("destination_lost_records", whole(1), "how many it has forgotten that it had signed for"),
       needed("waiting", shape_of_waiting(), "what it has not signed for yet"),
       needed("lagging", boolean(), "more waits, or for longer, than alarm: in tilld.yaml allows")});
}

}  // namespace

schema shape_of_plugin() {
  return object(
      {needed("name", text(), "of the instance"),
       needed("state", one_of({"starting", "ready", "waiting", "misconfigured", "failed", "stopped"}),
              "of the instance"),
       needed("plugin", text(), "id of the plugin, empty before it said hello"),
       needed("version", text(), "of the plugin"), needed("summary", text(), "its own words"),
       needed("provides", list(text()), "interfaces"), needed("uses", list(text()), "services of the daemon"),
       needed("isolation", one_of({"process", "none"}), "where it runs"),
       needed("paths_restricted", boolean(), "whether the kernel keeps it to its own files"),
       needed("landlock_abi", whole(), "with which this is done, 0 for not at all"),
       needed("restarts", whole(0), "since the daemon started"),
       needed("waiting_requests", whole(0), "given to it and not answered"),
       needed("faults", whole(0), "against the rules of plugins"),
       optional("last_ending", text(), "why it ended last"), optional("last_fault", text(), "what it did"),
       optional("schema_violations", map(whole(1)), "messages that did not fit their schema, by name"),
       optional("next_try_ms", whole(0), "until it is started again, in milliseconds"),
       optional("pid", whole(1), "its process")});
}

schema shape_of_device() {
  auto claim = object({needed("holder", text(), "principal"),
                       needed("client", text(), "its software, by its own words"),
                       needed("here", boolean(), "false while its connection is gone"),
                       needed("ends_in_ms", whole(0), "unless it is renewed"),
                       needed("waiting", whole(0), "how many stand in line"),
                       needed("one_at_a_time", boolean(), "its input waits for device.next"),
                       needed("inputs_held", whole(0), "so many")});
  auto condition = object(
      {optional("online", boolean(), "whether it can be talked to; left out when nothing was said yet"),
       needed("paper", one_of({"unknown", "enough", "low", "out"}), "in it"),
       needed("cover", one_of({"unknown", "closed", "open"}), "of it"),
       needed("drawer", one_of({"unknown", "closed", "open"}), "that hangs on it"),
       optional("confirmation", text(), "the surest that it gives"),
       optional("model", text(), "as it names itself"),
       optional("detail", text(), "anything else that IT staff should read"),
       optional("said_ms", whole(), "when it said so, in Unix milliseconds; left out when it never did")});
  auto card = object(
      {needed("card", one_of({"unknown", "none", "present"}), "whether one lies there"),
       optional("presentation", whole(0), "its number, as reader.removed names it"),
       optional("said_ms", whole(), "when it came or went, in Unix milliseconds; left out when none did")});
  return object({needed("device", text(), "for the member device of calls"),
                 needed("interfaces", list(text()), "what it provides"),
                 needed("state", text(), "ready, or as plugin.list says"),
                 optional("claim", claim, "who holds it; null when it is shared"),
                 optional("printer", condition,
                          "of tilld.printer/1: the last that it said, as in printer.status_changed"),
                 optional("reader", card, "of tilld.reader/1: the last that it said")});
}

schema shape_of_backlog() {
  return object({needed("destination", text(), "its name"), needed("connected", boolean(), "now"),
                 needed("acknowledged", whole(0), "the last record that it has signed for"),
                 needed("waiting", shape_of_waiting(), "what comes after it")});
}

schema shape_of_queue() {
  return object(
      {needed("destinations", list(shape_of_destination()), "in the order of tilld.yaml"),
       needed("refused_next",
              list(object({needed("methods", list(text()), "which"),
                           needed("kind", text(), "as in errors.md"), needed("hint", text(), "what to do")})),
              "what will be refused, and why")});
}

schema shape_of_status() {
  return object(
      {needed("state", one_of({"ok", "degraded"}), "degraded when there are problems, and with --chaos"),
       needed("version", text(), "of tilld"), needed("till", text(), "its id"),
       needed("branch", text(), "its shop"), needed("merchant", text(), "whose books these are"),
       needed("boot", hex(16), "another one after each start of the daemon"),
       needed("started_ms", whole(), "in Unix milliseconds"), needed("up_ms", whole(0), "since then"),
       needed("clock", one_of({"synchronised", "unsynchronised"}), "what the kernel says of it"),
       needed("connections", whole(0), "open now"),
       needed("journal",
              object({needed("epoch", whole(0), "how many tills had this id"),
                      needed("sequence", whole(0), "the last record"), needed("hash", hex(32), "its hash")}),
              "its head"),
       needed("public_key", hex(32), "of this till"),
       needed("storage",
              object({needed("state", one_of({"ok", "low", "full", "copying", "failed"}),
                             "of the disk: low, when what is kept free is being used up, and full refuse new "
                             "sales; while the journal is copied to a fresh file, since a flush failed, they "
                             "wait; failed stores nothing any more"),
                      needed("fresh_copies", whole(0), "how often it was copied since the start"),
                      needed("free", whole(0), "octets that the disk has left"),
                      needed("kept_free", whole(0), "octets below which new sales are refused"),
                      needed("check",
                             object({needed("state", one_of({"waiting", "running", "done"}),
                                            "of the look through everything that is stored"),
                                     needed("records", whole(0), "of the journal that were looked at"),
                                     optional("finished_ms", whole(), "when it came to the end last"),
                                     needed("damaged", list(text()), "what is not what was written")}),
                             "it begins after the start and again every day"),
                      optional("backup",
                               object({needed("folder", text(), "where the copies lie"),
                                       needed("state", one_of({"waiting", "running", "done", "failed"}),
                                              "of the last one"),
                                       optional("finished_ms", whole(), "when the last good one was made"),
                                       optional("file", text(), "its name"),
                                       optional("why", text(), "the last one failed")}),
                               "of the journal, where one is configured"),
                      needed("commits", whole(0), "since the start"),
                      needed("commits_on", one_of({"I/O thread", "own thread"}),
                             "the latter when the disk is slow")}),
              "of the database"),
       needed("queue", shape_of_queue(), "as queue.status answers"),
       needed("plugins", list(shape_of_plugin()), "as plugin.list answers"),
       needed("problems", list(shape_of_problem()), "what a person should look at"),
       optional("chaos", shape_of_chaos(), "only with --chaos: what went wrong on purpose so far")});
}

schema shape_of_operation() {
  return object(
      {needed("operation_id", uuid(), "of the daemon"), needed("method", text(), "that was called"),
       needed("idempotency_key", text(), "of the caller"), needed("principal", text(), "the caller"),
       needed("state", one_of({"running", "done", "failed", "unknown"}), "unknown: nobody can tell"),
       needed("changed_ms", whole(), "when it came to this state, in Unix milliseconds"),
       optional("device", text(), "that was asked"), optional("sequence", whole(1), "of its record"),
       optional("result", anything(), "the stored answer"),
       optional("error", anything(), "the stored answer")});
}

schema shape_of_record() {
  return object({needed("header", text(), "octets in hexadecimal"), needed("hash", hex(32), "of the record"),
                 needed("body", text(), "octets in base64"), optional("epoch", whole(0), "from the header"),
                 optional("sequence", whole(1), "from the header"), optional("id", uuid(), "from the header"),
                 optional("kind", text(), "from the header"),
                 optional("happened_ms", whole(), "in Unix milliseconds"),
                 optional("clock_trusted", boolean(), "at that moment")});
}

}  // namespace tilld::daemon
