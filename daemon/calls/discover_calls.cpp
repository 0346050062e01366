// rpc.discover
#include <set>

#include <boost/json.hpp>

#include "daemon/calls/openrpc.hpp"
#include "daemon/calls/parts.hpp"

namespace tilld::daemon {

namespace {

// The document and for which interfaces it was made: it changes when plugins come and go, and whoever has not
// signed on may ask for it as often as he likes.
struct made_before {
  std::set<std::string> interfaces;
  wire::answer document;
};

wire::answer discover(const router& methods, const till_parts& till, made_before& before) {
  std::set<std::string> interfaces;
  for (auto& plugin : till.plugins.all())
    interfaces.insert(plugin->provided().begin(), plugin->provided().end());
  if (before.document.text.empty() || before.interfaces != interfaces) {
    std::vector<std::string> open;
    for (auto& one : interfaces)
      if (!one.starts_with("tilld.")) open.push_back(one);
    before.document = wire::make_result(openrpc_document(methods.methods(), open));
    before.interfaces = std::move(interfaces);
  }
  return before.document;
}

}  // namespace

void add_discover_calls(router& methods, till_parts* till) {
  using namespace base::shape;
  methods.add({.name = "rpc.discover",
               .summary = "All of this as an OpenRPC document: methods, params, results, errors, roles",
               .allowed = anyone,
               .before_hello = true,
               .params = object({}),
               .result = object(
                   {needed("openrpc", text(), "version of OpenRPC"),
                    needed("info", object(), "title and version of this daemon"),
                    needed("methods", list(object()),
                           "what can be called now; words of interfaces are "
                           "here while a plugin provides them"),
                    needed("components", object(), "errors, by kind"),
                    needed("x-topics", list(object()), "events, with the schema of their data"),
                    needed("x-open-interfaces", list(text()), "what plugins provide without a schema")})},
              [&methods, till, before = std::make_shared<made_before>()](const call&) {
                return discover(methods, *till, *before);
              });
}

}  // namespace tilld::daemon
