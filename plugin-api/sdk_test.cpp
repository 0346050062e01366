// The SDK as a host sees it: a driver behind the C functions, with a host that writes down what it is told.
#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include <tilld/money.hpp>
#include <tilld/plugin.hpp>
#include <tilld/printer.hpp>
#include <tilld/scanner.hpp>
#include <tilld/services.hpp>

namespace {

namespace json = boost::json;

struct told {
  std::uint32_t kind;
  std::uint64_t id;
  tilld_status status;
  std::string name, body, blob;
};

struct recording_host : tilld_host {
  std::vector<told> sent;
  std::vector<std::string> logged;
  std::vector<int> watched;
  tilld_status answer_to_requests = TILLD_OK;

  recording_host() : tilld_host{} {
    struct_size = sizeof(tilld_host);
    send = [](const tilld_host* host, const tilld_message* m) -> tilld_status {
      auto& self = of(host);
      if (m->kind == TILLD_REQUEST && self.answer_to_requests != TILLD_OK) return self.answer_to_requests;
      self.sent.push_back({m->kind, m->id, m->status, m->name, std::string(tilld::detail::view(m->body)),
                           std::string(tilld::detail::view(m->blob))});
      return TILLD_OK;
    };
    log = [](const tilld_host* host, std::int32_t, const char* text) { of(host).logged.emplace_back(text); };
    watch = [](const tilld_host* host, int fd, std::int16_t) -> tilld_status {
      return of(host).watched.push_back(fd), TILLD_OK;
    };
    timer = [](const tilld_host*, std::uint32_t, std::uint32_t) -> tilld_status { return TILLD_OK; };
    now = [](const tilld_host*) { return std::uint64_t(5); };
  }

  static recording_host& of(const tilld_host* host) {
    return *const_cast<recording_host*>(static_cast<const recording_host*>(host));
  }
};

class desk_printer {
 public:
  struct config {
    std::string port;
    std::optional<int> width;
  };

  desk_printer(tilld::host host, const config& settings) : host_(host) {
    if (settings.port == "gone") throw tilld::failure(TILLD_E_NO_DEVICE, "cannot open gone");
    if (settings.port == "bug") throw std::runtime_error("4111 1111");
  }

  void print(const tilld::printer::print& request, tilld::pending<tilld::printer::print> pending) {
    if (request.document.contains("forget")) return;
    if (request.document.contains("throw")) throw tilld::failure(TILLD_E_IO, "thrown", "paper_out");
    if (request.document.contains("twice")) {
      pending.answer({});
      pending.fail(tilld::failure(TILLD_E_IO, "never seen"));
      return;
    }
    later_ = std::make_unique<tilld::pending<tilld::printer::print>>(std::move(pending));
  }

  tilld::printer::condition status(const tilld::printer::status&, const tilld::call& call) {
    if (call.deadline_ms == 1) throw tilld::failure(TILLD_E_IO, "the lid", "cover_open");
    if (call.deadline_ms == 2) throw std::runtime_error("4111 1111");
    return {.online = true};
  }

  tilld::printer::rendered render(const tilld::printer::render& request) const {
    return {.media_type = "text/plain", .blob = {request.blob.bytes + "!"}};
  }

  tilld::nothing open_drawer(const tilld::printer::open_drawer& request) {
    host_.ask(tilld::services::state::get{.key = request.operation_id},
              [this](const tilld::answer<tilld::services::state::found>& answer) {
                heard_ = answer ? json::serialize(*answer->value) : answer.detail();
                if (heard_ == "null") throw std::runtime_error("unexpected");
              });
    host_.emit(tilld::scanner::scanned{.text = "beside", .blob = {"raw"}});
    return {};
  }

  void on_timer(std::uint32_t id) {
    if (id == 1) later_->answer({tilld::printer::confirmation::printed});
    if (id == 2) throw tilld::failure(TILLD_E_NO_DEVICE, "unplugged");
    if (id == 3) host_.log(tilld::log_level::info, heard_);
  }

