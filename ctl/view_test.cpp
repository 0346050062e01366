#include <gtest/gtest.h>
#include <stdlib.h>
#include <time.h>

#include <boost/json.hpp>

#include "ctl/views.hpp"

namespace tilld::ctl {
namespace {

constexpr std::int64_t now_ms = 1'700'000'000'000;  // 2023-11-14 22:13:20 UTC

boost::json::object object(std::string_view text) {
  return boost::json::parse(boost::json::string_view(text.data(), text.size())).as_object();
}

class view : public testing::Test {
 protected:
  void SetUp() override {
    ::setenv("TZ", "UTC", 1);
    ::tzset();
  }
};

TEST_F(view, shows_the_queue_in_count_and_money_and_how_old_the_oldest_is) {
  auto queue = object(R"({"destinations":[
    {"name":"central","role":"ledger","connected":true,"since_ms":1699989200000,"waiting":{"records":0,"sales":0,"money":[]}},
    {"name":"backup","role":"witness","connected":false,"since_ms":1699999820000,"next_try_ms":1700000004000,
     "last_error":{"kind":"central_unreachable","detail":"Connection refused","hint":"h"},
     "waiting":{"records":1204,"sales":12,"money":[{"minor":41230,"currency":"EUR"}],"oldest_ms":1699988480000}}],
    "refused_next":[]})");
  EXPECT_EQ(
      show_queue(queue, {}, now_ms),
      "Destination  Role     State                    Waiting                   Worth       Oldest\n"
      "central      ledger   connected for 3 h        nothing\n"
      "backup       witness  no connection for 3 min  1,204 records (12 sales)  412.30 EUR  3 h 12 min\n"
      "  Connection refused (central_unreachable), next try in 4 s\n"
      "Refused next: nothing\n");
}

TEST_F(view, shows_what_will_be_refused_next_and_why_a_destination_stands) {
  auto queue = object(R"({"destinations":[
    {"name":"central","role":"ledger","connected":false,"since_ms":0,"destination_lost_records":1,
     "stopped":{"kind":"quarantined","detail":"since yesterday","hint":"A person must release the till."},
     "waiting":{"records":1,"sales":0,"money":[],"oldest_ms":1699999999000}}],
    "refused_next":[{"methods":["sale.record"],"kind":"storage_full","hint":"Free some space."}]})");
  EXPECT_EQ(show_queue(queue, {}, now_ms),
            "Destination  Role    State    Waiting   Worth  Oldest\n"
            "central      ledger  stopped  1 record         1 s\n"
            "  since yesterday (quarantined)\n"
            "  A person must release the till.\n"
            "  it lost 1 record that it had acknowledged, and gets them again\n"
            "Refused next:\n"
            "  sale.record: storage_full\n"
            "    Free some space.\n");
}

TEST_F(view, shows_how_a_plugin_is_and_why_it_ended) {
  auto list = object(R"({"plugins":[
    {"name":"printer","state":"ready","plugin":"org.tilld.escpos","version":"1.0.0","provides":["tilld.printer/1"],
     "isolation":"process","paths_restricted":true,"restarts":2,"faults":0,"last_ending":"plugin_crashed: signal 11"},
    {"name":"scanner","state":"waiting","isolation":"process","paths_restricted":false,"restarts":0,"faults":0,"next_try_ms":4000},
    {"name":"scale","state":"failed","plugin":"com.example.scale","version":"2","isolation":"none","restarts":4,"faults":7,
     "last_fault":"answered a request twice\u001b[2J","schema_violations":{"com.example.scale/1.weigh":3,"tilld.scanner/1.scanned":1}}]})");
  EXPECT_EQ(
      show_plugins(list, {}),
      "Plugin   State        Program                 Sandbox                  Restarts  Faults\n"
      "printer  ready        org.tilld.escpos 1.0.0  process, own paths       2         0\n"
      "  provides tilld.printer/1\n"
      "  ended last: plugin_crashed: signal 11\n"
      "scanner  waiting 4 s                          process                  0         0\n"
      "scale    failed       com.example.scale 2     none, a thread of tilld  4         7\n"
      "  last fault: answered a request twice [2J\n"
      "  messages that do not fit their schema: com.example.scale/1.weigh 3, tilld.scanner/1.scanned 1\n");
  EXPECT_EQ(show_plugins({}, {}), "No plugin is set up; see plugins: in tilld.yaml.\n");
}

