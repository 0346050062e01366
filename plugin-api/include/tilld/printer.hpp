// Interface tilld.printer/1: what prints receipts and opens the drawer that hangs on the printer.
// plugin-api/schema/tilld.printer.1.json is printed from this file.
//
// A receipt is a document, schema/receipt.1.json: a list of elements (text, row, image, qr, barcode, slot,
// cut ...) without a word about dots and control codes. {"slot":"loyalty"} in it is a place where somebody
// else than the till puts elements; request.slots has them by name. A slot that nobody filled prints nothing.
//
// The document is personal, because till software prints names. A bearer code (the number of a voucher)
// belongs into a slot: slots are secret.
#pragma once

#include <array>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include <boost/json.hpp>

#include <tilld/vocabulary.hpp>

namespace tilld::printer {

using slots_by_name = std::map<std::string, std::vector<boost::json::object>>;

// How sure the printer is, weakest first.
enum class confirmation {
  unknown,
  stored,     // written to a file, for development and tests; there is no paper
  sent,       // the octets were taken by the device; nothing more is known
  processed,  // the printer answered a question that lay behind the document in its queue
  printed     // the printer said that the paper is out
};
BOOST_DESCRIBE_ENUM(confirmation, unknown, stored, sent, processed, printed)

struct printed {
  tilld::printer::confirmation confirmation{};
  std::optional<std::string> job;               // as the printer's driver calls it, "0042"
  std::optional<std::uint32_t> lines;           // of one copy
  std::optional<std::uint32_t> height_dots;     // of one copy
  std::optional<std::uint32_t> missing_glyphs;  // characters that no font of the machine has
  std::optional<std::string> preview;           // path of a picture of it, where the driver keeps one
};
BOOST_DESCRIBE_STRUCT(printed, (), (confirmation, job, lines, height_dots, missing_glyphs, preview))

// Request: prints one document, and answers when it is as sure as it can be. Failures of the kinds paper_out,
// cover_open and code_too_wide mean that nothing was printed. Paper that ends in the middle is waited for;
// the deadline ends the waiting, and then the outcome is unknown.
struct print {
  static constexpr const char* name = "tilld.printer/1.print";
  static constexpr const char* summary = "Prints one document and answers when it is as sure as it can be";
  static constexpr bool changes_state = true;
  static constexpr std::uint32_t deadline_ms_default = 30'000;
  static constexpr std::array<std::string_view, 1> secret_members{"slots"};
  static constexpr std::array<std::string_view, 2> personal_members{"document", "blob"};
  using reply = printed;
  std::string operation_id;
  boost::json::object document;
  std::optional<slots_by_name> slots;
  tilld::blob blob;  // the one picture that an image element may refer to instead of a file
};
BOOST_DESCRIBE_STRUCT(print, (), (operation_id, document, slots))

struct outcome_known {
  operation_state state{};
  std::optional<printed> result;  // where state is done
};
BOOST_DESCRIBE_STRUCT(outcome_known, (), (state, result))

// Request: what became of a print or open_drawer. A printer that keeps no memory answers unknown.
struct outcome {
  static constexpr const char* name = "tilld.printer/1.outcome";
  static constexpr const char* summary = "What became of a print or open_drawer";
  static constexpr bool changes_state = false;
  static constexpr std::uint32_t deadline_ms_default = 5'000;
  using reply = outcome_known;
  std::string operation_id;
};
BOOST_DESCRIBE_STRUCT(outcome, (), (operation_id))

enum class paper { unknown, enough, low, out };
BOOST_DESCRIBE_ENUM(paper, unknown, enough, low, out)
enum class cover { unknown, closed, open };
BOOST_DESCRIBE_ENUM(cover, unknown, closed, open)
enum class drawer { unknown, closed, open };
BOOST_DESCRIBE_ENUM(drawer, unknown, closed, open)

struct condition {
  bool online = false;
  tilld::printer::paper paper{};
  tilld::printer::cover cover{};
  tilld::printer::drawer drawer{};
  std::optional<tilld::printer::confirmation> confirmation;  // the surest that this printer gives
  std::optional<std::string> model;                          // as the printer names itself
  std::optional<std::string> detail;                         // anything else that IT staff should read
};
BOOST_DESCRIBE_STRUCT(condition, (), (online, paper, cover, drawer, confirmation, model, detail))

struct status {
  static constexpr const char* name = "tilld.printer/1.status";
  static constexpr const char* summary = "Paper, cover, drawer and power";
  static constexpr bool changes_state = false;
  static constexpr std::uint32_t deadline_ms_default = 5'000;
  using reply = condition;
};
BOOST_DESCRIBE_STRUCT(status, (), ())

// Event: the condition is another one than last told.
struct status_changed : condition {
  static constexpr const char* name = "tilld.printer/1.status_changed";
};
BOOST_DESCRIBE_STRUCT(status_changed, (condition), ())

// Request: opens the drawer now or not at all. A drawer that springs open minutes later is a danger, so a
// driver drops the request when its deadline has passed, and never repeats it.
struct open_drawer {
  static constexpr const char* name = "tilld.printer/1.open_drawer";
  static constexpr const char* summary = "Opens the drawer now or not at all";
  static constexpr bool changes_state = true;
  static constexpr std::uint32_t deadline_ms_default = 5'000;
  using reply = tilld::nothing;
  std::string operation_id;
  std::optional<std::uint32_t> drawer;  // 1 or 2; 1 when left out
};
BOOST_DESCRIBE_STRUCT(open_drawer, (), (operation_id, drawer))

enum class picture_format { png, svg, pdf, text };
BOOST_DESCRIBE_ENUM(picture_format, png, svg, pdf, text)

struct rendered {
  static constexpr std::array<std::string_view, 1> personal_members{"blob"};
  std::string media_type;    // "image/png"
  std::uint32_t width = 0;   // dots for png, characters for text, 0 where it has no meaning
  std::uint32_t height = 0;  // dots or lines
  std::optional<std::uint32_t> missing_glyphs;
  tilld::blob blob;  // the picture
};
BOOST_DESCRIBE_STRUCT(rendered, (), (media_type, width, height, missing_glyphs))

// Request: the picture of a document as this printer would print it, without printing.
struct render {
  static constexpr const char* name = "tilld.printer/1.render";
  static constexpr const char* summary =
      "The picture of a document as this printer would print it, without printing";
  static constexpr bool changes_state = false;
  static constexpr std::uint32_t deadline_ms_default = 10'000;
  static constexpr std::array<std::string_view, 1> secret_members{"slots"};
  static constexpr std::array<std::string_view, 2> personal_members{"document", "blob"};
  using reply = rendered;
  picture_format format{};
  boost::json::object document;
  std::optional<slots_by_name> slots;
  tilld::blob blob;  // as in print
};
BOOST_DESCRIBE_STRUCT(render, (), (format, document, slots))

struct interface_1 {
  static constexpr const char* name = "tilld.printer/1";
  using requests = std::tuple<print, outcome, status, open_drawer, render>;
  using events = std::tuple<status_changed>;
};

}  // namespace tilld::printer
