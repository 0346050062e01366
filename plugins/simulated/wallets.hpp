// The money of the simulation: wallets, holds on them, and what became of each operation. Pure: no device, no
// clock, no storage; the driver keeps save() and hands it to load().
//
// It obeys the rules that every tender obeys (tilld/tender.hpp): the same operation_id gets the first answer
// and moves nothing twice; a declined operation stays declined; reversing an operation that never came closes
// its id for good.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include <tilld/json_writer.hpp>
#include <tilld/tender.hpp>

namespace simulated {

// One wallet of the configuration. It is found by any of the first three.
struct wallet {
  std::optional<std::string> uid;
  std::optional<std::string> reference;
  std::optional<std::string> token;
  std::optional<std::string> pin;  // asked for when it is there
  tilld::money balance;
};
BOOST_DESCRIBE_STRUCT(wallet, (), (uid, reference, token, pin, balance))

class wallets {
 public:
  explicit wallets(std::vector<wallet> all);

  // decline: what an issuer does who does not want to.
  tilld::tender::authorized authorize(const tilld::tender::authorize& request, bool decline = false);
  tilld::tender::captured capture(const tilld::tender::capture& request);
  tilld::tender::released release(const tilld::tender::release& request);
  tilld::tender::reversed reverse(const tilld::tender::reverse& request);
  bool remembers(const std::string& operation_id) const { return recall(operation_id) != nullptr; }
  tilld::tender::outcome_known outcome(const std::string& operation_id) const;

  // Everything that moved since the first start, as JSON. The last 80 operations are remembered,
  // which keeps it, with the paper, under the 64 KiB of a stored value.
  boost::json::object save() const;
  // Ignores what does not fit the wallets of the configuration.
  void load(const boost::json::object& saved);

 private:
  struct hold {
    std::size_t wallet = 0;
    std::int64_t minor = 0;  // still held
    std::int64_t taken = 0;  // for good
    std::string taken_by;    // the capture
    BOOST_DESCRIBE_CLASS(hold, (), (wallet, minor, taken, taken_by), (), ())
  };
  struct remembered {
    std::string operation_id;
    boost::json::object reply;
    BOOST_DESCRIBE_CLASS(remembered, (), (operation_id, reply), (), ())
  };

  // The hold that an operation made or took.
  hold* hold_of(const std::string& operation_id);
  wallet* find(const std::optional<tilld::tender::instrument>& instrument);
  const remembered* recall(const std::string& operation_id) const;
  // Answers as the first time, or works the answer out and remembers it.
  template <class Reply, class Work>
  Reply once(const std::string& operation_id, Work work);

  std::vector<wallet> wallets_;
  std::map<std::string, hold> holds_;  // by the operation that made them, which is also the authorization
  std::vector<remembered> operations_;
};

}  // namespace simulated
