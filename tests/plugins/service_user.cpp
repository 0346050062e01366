// Asks the daemon for whatever it is told to ask, and passes the answer on. Built twice: test_service_user
// names all services in `uses`, test_service_asker the state alone.
#include <tilld/plugin.hpp>
#include <tilld/services.hpp>

namespace {

namespace json = boost::json;

struct heard {
  bool fine = false;
  std::optional<json::value> value;
  std::optional<std::string> kind, detail;
};
BOOST_DESCRIBE_STRUCT(heard, (), (fine, value, kind, detail))

struct word {
  [[maybe_unused]] static constexpr bool changes_state = false;
  [[maybe_unused]] static constexpr std::uint32_t deadline_ms_default = 10'000;
  using reply = heard;
};
struct central : word {
  static constexpr const char* name = "org.tilld.test.service-user/1.central";
  std::string method;
  json::object params;
};
BOOST_DESCRIBE_STRUCT(central, (), (method, params))
struct note : word {
  static constexpr const char* name = "org.tilld.test.service-user/1.note";
  std::string kind;
  json::object body;
};
BOOST_DESCRIBE_STRUCT(note, (), (kind, body))
struct put : word {
  static constexpr const char* name = "org.tilld.test.service-user/1.put";
  std::string key;
  json::value value;
};
BOOST_DESCRIBE_STRUCT(put, (), (key, value))
struct get : word {
  static constexpr const char* name = "org.tilld.test.service-user/1.get";
  std::string key;
};
BOOST_DESCRIBE_STRUCT(get, (), (key))
struct list : word {
  static constexpr const char* name = "org.tilld.test.service-user/1.list";
  std::optional<std::string> prefix, after;
};
BOOST_DESCRIBE_STRUCT(list, (), (prefix, after))
struct remove : word {
  static constexpr const char* name = "org.tilld.test.service-user/1.remove";
  std::string key;
};
BOOST_DESCRIBE_STRUCT(remove, (), (key))

class service_user {
 public:
  explicit service_user(tilld::host host) : host_(host) {}

  void on_central(const central& r, tilld::pending<central> p) {
    tilld::services::central::call c;
    c.method = r.method;
    c.params = r.params;
    ask(c, std::move(p));
  }
  void on_note(const note& r, tilld::pending<note> p) {
    tilld::services::journal::append a;
    a.kind = r.kind;
    a.body = r.body;
    ask(a, std::move(p));
  }
  void on_put(const put& r, tilld::pending<put> p) {
    tilld::services::state::put w;
    w.key = r.key;
    w.value = r.value;
    ask(w, std::move(p));
  }
  void on_get(const get& r, tilld::pending<get> p) {
    tilld::services::state::get w;
    w.key = r.key;
    ask(w, std::move(p));
  }
  void on_list(const list& r, tilld::pending<list> p) {
    tilld::services::state::list w;
    w.prefix = r.prefix;
    w.after = r.after;
    ask(w, std::move(p));
  }
  void on_remove(const remove& r, tilld::pending<remove> p) {
    tilld::services::state::remove w;
    w.key = r.key;
    ask(w, std::move(p));
  }

  using methods = std::tuple<tilld::method<&service_user::on_central>, tilld::method<&service_user::on_note>,
                             tilld::method<&service_user::on_put>, tilld::method<&service_user::on_get>,
                             tilld::method<&service_user::on_list>, tilld::method<&service_user::on_remove>>;

 private:
  template <class Request, class Pending>
  void ask(const Request& request, Pending pending) {
    auto kept = std::make_shared<Pending>(std::move(pending));
    host_.ask(request, [kept](const tilld::answer<typename Request::reply>& got) {
      heard h;
      h.fine = static_cast<bool>(got);
      if (got)
        h.value = json::parse(tilld::to_body(*got));
      else {
        h.kind = got.kind();
        h.detail = got.detail();
      }
      kept->answer(h);
    });
  }

  tilld::host host_;
};

}  // namespace

#ifdef USES_STATE_ALONE
#define SERVICES "tilld.state/1"
#else
#define SERVICES "tilld.central/1", "tilld.journal/1", "tilld.state/1"
#endif

TILLD_PLUGIN(service_user, {.id = "org.tilld.test.service-user",
                            .version = "1.0.0",
                            .summary = "Uses what the daemon offers",
                            .provides = {"org.tilld.test.service-user/1"},
                            .uses = {SERVICES}})
