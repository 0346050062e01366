#include "verify/report.hpp"

namespace tilld::verify {
namespace {

std::string in_quotes(std::string_view text) {
  std::string out = "\"";
  for (unsigned char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    if (c < 0x20)
      out += "\\u00" + hex(std::string(1, static_cast<char>(c)));
    else
      out += static_cast<char>(c);
  }
  return out + "\"";
}

// A name from a file goes to a terminal: nothing in it may steer that.
std::string harmless(std::string_view text) {
  std::string out;
  for (unsigned char c : text) out += c < 0x20 || c == 0x7f ? '?' : static_cast<char>(c);
  return out;
}

std::string who(const party& p) {
  return (p.by == word::signer::till ? "the till, key " : "a server, key ") + hex(text_of(p.who));
}

}  // namespace

std::string in_words(const judgement& j, const std::vector<std::unique_ptr<chain>>& files, bool keys_given) {
  std::string out;
  for (auto& f : files) {
    out += harmless(f->file()) + ": till " + harmless(f->till()) + ", ";
    if (f->records() == 0)
      out += "no records";
    else
      out += "records " + std::to_string(f->before().sequence + 1) + " to " +
             std::to_string(f->end().sequence) + ", " + std::to_string(f->checkpoints()) + " checkpoints";
    out += "\n";
  }
  for (auto& p : j.parties) {
    out += "  signed up to record " + std::to_string(p.said) + " by " + who(p);
    if (p.by == word::signer::server && p.shown > 0) out += ", whose own file is here";
    out += "\n";
  }
  for (auto& f : j.findings)
    out += std::string("FOUND ") + name(f.kind) + (f.record ? " at record " + std::to_string(f.record) : "") +
           " in " + harmless(f.file) + ": " + harmless(f.sentence) + "\n";
  if (!keys_given) out += "No --key was given: whose keys these are is not shown.\n";
  if (!j.good()) return out + "The journal is not as it was written.\n";
  return out + (j.parties.size() > 1 ? "All of them agree up to record " + std::to_string(j.agreed) + ".\n"
                                     : std::string("Everything holds; no other party was compared.\n"));
}

std::string in_json(const judgement& j, const std::vector<std::unique_ptr<chain>>& files) {
  std::string out = "{\"good\":" + std::string(j.good() ? "true" : "false") +
                    ",\"till\":" + in_quotes(j.till) + ",\"agreed\":" + std::to_string(j.agreed) +
                    ",\"files\":[";
  const char* comma = "";
  for (auto& f : files) {
    out += comma + ("{\"file\":" + in_quotes(f->file())) +
           ",\"from\":" + std::to_string(f->before().sequence + 1) +
           ",\"verified\":" + std::to_string(f->end().sequence) +
           ",\"records\":" + std::to_string(f->records()) +
           ",\"checkpoints\":" + std::to_string(f->checkpoints()) + ",\"hash\":\"" +
           hex(text_of(f->end().last)) + "\"}";
    comma = ",";
  }
  out += "],\"parties\":[";
  comma = "";
  for (auto& p : j.parties) {
    out += comma + std::string("{\"signer\":") + (p.by == word::signer::till ? "\"till\"" : "\"server\"") +
           ",\"public_key\":\"" + hex(text_of(p.who)) + "\",\"sequence\":" + std::to_string(p.said) + "}";
    comma = ",";
  }
  out += "],\"findings\":[";
  comma = "";
  for (auto& f : j.findings) {
    out += comma + std::string("{\"kind\":\"") + name(f.kind) + "\",\"record\":" + std::to_string(f.record) +
           ",\"file\":" + in_quotes(f.file) + ",\"sentence\":" + in_quotes(f.sentence) + "}";
    comma = ",";
  }
  return out + "]}\n";
}

}  // namespace tilld::verify
