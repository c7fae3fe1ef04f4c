#include "runtime/broker/events/feeder.hpp"

#include <algorithm>

namespace troupe::broker {

namespace {

constexpr milliseconds cursor_interval{1'000};

std::int64_t millis_of(instant time) {
  return std::chrono::duration_cast<milliseconds>(time.time_since_epoch()).count();
}

std::uint32_t credit_of(const wire::served& served, bool is_draining) {
  const bool is_avoided = is_draining || served.breaker == "open" || served.breaker == "down";
  return is_avoided ? 0 : served.events;
}

} // namespace

feeder::feeder(
    const std::vector<subscription_options>& subscriptions,
    const journal_state& state,
    quarantine& quarantine,
    cut_links& cuts,
    std::uint64_t seed)
    : quarantine_{quarantine}, last_{state.last} {
  quarantine_.join(quarantine::work::events);
  const auto lives = std::make_shared<const lineage>(state.lives);
  for (const subscription_options& each : subscriptions) {
    fed_subscriber fed;
    fed.persisted.capability = each.capability;
    fed.persisted.handled.fill(std::min(each.start, last_));
    const auto known = std::ranges::find(state.cursors, each.capability, &cursor_row::capability);
    fed.is_new = known == state.cursors.end();
    if (fed.is_new) {
      are_cursors_dirty_ = true; // Events it has not seen must be kept from now on.
    } else {
      fed.persisted = *known;
    }
    std::vector<std::uint64_t> dead;
    for (const journal_state::dead_letter_at& one : state.dead_letters) {
      if (one.capability == each.capability) {
        dead.push_back(one.position);
      }
    }
    fed.core = std::make_unique<subscriber>(
        subscriber_options{
            .capability = each.capability,
            .index = static_cast<std::uint32_t>(fed_.size()),
            .patterns = each.patterns,
            .has_store = each.has_store,
            .is_new = fed.is_new,
            .window = each.window,
            .body_bytes_max = each.body_bytes_max,
            .backoff = each.backoff,
            .epoch_base = state.generation << 32U,
            .seed = seed + fed_.size(),
            .journal_last = state.last,
            .reached = fed.persisted.reached,
            .lives = lives,
            .deleted_to = fed.deleted_to},
        fed.persisted.handled,
        std::move(dead),
        quarantine,
        cuts);
    fed.is_live = fed.core->scanned() >= last_;
    fed_.push_back(std::move(fed));
  }
  deleted(state.deletions);
}

std::uint32_t feeder::index_of(std::string_view capability) const {
  const auto found = std::ranges::find_if(
      fed_, [&](const fed_subscriber& each) { return each.core->capability() == capability; });
  return found == fed_.end() ? nowhere : static_cast<std::uint32_t>(found - fed_.begin());
}

bool feeder::has_taker(std::string_view capability, std::string_view topic) const {
  const std::uint32_t index = index_of(capability);
  return index != nowhere && fed_[index].core->wants(topic);
}

bool feeder::may_be_told_again(const dead_letter& letter) const {
  const std::uint32_t index = index_of(letter.capability);
  const std::uint32_t partition = wire::partition_of(letter.what->key, letter.what->id);
  return index != nowhere && letter.what->position > fed_[index].persisted.handled[partition];
}

// --- Events, from the journal -------------------------------------------------------------------

const std::vector<std::uint32_t>& feeder::takers_of(const std::string& topic) {
  const auto known = takers_.find(topic);
  if (known != takers_.end()) {
    return known->second;
  }
  std::vector<std::uint32_t> found;
  for (std::uint32_t i = 0; i < fed_.size(); ++i) {
    if (fed_[i].core->wants(topic)) {
      found.push_back(i);
    }
  }
  return takers_.insert({topic, std::move(found)}).first->second;
}

void feeder::deleted(const std::vector<topic_deletion>& what) {
  for (const topic_deletion& each : what) {
    for (const fed_subscriber& fed : fed_) {
      // Of topics that are forgotten nobody knows whose they were.
      if (each.topic.empty() || fed.core->wants(each.topic)) {
        *fed.deleted_to = std::max(*fed.deleted_to, each.upto);
      }
    }
  }
}

void feeder::forget_topics(const std::vector<std::string>& names) {
  for (const std::string& each : names) {
    takers_.erase(each);
  }
}

void feeder::offer(std::uint32_t index, const event_ref& what, instant now, event_decisions& out) {
  fed_subscriber& fed = fed_[index];
  if (!fed.is_live) {
    return;
  }
  if (!fed.core->held().has_room()) {
    fed.core->passed(what->position - 1);
    fed.is_live = false; // The subscriber's events are read from the journal from here on.
    return;
  }
  fed.core->offer(what, now, out);
  take_dead_letters(now, out);
}

/// Has a subscriber that is behind read on, when it has room.
void feeder::feed(std::uint32_t index, event_decisions& out) {
  fed_subscriber& fed = fed_[index];
  if (fed.is_live || fed.is_reading || !fed.core->held().wants_more()) {
    return;
  }
  fed.is_reading = true;
  fed.reading_above = fed.core->scanned();
  out.actions.emplace_back(read_journal{index, fed.core->scanned(), fed.core->held().room()});
}

void feeder::read(
    std::uint32_t index,
    const std::vector<event_ref>& found,
    std::uint64_t looked_to,
    instant now,
    event_decisions& out) {
  fed_subscriber& fed = fed_[index];
  fed.is_reading = false;
  if (fed.core->scanned() < fed.reading_above) {
    // The subscriber's database turned out to be older meanwhile: read again from its position.
    return feed(index, out);
  }
  for (const event_ref& each : found) {
    if (!fed.core->held().has_room()) {
      fed.core->passed(each->position - 1);
      return;
    }
    if (each->only_for.empty() || each->only_for == fed.core->capability()) {
      fed.core->offer(each, now, out);
      take_dead_letters(now, out);
    }
  }
  fed.core->passed(looked_to);
  fed.is_live = fed.core->scanned() >= last_;
  feed(index, out);
}

void feeder::fetched(
    std::uint32_t index,
    const std::vector<event_ref>& found,
    const std::vector<std::uint64_t>& missing,
    instant now,
    event_decisions& out) {
  fed_[index].core->fetched(found, missing, now, out);
  take_dead_letters(now, out);
}

// --- Workers ------------------------------------------------------------------------------------

void feeder::joined(
    login_id login,
    std::string_view node,
    const uuid& incarnation,
    const std::vector<wire::served>& serves,
    instant now,
    event_decisions& out) {
  for (const wire::served& each : serves) {
    if (const std::uint32_t index = index_of(each.capability); index != nowhere) {
      const std::uint32_t credit = credit_of(each, false);
      credits_[{index, login}] = credit;
      fed_[index].core->joined(login, node, incarnation, credit, now, out);
      take_dead_letters(now, out);
      feed(index, out);
    }
  }
}

void feeder::left(login_id login, bool is_blamed, instant now, event_decisions& out) {
  for (std::uint32_t i = 0; i < fed_.size(); ++i) {
    if (credits_.erase({i, login}) != 0) {
      fed_[i].core->left(login, is_blamed, now, out);
      take_dead_letters(now, out);
    }
  }
  report_emptied();
}

void feeder::state(login_id login, const wire::state& state, instant now, event_decisions& out) {
  for (const wire::served& each : state.serves) {
    const std::uint32_t index = index_of(each.capability);
    if (index == nowhere || !credits_.contains({index, login})) {
      continue;
    }
    const std::uint32_t credit = credit_of(each, state.draining);
    credits_[{index, login}] = credit;
    fed_[index].core->credit(login, allowed(index, login, credit), now, out);
    take_dead_letters(now, out);
    feed(index, out);
  }
}

void feeder::assigned(
    login_id from, const wire::assigned& what, instant now, event_decisions& out) {
  if (const std::uint32_t index = index_of(what.capability); index != nowhere) {
    fed_subscriber& fed = fed_[index];
    if (fed.is_live) {
      fed.core->passed(last_);
    }
    are_cursors_dirty_ = true;
    const std::uint64_t before = fed.core->scanned();
    fed.core->assigned(from, what, now, out);
    if (fed.core->scanned() < before) {
      // The subscriber's database is older than it was: read again from its position.
      fed.is_live = false;
    }
    take_dead_letters(now, out);
    feed(index, out);
  }
}

void feeder::handled(login_id from, const wire::handled& what, instant now, event_decisions& out) {
  if (const std::uint32_t index = index_of(what.capability); index != nowhere) {
    are_cursors_dirty_ = true;
    fed_[index].core->handled(from, what, now, out);
    take_dead_letters(now, out);
    feed(index, out);
    report_emptied();
  }
}

void feeder::tick(instant now, std::int64_t wall_ms, event_decisions& out) {
  wall_offset_ = wall_ms - millis_of(now);
  for (std::uint32_t i = 0; i < fed_.size(); ++i) {
    fed_[i].core->tick(now, out);
    take_dead_letters(now, out);
    feed(i, out);
  }
}

// --- What is written ----------------------------------------------------------------------------

bool feeder::wants_write(instant now) const {
  return !dead_letters_.empty() || (are_cursors_dirty_ && now - cursors_at_ >= cursor_interval);
}

void feeder::add_rows(journal_batch& batch, instant now) {
  batch.dead_letters = std::exchange(dead_letters_, {});
  if (!are_cursors_dirty_ || now - cursors_at_ < cursor_interval) {
    return;
  }
  cursors_at_ = now;
  are_cursors_dirty_ = false;
  for (fed_subscriber& each : fed_) {
    if (each.is_live) {
      each.core->passed(last_);
    }
    cursor_row now_at{each.core->capability(), each.core->cursors(), each.core->reached()};
    if (now_at != each.persisted || each.is_new) {
      batch.cursors.push_back(std::move(now_at));
    }
  }
}

void feeder::written(const journal_batch& batch, instant now, event_decisions& out) {
  last_ += batch.events.size();
  for (const cursor_row& each : batch.cursors) {
    fed_subscriber& fed = fed_[index_of(each.capability)];
    fed.persisted = each;
    fed.is_new = false;
  }
  for (const dead_letter& each : batch.dead_letters) {
    const std::uint32_t index = index_of(each.capability);
    fed_[index].core->dead_letters_written({each.what->position}, now, out);
    take_dead_letters(now, out);
  }
  const std::vector<std::uint32_t>* takers = nullptr;
  std::string_view topic;
  for (const event_ref& each : batch.events) {
    if (!each->only_for.empty()) {
      if (const std::uint32_t index = index_of(each->only_for); index != nowhere) {
        offer(index, each, now, out);
      }
      continue;
    }
    if (takers == nullptr || topic != each->topic) {
      takers = &takers_of(each->topic);
      topic = each->topic;
    }
    for (const std::uint32_t index : *takers) {
      offer(index, each, now, out);
    }
  }
}

void feeder::write_failed(const journal_batch& batch) {
  are_cursors_dirty_ = true;
  dead_letters_.insert(dead_letters_.begin(), batch.dead_letters.begin(), batch.dead_letters.end());
}

/// Takes the dead letters that a subscriber has just decided on.
void feeder::take_dead_letters(instant now, event_decisions& out) {
  for (new_dead_letter& each : out.dead_letters) {
    dead_letter& made = dead_letters_.emplace_back(std::move(each.letter));
    made.last_at = wall_offset_ + millis_of(now);
    made.first_at = made.last_at - each.tried_for.count();
  }
  out.dead_letters.clear();
}

// --- Quarantine ---------------------------------------------------------------------------------

void feeder::follow_quarantine(instant now, event_decisions& out) {
  followed_ = quarantine_.changes();
  const login_id former = std::exchange(kept_free_, quarantine_.node());
  for (std::uint32_t i = 0; i < fed_.size(); ++i) {
    for (const login_id whom : {former, kept_free_}) {
      if (const auto credit = credits_.find({i, whom}); credit != credits_.end()) {
        fed_[i].core->credit(whom, allowed(i, whom, credit->second), now, out);
      }
    }
    fed_[i].core->follow_quarantine(now, out);
    take_dead_letters(now, out);
  }
  report_emptied();
}

void feeder::leave_quarantine() {
  for (std::uint32_t i = 0; i < fed_.size(); ++i) {
    quarantine_.release(suspect_of{i});
  }
  quarantine_.leave(quarantine::work::events);
}

/// The credit of a worker; 0 while its node is kept free for a suspect of somebody else.
std::uint32_t feeder::allowed(std::uint32_t index, login_id whom, std::uint32_t credit) const {
  return whom == kept_free_ && !quarantine_.has_turn(suspect_of{index}) ? 0 : credit;
}

void feeder::report_emptied() {
  const login_id node = quarantine_.node();
  // Other subscribers may still send to the node until a change is followed.
  if (node == login_id{nowhere} || followed_ != quarantine_.changes()) {
    return;
  }
  for (std::uint32_t i = 0; i < fed_.size(); ++i) {
    if (fed_[i].core->in_flight(node) != 0) {
      return;
    }
  }
  quarantine_.emptied(quarantine::work::events);
}

} // namespace troupe::broker
