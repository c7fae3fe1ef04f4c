#include "runtime/worker/housekeeper.hpp"

#include "runtime/wire/envelope.hpp"

#include <algorithm>

namespace troupe {

namespace {

constexpr milliseconds interval{250};
// The longest time for which a roster may wait in a queue.
constexpr milliseconds valid_for{1'000};

} // namespace

void housekeeper::take_roster(int link, std::string_view body) {
  if (auto roster = wire::checked_decode<wire::roster>(body)) {
    rosters_[link] = std::move(*roster);
  }
}

void housekeeper::ask_if_due(instant now) {
  if (rosters_.empty() || now - asked_at_ < interval) {
    return;
  }
  asked_at_ = now;
  wire::roster alive;
  for (const auto& [link, roster] : rosters_) {
    alive.workers.insert(alive.workers.end(), roster.workers.begin(), roster.workers.end());
  }
  const auto is_self = [this](const wire::member& each) { return each.incarnation == self_; };
  if (std::ranges::any_of(alive.workers, is_self)) {
    item house{.what = item::kind::housekeeping};
    house.deadline = now + valid_for;
    house.own_body(wire::encoded(alive));
    groups_.tell_writers(house);
  }
}

} // namespace troupe
