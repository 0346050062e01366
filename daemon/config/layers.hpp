// The files that make up the configuration: the one that was named, and above it the drop-ins of the folder
// conf.d beside it, in the order of the octets of their names.
//
// Drop-ins are read because they lie there, so they are read only where nobody but root and the daemon's own
// user can put them. Names that do not end in .yaml or begin with a dot are passed over: that is what editors
// and package managers leave behind (10-a.yaml~, .10-a.yaml.swp, 10-a.yaml.dpkg-old).
#pragma once

#include <string>
#include <vector>

#include "base/crypto.hpp"
#include "base/yaml.hpp"

namespace tilld::daemon {

struct layers {
  std::vector<std::string> files;        // that were read, in their order
  std::vector<std::string> passed_over;  // that lie in the folder and are no drop-ins
  base::yaml_value whole;                // one over the other; each value knows its file
  // Of the octets of the one file; with drop-ins, of the names and octets of all.
  base::hash256 digest{};
};

// Each file by itself must fit the schema of a drop-in, so that a slip of the pen is found in the file that
// has it, even where a later file says otherwise. What is needed may stand in any of them: that is for the
// reader of the whole.
base::result<layers> read_layers(const std::string& path);

}  // namespace tilld::daemon
