// replace request, replace begin: on a new device, before its daemon runs for the first time.
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include <boost/json.hpp>

#include "base/crypto.hpp"
#include "base/file.hpp"
#include "ctl/verbs.hpp"
#include "wire/replacement.hpp"

namespace tilld::ctl {

using base::errc;
using base::error;
using base::result;

namespace {

// A journal that has begun cannot begin anew: its records would stand under numbers that others have, too.
result<> has_not_begun(const std::string& folder) {
  auto journal = folder + "/journal.db";
  if (::access(journal.c_str(), F_OK) == 0)
    return error{errc::file_refused,
                 journal + ": this device has a journal already; a replacement begins without one"};
  return {};
}

// The daemon's own user owns the folder, and root makes files in it that the daemon must be able to read.
result<> give_to_owner_of(const std::string& folder, const std::string& path) {
  struct stat owner {};
  if (::geteuid() != 0) return {};
  if (::stat(folder.c_str(), &owner) != 0 || ::lchown(path.c_str(), owner.st_uid, owner.st_gid) != 0)
    return error{errc::file_refused, path + ": " + base::errno_text(errno)};
  return {};
}

exit_code answer_with(const surroundings& s, const boost::json::object& o, const std::string& words) {
  return say(s.json ? boost::json::serialize(o) + "\n" : words);
}

}  // namespace

exit_code request_replacement(const surroundings& s, const replace_options& o) {
  auto refuse = [&](const error& why) { return fail(s, complaint(why, s.language)); };
  if (auto fresh = has_not_begun(o.folder); !fresh) return refuse(fresh.error());
  if (auto made = base::make_folders(o.folder); !made) return refuse(made.error());
  auto key = base::signing_key::load_or_create(o.folder + "/device.key");
  if (!key) return refuse(key.error());
  auto text = base::to_hex(key->public_half());
  auto written = base::write_file_durably(o.folder + "/device.pub", base::as_bytes(text + "\n"), 0644);
  if (!written) return refuse(written.error());
  for (auto name : {"/device.key", "/device.pub"})
    if (auto given = give_to_owner_of(o.folder, o.folder + name); !given) return refuse(given.error());
  return answer_with(
      s, {{"public_key", text}},
      "This device has the key\n  " + text + "\nAt central:  till-central replace TILL --public-key " + text +
          " --out till.order --reason \"...\"\nThen here:   tillctl replace begin --order till.order\n");
}

exit_code begin_replacement(const surroundings& s, const replace_options& o) {
  auto refuse = [&](const error& why) { return fail(s, complaint(why, s.language)); };
  if (auto fresh = has_not_begun(o.folder); !fresh) return refuse(fresh.error());
  auto octets = base::read_file(o.order, 4096);
  if (!octets) return refuse({errc::file_refused, o.order + ": " + octets.error().detail});
  auto order = wire::replacement::parse(base::as_text(*octets));
  if (!order) return refuse({errc::file_refused, o.order + ": " + order.error().detail});
  if (::access((o.folder + "/device.key").c_str(), F_OK) != 0)
    return refuse({errc::file_refused,
                   o.folder + "/device.key: this device has no key yet; tillctl replace request makes it"});
  auto key = base::signing_key::load_or_create(o.folder + "/device.key");
  if (!key) return refuse(key.error());
  if (order->key != key->public_half())
    return refuse({errc::file_refused, o.order + ": the order is for the key " + base::to_hex(order->key) +
                                           ", this device has " + base::to_hex(key->public_half())});
  auto written =
      base::write_file_durably(o.folder + "/replacement.order", base::as_bytes(order->text() + "\n"), 0644);
  if (!written) return refuse(written.error());
  if (auto given = give_to_owner_of(o.folder, o.folder + "/replacement.order"); !given)
    return refuse(given.error());
  return answer_with(
      s,
      {{"till", order->till},
       {"epoch", order->epoch},
       {"after", order->after.sequence},
       {"central_key", base::to_hex(order->central)}},
      "Till " + order->till + " goes on here in epoch " + std::to_string(order->epoch) + " behind record " +
          std::to_string(order->after.sequence) + ", by the server with the key\n  " +
          base::to_hex(order->central) +
          "\nCompare that key with what till-central status prints. Then: systemctl start tilld\n");
}

}  // namespace tilld::ctl
