// What plugins say to the daemon: bodies of every word and topic of the catalogue, and what they say of
// themselves.
#include "daemon/plugins/plugin_words.hpp"

#include <boost/json.hpp>

#include "base/strict_json.hpp"
#include "daemon/plugin_host/text.hpp"
#include "plugin-api/catalogue.hpp"
#include "tests/fuzz/target.hpp"

namespace tilld::fuzz {
namespace {

// The daemon's check and the printed schema agree about bodies; what a failing plugin says becomes an error
// that the registry knows, in readable text.
void eat(std::string_view octets) {
  dice from(octets);
  auto what = from.up_to(3);
  auto which = from.up_to(65'535);
  auto body = from.rest();
  boost::system::error_code failed;
  auto value = base::parse_json(body, failed);
  bool is_object = !failed && value.is_object();
  auto words = catalogue::words();
  auto topics = catalogue::topics();
  if (what == 0 && is_object) {
    auto& word = words[which % words.size()];
    auto fits = word.check_request(value.get_object());
    demand(fits == catalogue::check(word.full_name, value.get_object()), "a word is found by its name");
    demand(!fits || !fits->empty(), "a complaint has words");
    auto reply = word.check_reply(value.get_object());
    demand(!reply || !reply->empty(), "a complaint has words");
    catalogue::remove_members(value.get_object(), word.request.secret);
  }
  if (what == 1 && is_object) {
    auto& topic = topics[which % topics.size()];
    auto complaint = topic.check(value.get_object());
    demand(!complaint || !complaint->empty(), "a complaint has words");
  }
  if (what == 2) {
    auto why = daemon::error_of(static_cast<std::int32_t>(which % 40) - 20, body);
    demand(base::describe(why.code).code == why.code, "an error is one of the registry");
    (void)daemon::complaint_about_failure(body);
    auto shown = daemon::plugin_host::readable(body);
    boost::json::error_code bad;
    boost::json::parse(boost::json::serialize(boost::json::string_view(shown)), bad);
    demand(!bad, "what is shown of a plugin's text is UTF-8");
  }
  if (what == 3) {
    auto hello = daemon::read_hello(body);
    demand(is_object || (hello.id.empty() && hello.provides.empty()), "noise introduces nobody");
    demand(catalogue::is_interface_name(body) || catalogue::till_name(body).empty() ||
               body.find('/') != body.npos,
           "a name is one of an interface");
  }
}

const target plugin_words{"plugin_words", eat};

}  // namespace
}  // namespace tilld::fuzz
