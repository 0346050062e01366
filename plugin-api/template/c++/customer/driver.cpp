// Who is the person with this card? Here the answer comes from a list in the YAML; put your customer system
// in its place. Where that takes longer than a moment, answer later: see tilld/pending.hpp.
#include <ctime>
#include <optional>
#include <string>
#include <vector>

#include <tilld/customer.hpp>
#include <tilld/plugin.hpp>

namespace customer = tilld::customer;

struct known_customer {
  std::vector<std::string> found_by;  // card numbers, phone numbers, codes
  std::string id;                     // a UUID that says nothing about the person
  std::optional<std::string> name;
  std::optional<std::int64_t> points;
};
BOOST_DESCRIBE_STRUCT(known_customer, (), (found_by, id, name, points))

class driver {
 public:
  struct config {
    std::vector<known_customer> customers;
  };

  driver(tilld::host, const config& from) : config_(from) {}

  customer::identified identify(const customer::identify& request) {
    customer::identified answer;
    answer.as_of = present_moment();
    for (const auto& one : config_.customers) {
      for (const auto& mark : one.found_by) {
        if (mark != request.uid && mark != request.reference && mark != request.code && mark != request.phone)
          continue;
        answer.found = true;
        answer.customer.emplace();
        answer.customer->id = one.id;
        answer.customer->name = one.name;
        if (one.points) {
          customer::balance points;
          points.kind = customer::balance_kind::points;
          points.count = one.points;
          answer.customer->balances.push_back(points);
        }
        return answer;
      }
    }
    return answer;  // nobody knows this card: a value, and not an error
  }

  using methods = std::tuple<tilld::method<&driver::identify>>;

 private:
  static std::string present_moment() {
    const auto now = std::time(nullptr);
    std::tm utc{};
    ::gmtime_r(&now, &utc);
    char text[32];
    std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc);
    return text;
  }

  const config config_;
};
BOOST_DESCRIBE_STRUCT(driver::config, (), (customers))

TILLD_PLUGIN(driver, {.id = "com.example.my-device",
                      .version = "1.0.0",
                      .summary = "Customers from a list",
                      .provides = {"tilld.customer/1"}})
