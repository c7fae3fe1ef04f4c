#include "runtime/broker/calls/router.hpp"

namespace troupe::broker {

router::router(router_options options, quarantine& quarantine, cut_links& cuts)
    : options_{std::move(options)}, nodes_{options_}, calls_{nodes_, options_.awaiting_bytes_max},
      callers_{nodes_, calls_, counts_},
      dispatch_{nodes_, calls_, callers_, counts_, quarantine, cuts},
      suspects_{nodes_, calls_, callers_, counts_, dispatch_, quarantine, cuts},
      arrivals_{options_, nodes_, calls_, callers_, counts_, dispatch_, suspects_},
      replies_{nodes_, calls_, callers_, counts_, dispatch_, suspects_},
      logins_{options_, nodes_, calls_, callers_, counts_, dispatch_, suspects_} {
}

void router::tick(instant now, decisions& out) {
  due_.clear();
  callers_.take_due(now, due_);
  for (const std::uint32_t index : due_) {
    // A call in the list may have been ended by the end of an earlier one: it has no waiters any
    // more.
    const bool is_over = !calls_[index].waiters.empty() && callers_.expire(index, now, out);
    // A worker that has it gives its credit back with its reply.
    if (is_over && calls_[index].is != broker::call::phase::outstanding) {
      suspects_.end_turn_of(index, now, out);
      calls_.remove(index);
    }
  }
  logins_.end_silent(now, out);
  if (calls_.suspects().size != 0) {
    suspects_.send_next(now, out);
  }
  dispatch_.pump_unblocked(now, out);
  nodes_.note_times(now);
}

bool router::is_placed_at(login_id login, std::string_view name) const {
  const std::uint32_t number = nodes_.node_of(login);
  const std::uint32_t where = nodes_.find_capability(name);
  return number != nowhere && where != nowhere && nodes_.is_placed(where, number);
}

login_id router::login_of(std::string_view name) const {
  const std::uint32_t number = nodes_.find_node(name);
  return number == nowhere ? login_id{nowhere} : nodes_.nodes[number].login;
}

} // namespace troupe::broker
