// Forms of the schema of a configuration file. It is written once, in the words of base/schema.hpp and of
// these, and the file is checked by what was written; editors get it printed.
//
// What only the reader can judge in a sentence that helps (an address, an origin) it judges itself; editors
// get a pattern for it, which the check does not look at.
#pragma once

#include <string_view>

#include "base/schema.hpp"

namespace tilld::base {

namespace shape {

// 1 to 32 of a-z 0-9 -. One that has digits alone needs no quotes.
schema short_name();
schema absolute_path();
// HOST:PORT on this machine, as wire/loopback.hpp reads it.
schema loopback_address();
schema with_default(schema what, boost::json::value value);
// Text that the reader judges, with a pattern for editors and what they say where it does not fit.
schema judged(schema what, std::string_view pattern, std::string_view expected);
// A list whose elements have a `name`: a later file changes the element of that name or adds one.
schema merged_by_name(schema list);

}  // namespace shape

// What one of several files must fit: nothing is needed but the names by which elements are merged, and what
// belongs into the elements of lists that are replaced as a whole.
schema of_drop_in(const schema& s);

// As draft-07, which is what yaml-language-server reads. An empty value is allowed wherever a key may be left
// out, as it is in the file.
boost::json::object for_editors(const schema& s, std::string_view title);

}  // namespace tilld::base
