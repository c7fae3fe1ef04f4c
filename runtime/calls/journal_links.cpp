#include "runtime/calls/journal_links.hpp"

#include <algorithm>

namespace troupe::calls {

bool journal_links::welcomed(int link, const wire::welcome& what) {
  const bool is_moved = told(link, what);
  return is_moved || link == link_; // The broker does not know an earlier login.
}

bool journal_links::told(int link, const wire::welcome& what) {
  said_[static_cast<std::size_t>(link)] = {true, what.journal, what.journal_generation.value_or(0)};
  return choose();
}

bool journal_links::lost(int link) {
  said_[static_cast<std::size_t>(link)] = {};
  return choose();
}

/// @return whether another broker has the journal, or the same one has it again.
bool journal_links::choose() {
  std::uint64_t highest = 0;
  for (const statement& each : said_) {
    highest = std::max(highest, each.generation);
  }
  const auto has_it = [&](const statement& each) {
    return each.is_up && each.has_journal && each.generation == highest;
  };
  // Two brokers have it in the same generation only if a topology assigns it to two: stay with the
  // first.
  const bool stays = link_ >= 0 && has_it(said_[static_cast<std::size_t>(link_)]);
  const auto found = std::ranges::find_if(said_, has_it);
  const int next = stays                  ? link_
                   : found == said_.end() ? -1
                                          : static_cast<int>(found - said_.begin());
  const bool is_moved = next != link_ || (next >= 0 && highest != generation_);
  link_ = next;
  generation_ = highest;
  return is_moved;
}

} // namespace troupe::calls
