// A printer on a serial port that prints the text of a receipt, line by line, and nothing else. What to keep
// of it when you teach it your device is the order of things: write down that printing begins, print, write
// down that it is done, answer. So the same operation is never printed twice, not even by the next life of
// this process.
#include <memory>
#include <optional>
#include <string>

#include <tilld/plugin.hpp>
#include <tilld/printer.hpp>
#include <tilld/serial_port.hpp>
#include <tilld/services.hpp>

namespace printer = tilld::printer;
namespace state = tilld::services::state;
namespace json = boost::json;

class driver {
 public:
  struct config {
    std::string port;
    std::optional<std::uint32_t> baud;
  };

  driver(tilld::host host, const config& from)
      : host_(host), port_(from.port, {.baud = from.baud.value_or(9600)}) {}

  void print(const printer::print& request, tilld::pending<printer::print> pending) {
    auto text = lines_of(request.document);
    once(request.operation_id, std::move(pending), [text = std::move(text)](driver& self) {
      self.port_.write(text);
      printer::printed done;
      done.confirmation = printer::confirmation::sent;  // it took the octets; more is not known
      return done;
    });
  }

  void open_drawer(const printer::open_drawer& request, tilld::pending<printer::open_drawer> pending) {
    once(request.operation_id, std::move(pending), [](driver& self) {
      self.port_.write("\x1bp\x30\x19\xfa");  // ESC p 0: a pulse of 50 ms on pin 2
      return tilld::nothing();
    });
  }

  void outcome(const printer::outcome& request, tilld::pending<printer::outcome> pending) {
    auto token = share(std::move(pending));
    host_.ask(state::get{.key = request.operation_id}, [token](const tilld::answer<state::found>& answer) {
      printer::outcome_known known;  // unknown: not found is no promise that it was not done
      if (answer && answer->value && answer->value->is_object()) known.state = tilld::operation_state::done;
      token->answer(known);
    });
  }

  printer::condition status(const printer::status&) {
    printer::condition now;
    now.online = true;
    now.confirmation = printer::confirmation::sent;
    return now;
  }

  printer::rendered render(const printer::render& request) {
    if (request.format != printer::picture_format::text)
      throw tilld::failure(TILLD_E_UNSUPPORTED, "this printer prints text only");
    printer::rendered text;
    text.media_type = "text/plain; charset=utf-8";
    text.blob.bytes = lines_of(request.document);
    return text;
  }

  using methods = std::tuple<tilld::method<&driver::print>, tilld::method<&driver::open_drawer>,
                             tilld::method<&driver::outcome>, tilld::method<&driver::status>,
                             tilld::method<&driver::render>>;

 private:
  template <class Request>
  static std::shared_ptr<tilld::pending<Request>> share(tilld::pending<Request> pending) {
    return std::make_shared<tilld::pending<Request>>(std::move(pending));
  }

  // Does the work unless it was begun before, and answers when what happened is stored.
  template <class Request, class Work>
  void once(const std::string& operation, tilld::pending<Request> pending, Work work) {
    auto token = share(std::move(pending));
    host_.ask(state::get{.key = operation},
              [this, token, operation, work](const tilld::answer<state::found>& before) {
                if (!before) return token->fail({TILLD_E_BUSY, "cannot look whether it was done before"});
                // Done: the stored answer. It was that of a drawer or of a print, as this request is.
                if (before->value && before->value->is_object())
                  return token->answer(tilld::from_json<typename Request::reply>(*before->value));
                // Begun and not done: a crash came between, and nobody knows what is on the paper.
                if (before->value)
                  return token->fail({TILLD_E_TIMEOUT, "begun before, and the end is not known"});
                begin(operation, token, work);
              });
  }

  template <class Token, class Work>
  void begin(const std::string& operation, Token token, Work work) {
    host_.ask(state::put{.key = operation, .value = "begun"},
              [this, token, operation, work](const tilld::answer<tilld::nothing>& stored) {
                if (!stored) return token->fail({TILLD_E_BUSY, "cannot write down that it begins"});
                try {
                  auto reply = work(*this);
                  host_.ask(state::put{.key = operation, .value = tilld::to_json(reply)},
                            [token, reply](const tilld::answer<tilld::nothing>&) { token->answer(reply); });
                } catch (const tilld::failure& why) {
                  token->fail(why);
                }
              });
  }

  // plugin-api/schema/receipt.1.json has all elements; this takes those that are text.
  static std::string lines_of(const json::object& document) {
    std::string out;
    const auto* body = document.if_contains("body");
    if (!body || !body->is_array()) throw tilld::failure(TILLD_E_INVALID, "document.body: must be a list");
    for (const auto& element : body->get_array()) {
      const auto* object = element.if_object();
      if (!object) continue;
      if (const auto* text = object->if_contains("text"); text && text->is_string())
        out += std::string(text->get_string()) + "\r\n";
      const auto* row = object->if_contains("row");
      if (!row || !row->is_array()) continue;
      for (const auto& cell : row->get_array())
        if (cell.is_object() && cell.get_object().contains("text") && cell.at("text").is_string())
          out += std::string(cell.at("text").get_string()) + "  ";
      out += "\r\n";
    }
    return out;
  }

  tilld::host host_;
  tilld::serial_port port_;
};
BOOST_DESCRIBE_STRUCT(driver::config, (), (port, baud))

TILLD_PLUGIN(driver, {.id = "com.example.my-device",
                      .version = "1.0.0",
                      .summary = "Text printers on a serial port",
                      .provides = {"tilld.printer/1"},
                      .uses = {"tilld.state/1"}})
