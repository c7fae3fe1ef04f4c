#pragma once

#include "runtime/wire/login.hpp"

#include <cstdint>
#include <vector>

namespace troupe::calls {

/// The link to the broker that has the journal of events, according to the WELCOMEs.
///
/// A broker that was stopped may still claim a shared journal that another one has taken over: only
/// the broker that has it in the highest known generation is followed. A broker whose link is down
/// does not count. Pure.
class journal_links {
public:
  explicit journal_links(int links) : said_(static_cast<std::size_t>(links)) {}

  /// A login at the broker of `link` has begun.
  /// @return whether the journal must be left, and joined at `link()`, if that is not -1.
  bool welcomed(int link, const wire::welcome& what);

  /// A broker reports, during a login, where the journal is now. @return as `welcomed`.
  bool told(int link, const wire::welcome& what);

  /// @return as `welcomed`.
  bool lost(int link);

  /// The link to the broker with the journal; -1: none is up, or no broker has it.
  int link() const { return link_; }

private:
  struct statement {
    bool is_up = false;
    bool has_journal = false;
    std::uint64_t generation = 0;
  };

  bool choose();

  std::vector<statement> said_; // By link.
  int link_ = -1;
  std::uint64_t generation_ = 0; // In which the broker of `link_` has it.
};

} // namespace troupe::calls