  using methods = std::tuple<tilld::method<&desk_printer::print>, tilld::method<&desk_printer::status>,
                             tilld::method<&desk_printer::render>, tilld::method<&desk_printer::open_drawer>>;

 private:
  tilld::host host_;
  std::unique_ptr<tilld::pending<tilld::printer::print>> later_;
  std::string heard_;
};
BOOST_DESCRIBE_STRUCT(desk_printer::config, (), (port, width))

class sdk : public testing::Test {
 protected:
  const tilld_plugin* plugin_ = tilld_plugin_v1();
  recording_host host_;
  void* instance_ = nullptr;

  tilld_status start(std::string_view config) {
    return plugin_->start(&host_, {config.data(), config.size()}, &instance_);
  }
  void SetUp() override { ASSERT_EQ(start(R"({"port":"p"})"), TILLD_OK); }
  void TearDown() override { stop(); }
  void stop() {
    if (instance_) plugin_->stop(std::exchange(instance_, nullptr));
  }

  told ask(const char* name, std::string_view body, std::string_view blob = {},
           std::uint32_t deadline_ms = 1000) {
    host_.sent.clear();
    say({sizeof(tilld_message),
         TILLD_REQUEST,
         7,
         TILLD_OK,
         deadline_ms,
         name,
         {body.data(), body.size()},
         {blob.data(), blob.size()}});
    return host_.sent.empty() ? told{} : host_.sent.back();
  }
  void say(const tilld_message& message) { plugin_->on_message(instance_, &message); }
};

TEST_F(sdk, describes_the_plugin_the_same_way_each_time) {
  EXPECT_EQ(tilld_plugin_v1(), plugin_);
  EXPECT_EQ(plugin_->struct_size, sizeof(tilld_plugin));
  EXPECT_STREQ(plugin_->provides[0], "tilld.printer/1");
  EXPECT_EQ(plugin_->provides[1], nullptr);
  EXPECT_STREQ(plugin_->uses[0], "tilld.state/1");
  const auto schema = json::parse(plugin_->config_schema);
  EXPECT_EQ(json::serialize(schema.at("required")), R"(["port"])");
  EXPECT_EQ(schema.at("additionalProperties"), false);
}

TEST_F(sdk, answers_with_value_and_blob) {
  const auto reply =
      ask("tilld.printer/1.render", R"({"format":"text","document":{}})", std::string_view("\0x", 2));
  EXPECT_EQ(reply.kind, std::uint32_t(TILLD_REPLY));
  EXPECT_EQ(reply.id, 7u);
  EXPECT_EQ(reply.status, TILLD_OK);
  EXPECT_EQ(reply.name, "tilld.printer/1.render");
  EXPECT_EQ(reply.blob, std::string("\0x!", 3));
  EXPECT_EQ(json::parse(reply.body).at("media_type"), "text/plain");
}

TEST_F(sdk, ignores_unknown_members_and_takes_an_empty_body_for_an_empty_object) {
  EXPECT_EQ(ask("tilld.printer/1.status", R"({"from":"tomorrow"})").status, TILLD_OK);
  EXPECT_EQ(ask("tilld.printer/1.status", "").status, TILLD_OK);
}

TEST_F(sdk, refuses_what_it_cannot_read_and_says_where) {
  auto reply = ask("tilld.printer/1.render", R"({"format":"text","document":[]})");
  EXPECT_EQ(reply.status, TILLD_E_INVALID);
  EXPECT_EQ(reply.body, R"({"detail":"document: must be an object"})");
  EXPECT_EQ(ask("tilld.printer/1.status", "{not json").status, TILLD_E_INVALID);
  EXPECT_EQ(ask("tilld.printer/1.status", "[]").status, TILLD_E_INVALID);
  EXPECT_EQ(ask("tilld.printer/1.status", "\"\xff\"").status, TILLD_E_INVALID);
  reply = ask("tilld.printer/1.dance", "{}");
  EXPECT_EQ(reply.status, TILLD_E_UNSUPPORTED);
  EXPECT_EQ(reply.name, "tilld.printer/1.dance");
}

TEST_F(sdk, turns_a_failure_into_status_and_kind) {
  const auto reply = ask("tilld.printer/1.status", "{}", {}, 1);
  EXPECT_EQ(reply.status, TILLD_E_IO);
  EXPECT_EQ(reply.body, R"({"detail":"the lid","kind":"cover_open"})");
}

TEST_F(sdk, never_repeats_the_words_of_an_exception_that_it_does_not_know) {
  const auto reply = ask("tilld.printer/1.status", "{}", {}, 2);
  EXPECT_EQ(reply.status, TILLD_E_INTERNAL);
  EXPECT_EQ(reply.body, R"({"detail":"unexpected exception std::runtime_error"})");
}

TEST_F(sdk, answers_later_and_only_once) {
  const char* body = R"({"operation_id":"o","document":{}})";
  EXPECT_EQ(ask("tilld.printer/1.print", body).kind, 0u) << "no answer yet";
  plugin_->on_timer(instance_, 1);
  plugin_->on_timer(instance_, 1);
  ASSERT_EQ(host_.sent.size(), 1u);
  EXPECT_EQ(host_.sent[0].id, 7u);
  EXPECT_EQ(host_.sent[0].body, R"({"confirmation":"printed"})");
  ask("tilld.printer/1.print", R"({"operation_id":"o","document":{"twice":1}})");
  ASSERT_EQ(host_.sent.size(), 1u);
  EXPECT_EQ(host_.sent[0].status, TILLD_OK);
}

TEST_F(sdk, answers_for_a_driver_that_forgets) {
  const auto reply = ask("tilld.printer/1.print", R"({"operation_id":"o","document":{"forget":1}})");
  EXPECT_EQ(reply.status, TILLD_E_INTERNAL);
  EXPECT_EQ(reply.body, R"({"detail":"the driver dropped the request"})");
}

TEST_F(sdk, answers_once_when_a_method_throws_that_could_have_answered_later) {
  const auto reply = ask("tilld.printer/1.print", R"({"operation_id":"o","document":{"throw":1}})");
  ASSERT_EQ(host_.sent.size(), 1u);
  EXPECT_EQ(reply.status, TILLD_E_IO);
  EXPECT_EQ(reply.body, R"({"detail":"thrown","kind":"paper_out"})");
}

TEST_F(sdk, asks_the_daemon_and_hears_the_answer_once) {
  ask("tilld.printer/1.open_drawer", R"({"operation_id":"key"})");
  ASSERT_EQ(host_.sent.size(), 3u) << "the question, the event, the reply";
  const auto question = host_.sent[0];
  EXPECT_EQ(question.kind, std::uint32_t(TILLD_REQUEST));
  EXPECT_EQ(question.name, "tilld.state/1.get");
  EXPECT_EQ(question.body, R"({"key":"key"})");
  EXPECT_EQ(host_.sent[1].blob, "raw");
  std::string_view body = R"({"present":true,"value":[1]})";
  tilld_message answer{sizeof answer,
                       TILLD_REPLY,
                       question.id,
                       TILLD_OK,
                       0,
                       "tilld.state/1.get",
                       {body.data(), body.size()},
                       {}};
  say(answer);
  body = R"({"present":true,"value":[2]})";
  answer.body = {body.data(), body.size()};
  say(answer);
  plugin_->on_timer(instance_, 3);
  EXPECT_EQ(host_.logged, std::vector<std::string>{"[1]"});
}

TEST_F(sdk, hears_why_the_daemon_did_not_answer) {
  ask("tilld.printer/1.open_drawer", R"({"operation_id":"key"})");
  std::string_view body = R"({"detail":"disk full","kind":"storage_full"})";
  say({sizeof(tilld_message),
       TILLD_REPLY,
       host_.sent[0].id,
       TILLD_E_IO,
       0,
       "tilld.state/1.get",
       {body.data(), body.size()},
       {}});
  plugin_->on_timer(instance_, 3);
  EXPECT_EQ(host_.logged, std::vector<std::string>{"disk full"});
}

TEST_F(sdk, fails_a_request_whose_question_is_refused) {
  host_.answer_to_requests = TILLD_E_BUSY;
  const auto reply = ask("tilld.printer/1.open_drawer", R"({"operation_id":"key"})");
  EXPECT_EQ(reply.status, TILLD_E_BUSY);
  EXPECT_EQ(reply.body, R"({"detail":"cannot ask tilld.state/1.get"})");
}

TEST_F(sdk, ends_the_instance_when_a_callback_fails) {
  plugin_->on_timer(instance_, 2);
  ASSERT_EQ(host_.sent.size(), 1u);
  EXPECT_EQ(host_.sent[0].kind, std::uint32_t(TILLD_EVENT));
  EXPECT_EQ(host_.sent[0].name, "tilld.instance/1.failed");
  EXPECT_EQ(host_.sent[0].status, TILLD_E_NO_DEVICE);
  EXPECT_EQ(host_.sent[0].body, R"({"detail":"unplugged"})");
}

TEST_F(sdk, refuses_a_config_that_does_not_fit_and_says_where) {
  stop();
  EXPECT_EQ(start(R"({"prot":"p"})"), TILLD_E_CONFIG);
  EXPECT_EQ(host_.logged.back(), "prot: is not known here");
  EXPECT_EQ(start("{}"), TILLD_E_CONFIG);
  EXPECT_EQ(host_.logged.back(), "port: is missing");
  EXPECT_EQ(start(R"({"port":"p","widht":2})"), TILLD_E_CONFIG);
  EXPECT_EQ(host_.logged.back(), "widht: is not known here");
  EXPECT_EQ(start("{"), TILLD_E_CONFIG);
  EXPECT_EQ(start(R"({"port":"gone"})"), TILLD_E_NO_DEVICE);
  EXPECT_EQ(host_.logged.back(), "cannot open gone");
  EXPECT_EQ(start(R"({"port":"bug"})"), TILLD_E_INTERNAL);
  EXPECT_EQ(host_.logged.back(), "unexpected exception std::runtime_error");
  EXPECT_EQ(instance_, nullptr);
}

enum class shade { unknown, signed_, dark };
BOOST_DESCRIBE_ENUM(shade, unknown, signed_, dark)

TEST(json, reads_and_writes_enums_by_name_and_an_unknown_name_as_unknown) {
  EXPECT_EQ(tilld::from_json<shade>("signed"), shade::signed_);
  EXPECT_EQ(tilld::from_json<shade>("of tomorrow"), shade::unknown);
  EXPECT_EQ(tilld::to_json(shade::signed_), "signed");
  EXPECT_THROW(tilld::to_json(static_cast<shade>(9)), tilld::failure);
}

TEST(json, refuses_to_write_money_out_of_bounds) {
  EXPECT_EQ(tilld::to_body(tilld::money{1250, "EUR"}), R"({"minor":1250,"currency":"EUR"})");
  EXPECT_THROW(tilld::to_body(tilld::money{tilld::money_minor_max + 1, "EUR"}), tilld::failure);
  EXPECT_THROW(tilld::to_body(tilld::money{1, "Euro"}), tilld::failure);
}

}  // namespace

TILLD_PLUGIN(desk_printer, {.id = "org.tilld.test.desk-printer",
                            .version = "1.0.0",
                            .summary = "A printer that is not there",
                            .provides = {"tilld.printer/1"},
                            .uses = {"tilld.state/1"}})
