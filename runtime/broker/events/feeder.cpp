#include "runtime/broker/events/bus.hpp"

#include <algorithm>

// How the groups are fed, and what they want done.

namespace troupe::broker {

namespace {

std::int64_t millis_of(instant time) {
  return std::chrono::duration_cast<milliseconds>(time.time_since_epoch()).count();
}

} // namespace

const std::vector<std::uint32_t>& bus::groups_of(const std::string& topic) {
  const auto known = groups_of_topic_.find(topic);
  if (known != groups_of_topic_.end()) {
    return known->second;
  }
  std::vector<std::uint32_t> found;
  for (std::uint32_t i = 0; i < groups_.size(); ++i) {
    if (groups_[i].core->wants(topic)) {
      found.push_back(i);
    }
  }
  return groups_of_topic_.insert({topic, std::move(found)}).first->second;
}

std::uint32_t bus::group_named(std::string_view capability) const {
  const auto found = std::find_if(groups_.begin(), groups_.end(), [&](const fed_group& each) {
    return each.core->capability() == capability;
  });
  return found == groups_.end() ? nowhere : static_cast<std::uint32_t>(found - groups_.begin());
}

void bus::give_to_groups(const std::vector<event_ref>& events, instant now, bus_decisions& out) {
  const std::vector<std::uint32_t>* takers = nullptr;
  std::string_view topic;
  for (const event_ref& each : events) {
    if (!each->only_for.empty()) {
      if (const std::uint32_t index = group_named(each->only_for); index != nowhere) {
        offer(index, each, now, out);
      }
      continue;
    }
    if (takers == nullptr || topic != each->topic) {
      takers = &groups_of(each->topic);
      topic = each->topic;
    }
    for (const std::uint32_t index : *takers) {
      offer(index, each, now, out);
    }
  }
}

void bus::offer(std::uint32_t index, const event_ref& what, instant now, bus_decisions& out) {
  fed_group& fed = groups_[index];
  if (!fed.is_live) {
    return;
  }
  if (!fed.core->has_room()) {
    fed.core->passed(what->position - 1);
    fed.is_live = false; // From here on it is read from the journal.
    return;
  }
  fed.core->offer(what, now, decided_);
  carry(index, now, out);
}

/// Has a group that is behind read further, when it has room.
void bus::feed(std::uint32_t index, bus_decisions& out) {
  fed_group& fed = groups_[index];
  if (fed.is_live || fed.is_reading || !fed.core->wants_more()) {
    return;
  }
  fed.is_reading = true;
  fed.reading_above = fed.core->scanned();
  out.actions.emplace_back(read_for_group{index, fed.core->scanned(), fed.core->room()});
}

void bus::read(
    std::uint32_t index,
    const std::vector<event_ref>& found,
    std::uint64_t looked_to,
    instant now,
    bus_decisions& out) {
  fed_group& fed = groups_[index];
  fed.is_reading = false;
  if (fed.core->scanned() < fed.reading_above) {
    return feed(index, out); // Its database turned out older meanwhile: again, from there.
  }
  for (const event_ref& each : found) {
    if (!fed.core->has_room()) {
      fed.core->passed(each->position - 1);
      return;
    }
    if (each->only_for.empty() || each->only_for == fed.core->capability()) {
      fed.core->offer(each, now, decided_);
      carry(index, now, out);
    }
  }
  fed.core->passed(looked_to);
  fed.is_live = fed.core->scanned() >= last_;
  feed(index, out);
}

void bus::fetched(
    std::uint32_t index,
    const std::vector<event_ref>& found,
    const std::vector<std::uint64_t>& missing,
    instant now,
    bus_decisions& out) {
  groups_[index].core->fetched(found, missing, now, decided_);
  carry(index, now, out);
}

void bus::joined(
    login_id login,
    std::string_view node,
    const uuid& incarnation,
    const std::vector<wire::served>& serves,
    instant now,
    bus_decisions& out) {
  outboxes_.joined(login);
  for (const wire::served& each : serves) {
    if (const std::uint32_t index = group_named(each.capability); index != nowhere) {
      const std::uint32_t credit = credit_of(each, false);
      credits_[{index, login}] = credit;
      groups_[index].core->joined(login, node, incarnation, credit, now, decided_);
      carry(index, now, out);
      feed(index, out);
    }
  }
}

void bus::left(login_id login, bool is_blamed, instant now, bus_decisions& out) {
  outboxes_.left(login);
  for (std::uint32_t i = 0; i < groups_.size(); ++i) {
    if (credits_.erase({i, login}) != 0) {
      groups_[i].core->left(login, is_blamed, now, decided_);
      carry(i, now, out);
    }
  }
}

void bus::state(login_id login, const wire::state& state, instant now, bus_decisions& out) {
  for (const wire::served& each : state.serves) {
    const std::uint32_t index = group_named(each.capability);
    if (index == nowhere || !credits_.contains({index, login})) {
      continue;
    }
    const std::uint32_t credit = credit_of(each, state.draining);
    credits_[{index, login}] = credit;
    const bool is_kept_free = is_isolated(login) && isolations_.front().group != index;
    groups_[index].core->credit(login, is_kept_free ? 0 : credit, now, decided_);
    carry(index, now, out);
    feed(index, out);
  }
}

std::uint32_t bus::credit_of(const wire::served& served, bool is_draining) {
  const bool is_avoided = is_draining || served.breaker == "open" || served.breaker == "down";
  return is_avoided ? 0 : served.events;
}

void bus::assigned(login_id from, const wire::assigned& what, instant now, bus_decisions& out) {
  if (const std::uint32_t index = group_named(what.capability); index != nowhere) {
    fed_group& fed = groups_[index];
    if (fed.is_live) {
      fed.core->passed(last_);
    }
    are_cursors_dirty_ = true;
    const std::uint64_t before = fed.core->scanned();
    fed.core->assigned(from, what, now, decided_);
    if (fed.core->scanned() < before) {
      fed.is_live = false; // Its database is older than it was: again from there.
    }
    carry(index, now, out);
    feed(index, out);
  }
}

void bus::handled(login_id from, const wire::handled& what, instant now, bus_decisions& out) {
  if (const std::uint32_t index = group_named(what.capability); index != nowhere) {
    are_cursors_dirty_ = true;
    groups_[index].core->handled(from, what, now, decided_);
    carry(index, now, out);
    feed(index, out);
  }
}

/// Passes on what a group decided; dead letters go into the next write.
void bus::carry(std::uint32_t index, instant now, bus_decisions& out) {
  for (log_event& each : decided_.events) {
    out.events.push_back(std::move(each));
  }
  // Freeing a worker asks other groups, whose decisions come into the same list.
  std::vector<group_action> actions;
  actions.swap(decided_.actions);
  decided_.events.clear();
  for (group_action& each : actions) {
    if (auto* grave = std::get_if<bury>(&each)) {
      add_letter(*grave, now);
    } else if (const auto* begun = std::get_if<isolate_worker>(&each)) {
      isolations_.push_back({index, begun->whom});
      if (isolations_.size() == 1) {
        begin_isolation(now, out);
      }
    } else if (const auto* ended = std::get_if<release_worker>(&each)) {
      end_isolation(index, ended->whom, now, out);
    } else {
      out.actions.emplace_back(of_group{index, std::move(each)});
    }
  }
  if (decided_.actions.empty()) {
    actions.clear();
    decided_.actions.swap(actions);
  }
}

void bus::add_letter(bury& grave, instant now) {
  const std::int64_t wall_ms = wall_offset_ + millis_of(now);
  dead_letter& letter = pending_.dead_letters.emplace_back(std::move(grave.letter));
  letter.last_at = wall_ms;
  letter.first_at = wall_ms - grave.tried_for.count();
}

/// One suspect at a time in the whole broker: others of the same node must not be near.
void bus::begin_isolation(instant now, bus_decisions& out) {
  const isolation first = isolations_.front();
  out.actions.emplace_back(of_group{first.group, isolate_worker{first.whom}});
  keep_free(first, true, now, out);
}

void bus::end_isolation(std::uint32_t index, login_id whom, instant now, bus_decisions& out) {
  const auto found =
      std::find_if(isolations_.begin(), isolations_.end(), [&](const isolation& each) {
        return each.group == index && each.whom == whom;
      });
  if (found == isolations_.end()) {
    return;
  }
  const isolation ended = *found;
  const bool was_begun = found == isolations_.begin();
  isolations_.erase(found);
  if (!was_begun) {
    return;
  }
  out.actions.emplace_back(of_group{ended.group, release_worker{ended.whom}});
  keep_free(ended, false, now, out);
  if (!isolations_.empty()) {
    begin_isolation(now, out);
  }
}

/// The other groups send nothing to a node that is kept free for one event of this group.
void bus::keep_free(const isolation& what, bool is_free, instant now, bus_decisions& out) {
  for (std::uint32_t i = 0; i < groups_.size(); ++i) {
    const auto credit = credits_.find({i, what.whom});
    if (i != what.group && credit != credits_.end()) {
      groups_[i].core->credit(what.whom, is_free ? 0 : credit->second, now, decided_);
      carry(i, now, out);
    }
  }
}

std::optional<login_id> bus::isolated() const {
  if (isolations_.empty() || isolations_.front().is_told) {
    return std::nullopt;
  }
  const isolation& first = isolations_.front();
  for (std::uint32_t i = 0; i < groups_.size(); ++i) {
    if (i != first.group && groups_[i].core->in_flight(first.whom) != 0) {
      return std::nullopt; // Events of other groups are still in its hands.
    }
  }
  return first.whom;
}

bool bus::is_isolated(login_id whom) const {
  return !isolations_.empty() && isolations_.front().whom == whom;
}

void bus::node_is_idle(login_id whom, instant now, bus_decisions& out) {
  if (is_isolated(whom) && !isolations_.front().is_told) {
    isolations_.front().is_told = true;
    const std::uint32_t index = isolations_.front().group;
    groups_[index].core->isolated(whom, now, decided_);
    carry(index, now, out);
  }
}

void bus::tick(instant now, std::int64_t wall_ms, bus_decisions& out) {
  wall_offset_ = wall_ms - millis_of(now);
  outboxes_.tick(now, taken_);
  take(taken_, 0, out);
  for (std::uint32_t i = 0; i < groups_.size(); ++i) {
    groups_[i].core->tick(now, decided_);
    carry(i, now, out);
    feed(i, out);
  }
}

} // namespace troupe::broker
