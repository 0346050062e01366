#include "plugin-api/catalogue.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <set>
#include <sstream>

#include "plugin-api/schema_text.hpp"

namespace tilld::catalogue {
namespace {

namespace json = boost::json;

json::object object(const char* text) { return json::parse(text).as_object(); }

std::string complaint(const char* name, const char* body) {
  return check(name, object(body)).value_or("fits");
}

// Every member of a schema, as paths.
void collect(const json::object& schema, const std::string& above, std::set<std::string>& to) {
  if (const auto* items = schema.if_contains("items")) return collect(items->as_object(), above, to);
  const auto* properties = schema.if_contains("properties");
  if (!properties) return;
  for (const auto& [name, inner] : properties->as_object()) {
    const auto path = above.empty() ? std::string(name) : above + "." + std::string(name);
    to.insert(path);
    collect(inner.as_object(), path, to);
  }
}

std::set<std::string> members(const json::object& schema) {
  std::set<std::string> all;
  collect(schema, "", all);
  if (schema.contains("x-blob")) all.insert("blob");
  return all;
}

// Visits the schema of every message together with its marks.
template <class Visit>
void for_each_message(Visit visit) {
  for (const auto& w : words()) {
    const auto whole = schema(w.interface).value();
    const auto& entry = whole.at("definitions").at("requests").at(w.full_name.substr(w.interface.size() + 1));
    visit(std::string(w.full_name), entry.at("request").as_object(), w.request);
    visit(std::string(w.full_name) + " reply", entry.at("reply").as_object(), w.reply);
  }
  for (const auto& t : topics()) {
    const auto whole = schema(t.interface).value();
    const auto& entry = whole.at("definitions").at("events").at(t.full_name.substr(t.interface.size() + 1));
    visit(std::string(t.full_name), entry.as_object(), t.body);
  }
}

bool covers(paths marks, const std::string& path) {
  return std::any_of(marks.begin(), marks.end(), [&](std::string_view mark) {
    return path == mark || path.starts_with(std::string(mark) + ".");
  });
}

TEST(catalogue, knows_a_word_by_its_full_name_and_by_the_name_that_tills_use) {
  const auto* print = find_word("tilld.printer/1.print");
  ASSERT_NE(print, nullptr);
  EXPECT_EQ(find_method("printer.print"), print);
  EXPECT_TRUE(print->changes_state);
  EXPECT_FALSE(print->moves_value);
  EXPECT_FALSE(print->service);
  EXPECT_EQ(print->outcome, "tilld.printer/1.outcome");
  EXPECT_EQ(print->deadline_ms_default, 30'000u);
  EXPECT_TRUE(find_word("tilld.tender/1.authorize")->moves_value);
  EXPECT_TRUE(find_word("tilld.state/1.put")->service);
  EXPECT_EQ(find_topic("tilld.reader/1.presented")->name, "reader.presented");
  EXPECT_EQ(find_word("tilld.printer/2.print"), nullptr);
  EXPECT_EQ(find_method("printer"), nullptr);
}

TEST(catalogue, turns_full_names_into_names_for_tills) {
  EXPECT_EQ(till_name("tilld.reader/1.await"), "reader.await");
  EXPECT_EQ(till_name("com.example.scale/2.weigh"), "com.example.scale.weigh");
  for (const char* wrong :
       {"", "tilld.reader", "tilld.reader/1", "tilld.reader/1.", "reader/1.await", "tilld.reader/x.await",
        "tilld.reader/0.await", ".a/1.b", "a./1.b", "a..b/1.c", "a b.c/1.d", "A.b/1.c"})
    EXPECT_EQ(till_name(wrong), "") << wrong;
}

TEST(catalogue, names_no_two_words_alike) {
  std::set<std::string_view> full, till;
  for (const auto& w : words())
    EXPECT_TRUE(full.insert(w.full_name).second && till.insert(w.method).second) << w.full_name;
  for (const auto& t : topics())
    EXPECT_TRUE(full.insert(t.full_name).second && till.insert(t.name).second) << t.full_name;
}

TEST(catalogue, names_each_message_after_its_interface) {
  for (const auto& w : words())
    EXPECT_TRUE(w.full_name.starts_with(std::string(w.interface) + ".")) << w.full_name;
  for (const auto& t : topics())
    EXPECT_TRUE(t.full_name.starts_with(std::string(t.interface) + ".")) << t.full_name;
  for (const auto& i : interfaces()) EXPECT_TRUE(is_interface_name(i.name)) << i.name;
}

TEST(catalogue, gives_every_change_of_state_an_operation_id_and_a_way_to_ask_again) {
  for (const auto& w : words()) {
    if (!w.changes_state || w.service) continue;
    const auto entry = schema(w.interface)
                           .value()
                           .at("definitions")
                           .at("requests")
                           .at(w.full_name.substr(w.interface.size() + 1));
    EXPECT_TRUE(entry.at("request").at("properties").as_object().contains("operation_id")) << w.full_name;
    EXPECT_FALSE(w.outcome.empty()) << w.full_name;
  }
}

TEST(catalogue, marks_only_members_that_exist) {
  for_each_message([](const std::string& name, const json::object& schema, const marks& m) {
    const auto all = members(schema);
    for (auto list : {m.secret, m.personal, m.bearer})
      for (const auto path : list) EXPECT_TRUE(all.contains(std::string(path))) << name << ": " << path;
  });
}

TEST(catalogue, marks_every_member_that_somebody_could_spend_or_be_known_by) {
  const std::set<std::string> secret{"pin", "token", "proof", "track", "code"};
  const std::set<std::string> personal{"name", "phone", "email", "address", "uid", "reference"};
  for_each_message([&](const std::string& message, const json::object& schema, const marks& m) {
    for (const auto& path : members(schema)) {
      const auto last = path.substr(path.rfind('.') + 1);
      EXPECT_TRUE(!secret.contains(last) || covers(m.secret, path)) << message << ": " << path;
      EXPECT_TRUE(!personal.contains(last) || covers(m.personal, path)) << message << ": " << path;
    }
  });
}

TEST(catalogue, says_which_member_does_not_fit) {
  const char* drawer = "tilld.printer/1.open_drawer";
  EXPECT_EQ(complaint(drawer, R"({"operation_id":"o"})"), "fits");
  EXPECT_EQ(complaint(drawer, R"({"operation_id":"o","drawer":1,"tomorrow":true})"), "fits");
  EXPECT_EQ(complaint(drawer, R"({})"), "operation_id: is missing");
  EXPECT_EQ(complaint(drawer, R"({"operation_id":7})"), "operation_id: must be text");
  EXPECT_EQ(complaint(drawer, R"({"operation_id":"o","drawer":1.0})"), "drawer: must be an integer");
  EXPECT_EQ(complaint(drawer, R"({"operation_id":"o","drawer":-1})"),
            "drawer: must be an integer from 0 to 4294967295");
  EXPECT_EQ(complaint("tilld.display/1.show", R"({"lines":["a",2]})"), "lines.1: must be text");
  EXPECT_EQ(complaint("tilld.printer/1.render", R"({"format":"gif","document":{}})"),
            "format: must be one of png, svg, pdf, text");
  EXPECT_EQ(complaint("tilld.printer/1.print", R"({"operation_id":"o","document":{},"slots":{"a":[1]}})"),
            "slots.a.0: must be an object");
  EXPECT_EQ(complaint("tilld.customer/1.identify", R"({})"),
            "body: must have exactly one of uid, reference, proof, code, phone, email");
  EXPECT_EQ(complaint("tilld.state/1.get", R"({"key":""})"),
            "body: key: must be 1 to 128 printable ASCII characters");
  EXPECT_EQ(complaint("com.example.scale/1.weigh", R"({"anything":[]})"), "fits");
  EXPECT_EQ(check_reply("tilld.printer/1.print", object(R"({"confirmation":"printed"})")), std::nullopt);
  EXPECT_EQ(check_reply("tilld.printer/1.print", object(R"({"confirmation":3})")),
            "confirmation: must be text");
}

TEST(catalogue, refuses_unknown_members_where_value_moves) {
  const char* capture = "tilld.tender/1.capture";
  EXPECT_EQ(complaint(capture,
                      R"({"operation_id":"o","authorization":"a","amount":{"minor":1250,"currency":"EUR"}})"),
            "fits");
  EXPECT_EQ(
      complaint(capture,
                R"({"operation_id":"o","authorization":"a","amount":{"minor":1,"currency":"EUR"},"tip":5})"),
      "tip: is not known here");
  EXPECT_EQ(
      complaint(capture,
                R"({"operation_id":"o","authorization":"a","amount":{"minor":1,"currency":"EUR","x":5}})"),
      "amount.x: is not known here");
}

TEST(catalogue, refuses_money_that_is_not_whole_or_not_exact) {
  auto amount = [](const char* text) {
    const auto body = std::string(R"({"operation_id":"o","authorization":"a","amount":)") + text + "}";
    return complaint("tilld.tender/1.capture", body.c_str());
  };
  EXPECT_EQ(amount(R"({"minor":9007199254740991,"currency":"EUR"})"), "fits");
  EXPECT_EQ(amount(R"({"minor":-9007199254740991,"currency":"EUR"})"), "fits");
  EXPECT_EQ(amount(R"({"minor":9007199254740992,"currency":"EUR"})"),
            "amount: minor: must be at most 2^53-1 either way");
  EXPECT_EQ(amount(R"({"minor":12.0,"currency":"EUR"})"), "amount.minor: must be an integer");
  EXPECT_EQ(amount(R"({"minor":1e3,"currency":"EUR"})"), "amount.minor: must be an integer");
  EXPECT_EQ(amount(R"({"minor":1,"currency":"eur"})"), "amount: currency: must be three capital letters");
  EXPECT_EQ(amount(R"({"minor":1})"), "amount.currency: is missing");
}

TEST(catalogue, removes_marked_members_wherever_they_are) {
  auto body =
      object(R"({"a":{"pin":"1","keep":2},"lines":[{"name":"x","n":1},{"n":2}],"slots":{"voucher":[1]}})");
  constexpr std::string_view which[] = {"a.pin", "lines.name", "slots", "not.there"};
  EXPECT_TRUE(remove_members(body, which));
  EXPECT_EQ(json::serialize(body), R"({"a":{"keep":2},"lines":[{"n":1},{"n":2}]})");
  EXPECT_FALSE(remove_members(body, which));
}

TEST(catalogue, is_what_the_committed_schemas_say) {
  const char* folder = std::getenv("TILLD_SCHEMA_FOLDER");
  ASSERT_NE(folder, nullptr);
  for (const auto& entry : interfaces()) {
    const auto path = std::string(folder) + "/" + schema_file_name(entry.name);
    std::stringstream committed;
    committed << std::ifstream(path).rdbuf();
    EXPECT_EQ(committed.str(), schema_text(entry.name))
        << "write it again with: tilld-schema plugin-api/schema";
  }
}

}  // namespace
}  // namespace tilld::catalogue