TEST_F(view, says_first_that_a_till_fails_on_purpose) {
  auto shown = show_status(object(R"({"state":"degraded","till":"till-1","problems":[],"chaos":{"seed":7}})"),
                           {}, now_ms);
  EXPECT_NE(shown.find("CHAOS 7"), std::string::npos) << shown;
}

TEST_F(view, puts_the_problems_at_the_end_of_the_status_each_with_its_cure) {
  auto status =
      object(R"({"state":"degraded","version":"0.1.0","till":"till-1","branch":"main","merchant":"acme",
    "started_ms":1699988480000,"up_ms":11520000,"clock":"unsynchronised","connections":3,
    "journal":{"epoch":1,"sequence":1204,"hash":"0123456789abcdef0123456789abcdef"},"storage":{"state":"ok"},
    "queue":{"destinations":[],"refused_next":[]},"plugins":[],
    "problems":[{"kind":"central_unreachable","detail":"central: refused","hint":"tillctl queue shows what waits."}]})");
  EXPECT_EQ(show_status(status, {}, now_ms),
            "till-1 (branch main, merchant acme): degraded, 1 problem\n"
            "\n"
            "Program   tilld 0.1.0\n"
            "Since     2023-11-14 19:01:20 (3 h 12 min)\n"
            "Clock     unsynchronised; records are marked so\n"
            "Storage   ok\n"
            "Journal   record 1,204, epoch 1, hash 012345…abcdef\n"
            "Clients   3\n"
            "\n"
            "No destination is set up; records stay on this till.\n"
            "Refused next: nothing\n"
            "\n"
            "No plugin is set up; see plugins: in tilld.yaml.\n"
            "\n"
            "What needs somebody:\n"
            "  central_unreachable: central: refused\n"
            "    tillctl queue shows what waits.\n");
  status["state"] = "ok";
  status["problems"] = boost::json::array();
  auto well = show_status(status, {}, now_ms);
  EXPECT_NE(well.find("all is well"), std::string::npos);
  EXPECT_EQ(well.find("What needs somebody"), std::string::npos);
}

TEST_F(view, says_how_far_a_chain_holds) {
  EXPECT_EQ(
      show_verification(
          object(
              R"({"till":"t","whole":true,"verified":1204,"hash":"aa","kinds":{"sale":1200,"plugin.ended":4}})"),
          {}),
      "t: whole, records 1 to 1,204\n"
      "Hash          aa\n"
      "\n"
      "Kind          Records\n"
      "sale          1,200\n"
      "plugin.ended  4\n");
  EXPECT_EQ(
      show_verification(object(R"({"till":"t","whole":false,"verified":7,"broken_at":8,"why":"hash"})"), {}),
      "t: broken at record 8\n"
      "Why           hash\n"
      "Good until    record 7\n");
  EXPECT_EQ(show_verification(
                object(R"({"till":"t","from":3,"whole":false,"verified":2,"broken_at":3,"why":"hash"})"), {}),
            "t: broken at record 3\n"
            "Why           hash\n"
            "Good until    no record\n");
}

TEST_F(view, says_that_nothing_was_compared_where_there_is_no_server) {
  auto alone = show_proof(object(R"({"till":"t","agrees":true,"whole":true,"verified":3,"servers":[]})"), {});
  EXPECT_TRUE(alone.starts_with("t: no server is set up, so nothing was compared\n")) << alone;
  auto two = show_proof(object(R"({"till":"t","agrees":true,"whole":true,"verified":3,
      "servers":[{"destination":"l","role":"ledger","reached":true,"verified":3}]})"),
                        {});
  EXPECT_TRUE(two.starts_with("t: till and servers agree\n")) << two;
}

