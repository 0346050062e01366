// Interface org.tilld.simulation/1: the strings that tests and people pull. It belongs to this plugin and not
// to tilld, so it has a reversed domain for a name; a till calls the word scan as
// "org.tilld.simulation.scan".
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <tilld/card_reader.hpp>
#include <tilld/vocabulary.hpp>

namespace simulated::simulation {

// What the words of this interface have in common.
struct word {
  static constexpr bool changes_state = false;
  static constexpr std::uint32_t deadline_ms_default = 2'000;
};

struct done {
  bool noticed = true;  // false: the scanner is disabled, no card lay on the reader
};
BOOST_DESCRIBE_STRUCT(done, (), (noticed))

// Request: a label passes the scanner.
struct scan : word {
  static constexpr const char* name = "org.tilld.simulation/1.scan";
  static constexpr std::array<std::string_view, 1> secret_members{"text"};
  using reply = done;
  std::string text;
  std::optional<std::string> symbology;
};
BOOST_DESCRIBE_STRUCT(scan, (), (text, symbology))

// Request: a card is laid on the reader. The one that lay there is taken away first.
struct present_card : word {
  static constexpr const char* name = "org.tilld.simulation/1.present_card";
  static constexpr std::array<std::string_view, 1> secret_members{"proof"};
  static constexpr std::array<std::string_view, 2> personal_members{"uid", "reference"};
  using reply = done;
  std::optional<std::string> uid;
  std::optional<std::string> reference;
  std::optional<std::string> proof;
  std::optional<tilld::card_reader::technology> technology;          // nfc_a when left out
  std::optional<tilld::card_reader::security_level> security_level;  // uid_only when left out
};
BOOST_DESCRIBE_STRUCT(present_card, (), (uid, reference, proof, technology, security_level))

struct remove_card : word {
  static constexpr const char* name = "org.tilld.simulation/1.remove_card";
  using reply = done;
};
BOOST_DESCRIBE_STRUCT(remove_card, (), ())

enum class trouble {
  none,         // takes back what was set and not used yet
  paper_out,    // printer: nothing is printed
  cover_open,   // printer: nothing is printed
  decline,      // tender: declined with refused_by_issuer
  timeout,      // nothing is done and no answer comes
  lost_answer,  // it is done, and no answer comes
  no_device     // the device is gone; the instance ends
};
BOOST_DESCRIBE_ENUM(trouble, none, paper_out, cover_open, decline, timeout, lost_answer, no_device)

// Request: the next requests to an interface that change something go wrong.
struct fault : word {
  static constexpr const char* name = "org.tilld.simulation/1.fault";
  using reply = tilld::nothing;
  std::string interface;  // "tilld.printer/1" or "tilld.tender/1"
  trouble what{};
  std::optional<std::uint32_t> count;  // how many requests; 1 when left out
};
BOOST_DESCRIBE_STRUCT(fault, (), (interface, what, count))

struct printout {
  std::string operation_id;
  std::vector<std::string> lines;
};
BOOST_DESCRIBE_STRUCT(printout, (), (operation_id, lines))

struct everything_seen {
  static constexpr std::array<std::string_view, 2> personal_members{"printouts", "display"};
  std::vector<printout> printouts;   // the last 20, oldest first
  std::vector<std::string> display;  // what the customer looks at
  std::uint64_t printed = 0;         // documents since the start
  std::uint64_t drawer_openings = 0;
};
BOOST_DESCRIBE_STRUCT(everything_seen, (), (printouts, display, printed, drawer_openings))

// Request: what the devices show to somebody who stands in front of them.
struct look : word {
  static constexpr const char* name = "org.tilld.simulation/1.look";
  using reply = everything_seen;
};
BOOST_DESCRIBE_STRUCT(look, (), ())

}  // namespace simulated::simulation
