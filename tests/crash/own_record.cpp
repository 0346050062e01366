#include "tests/crash/own_record.hpp"

#include <boost/json.hpp>

#include "tests/support/shop.hpp"

namespace tilld::crash {

namespace json = boost::json;

namespace {

json::object eur(std::int64_t minor) { return {{"minor", minor}, {"currency", "EUR"}}; }

std::string number_text(const char* prefix, std::size_t n) {
  char text[32];
  std::snprintf(text, sizeof text, "%s-%08zu", prefix, n);
  return text;
}

}  // namespace

own_record::own_record(const std::string& file) : file_(std::fopen(file.c_str(), "we")) {
  if (!file_) tests::give_up("cannot write " + file);
}

std::size_t own_record::keep(operation o) {
  operations_.push_back(std::make_unique<operation>(std::move(o)));
  return operations_.size() - 1;
}

std::size_t own_record::new_sale(std::uint64_t random) {
  operation o;
  o.key = number_text("sale", operations_.size());
  bool refund = random % 17 == 0;
  json::array lines;
  for (std::uint64_t i = 0; i <= random % 4; ++i) {
    auto amount = static_cast<std::int64_t>(1 + (random >> (8 * i + 8)) % 5000);
    if (refund) amount = -amount;
    o.minor += amount;
    lines.push_back({{"text", "Brötchen \"hell\""},
                     {"quantity", "1"},
                     {"amount", eur(amount)},
                     {"tax", {{"percent", "7"}}}});
  }
  json::object params{{"idempotency_key", o.key},
                      {"kind", refund ? "refund" : "sale"},
                      {"total", eur(o.minor)},
                      {"lines", std::move(lines)},
                      {"tenders", json::array{{{"type", "cash"}, {"amount", eur(o.minor)}}}}};
  o.params = json::serialize(params);
  return keep(std::move(o));
}

std::size_t own_record::new_print(std::uint64_t random) {
  operation o;
  o.kind = operation_kind::print;
  o.key = number_text("print", operations_.size());
  json::object document{
      {"receipt", 1}, {"body", json::array{{{"text", o.key}}, {{"text", std::to_string(random % 10'000)}}}}};
  json::object params{{"idempotency_key", o.key}, {"document", std::move(document)}};
  o.params = json::serialize(params);
  return keep(std::move(o));
}

void own_record::asked(std::size_t which) {
  auto& o = *operations_[which];
  ++events_;
  if (o.asked++ == 0)
    o.asked_at = events_;
  else
    ++repeats_;
  std::fprintf(file_.get(), "{\"asked\":\"%s\",\"time\":%u}\n", o.key.c_str(), o.asked);
}

void own_record::answered(std::size_t which, std::string_view result) {
  auto& o = *operations_[which];
  ++events_;
  ++answers_;
  std::fprintf(file_.get(), "{\"answered\":\"%s\",\"result\":%.*s}\n", o.key.c_str(),
               static_cast<int>(result.size()), result.data());
  if (o.answered++ == 0) {
    o.answered_at = events_;
    o.result = result;
  } else if (o.result != result) {
    complaints_.push_back("another answer for " + o.key + ": " + std::string(result) + ", before it was " +
                          o.result);
  }
}

void own_record::refused(std::size_t which, std::string_view error) {
  auto& o = *operations_[which];
  ++events_;
  std::fprintf(file_.get(), "{\"refused\":\"%s\",\"error\":%.*s}\n", o.key.c_str(),
               static_cast<int>(error.size()), error.data());
  if (o.answered > 0)
    complaints_.push_back("refused " + o.key + " after it was answered: " + std::string(error));
}

void own_record::give_up(std::size_t which) {
  operations_[which]->given_up = true;
  std::fprintf(file_.get(), "{\"given_up\":\"%s\"}\n", operations_[which]->key.c_str());
}

void own_record::killed(const std::string& what) {
  ++events_;
  std::fprintf(file_.get(), "{\"killed\":\"%s\"}\n", what.c_str());
  flush();
}

}  // namespace tilld::crash