TEST_F(view, shows_a_record_with_its_body) {
  auto record = object(
      R"({"epoch":1,"sequence":2,"id":"018b","kind":"sale","happened_ms":1700000000000,"clock_trusted":false,
    "hash":"bb","body":"eyJ0b3RhbCI6eyJtaW5vciI6MX0sImxpbmVzIjpbXX0="})");
  EXPECT_EQ(show_record(record, {}),
            "Record        2, epoch 1\n"
            "Kind          sale\n"
            "Happened      2023-11-14 22:13:20 (clock not synchronised)\n"
            "Id            018b\n"
            "Hash          bb\n"
            "Body          32 octets\n"
            "{\n"
            "  \"total\": {\n"
            "    \"minor\": 1\n"
            "  },\n"
            "  \"lines\": []\n"
            "}\n");
}

TEST_F(view, says_what_to_do_with_an_operation_in_doubt) {
  auto operation =
      object(R"({"operation_id":"018b","method":"printer.print","idempotency_key":"p1","principal":"unix:0",
    "state":"unknown","changed_ms":1699999940000,"device":"printer"})");
  EXPECT_EQ(show_operation(operation, {}, now_ms),
            "Operation     018b\n"
            "State         unknown\n"
            "Method        printer.print\n"
            "Key           p1 of unix:0\n"
            "Device        printer\n"
            "Changed       2023-11-14 22:12:20 (1 min ago)\n"
            "\n"
            "Look at the device, then: tillctl operation resolve 018b done|not_done --reason TEXT\n");
  boost::json::object list{{"operations", boost::json::array{operation}}};
  EXPECT_NE(
      show_operations(list, {}, now_ms).find("018b       printer.print  printer  p1   unix:0     1 min\n"),
      std::string::npos);
  EXPECT_EQ(show_operations({}, {}, now_ms), "No operation is in doubt.\n");
}

TEST_F(view, shows_tokens_heads_and_events) {
  EXPECT_EQ(
      show_tokens(
          object(R"({"tokens":[{"id":"0d01","role":"till","note":"left","created_ms":1700000000000}]})"), {}),
      "Token  Role  For       Made                 Note\n"
      "0d01   till  programs  2023-11-14 22:13:20  left\n");
  EXPECT_EQ(show_tokens({}, {}), "There is no token; over TCP and HTTP nobody can sign on.\n");
  EXPECT_EQ(
      show_head(
          object(
              R"({"till":"t","epoch":1,"sequence":9,"hash":"aa","witnesses":[{"destination":"c","sequence":8,"hash":"bb"}]})"),
          {}),
      "Till          t\n"
      "Last record   9, epoch 1\n"
      "Hash          aa\n"
      "Acknowledged  c: record 8, hash bb\n");
  EXPECT_EQ(
      show_event(
          object(
              R"({"subscription":1,"number":7,"topic":"scanner.scanned","source":"sim","data":{"text":"4006"}})"),
          {}, now_ms),
      "2023-11-14 22:13:20  scanner.scanned  sim  {\"text\":\"4006\"}\n");
}

TEST_F(view, shows_the_answer_of_a_daemon_that_says_other_things) {
  auto strange = object(
      R"({"destinations":7,"plugins":[1,{"name":5}],"problems":{},"state":[],"operations":[null],"tokens":"x","journal":null})");
  EXPECT_NO_THROW({
    show_status(strange, {}, now_ms);
    show_queue(strange, {}, now_ms);
    show_plugins(strange, {});
    show_operation(strange, {}, now_ms);
    show_operations(strange, {}, now_ms);
    show_tokens(strange, {});
    show_head(strange, {});
    show_verification(strange, {});
    show_record(strange, {});
    show_event(strange, {}, now_ms);
  });
}

TEST_F(view, prints_json_with_an_indent_and_back_to_the_same_value) {
  auto value = boost::json::parse(R"({"a":[1,{"b":[]},"\u0007\u00e4"],"c":{}})");
  auto text = pretty(value);
  EXPECT_EQ(text,
            "{\n  \"a\": [\n    1,\n    {\n      \"b\": []\n    },\n    \"\\u0007ä\"\n  ],\n  \"c\": {}\n}");
  EXPECT_EQ(boost::json::parse(text), value);
}

}  // namespace
}  // namespace tilld::ctl
