// The tokens that open the TCP socket, HTTP and WebSocket. A token is 32 random octets in hexadecimal, shown
// once; what is kept is the SHA-256 of it, which is enough because a random token cannot be guessed. [I/O
// thread]
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/secret.hpp"
#include "daemon/config/config.hpp"
#include "daemon/store/rows.hpp"

namespace tilld::daemon {

class token_book {
 public:
  void load(std::vector<token_row> rows) { rows_ = std::move(rows); }
  const std::vector<token_row>& rows() const { return rows_; }
  void add(token_row row) { rows_.push_back(std::move(row)); }
  void remove(const std::string& id);

  // A token is for the pages of one origin, or for programs, which have none; from elsewhere it is as good as
  // unknown. Looks at every token, so that the time tells nothing.
  std::optional<token_row> find(std::string_view token, std::string_view origin) const;

  struct fresh {
    token_row row;
    base::secret token;
  };
  static fresh make(role r, std::string note, std::int64_t now_ms, std::string origin = {});

 private:
  std::vector<token_row> rows_;
};

}  // namespace tilld::daemon
