#include "runtime/broker/events/group/backlog.hpp"

#include "runtime/observe/trace_context.hpp"
#include "runtime/wire/error_map.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <utility>

namespace troupe::broker {

namespace {

using state = tracked_event::state;

/// The id of the event's trace, for the log.
std::string trace_in(const event& of) {
  return observe::hex_of(observe::trace_of(of.traceparent, of.id));
}

const wire::postponed* find_in(const postponed_rows& sorted, std::uint64_t position) {
  const auto place = std::ranges::lower_bound(sorted, position, {}, &wire::postponed::position);
  return place != sorted.end() && (*place)->position == position ? *place : nullptr;
}

wire::postponed crashed(std::uint64_t position) {
  return {
      position,
      deaths_convicted,
      true,
      "crashed",
      fmt::format(
          "{} workers died while they handled this event, the last {} with nothing else in hand",
          deaths_convicted,
          deaths_convicted - deaths_suspected),
      0};
}

wire::postponed why_convicted(const tracked_event& lost, const deaths::conviction& by) {
  if (!by.was_cut) {
    return crashed(lost.position);
  }
  const std::size_t bytes = lost.what->body.size();
  return {lost.position, cuts_convicted, true, "internal", cut_words("event", by.node, bytes), 0};
}

wire::postponed too_large(const event& what, std::size_t bytes_max) {
  return {
      what.position,
      0,
      true,
      "invalid",
      fmt::format(
          "the event has a body of {} bytes, and {} are the most that travels now "
          "(`limits: {{body: ...}}` of the topology was lowered): raise it, then retry",
          what.body.size(),
          bytes_max),
      0};
}

void ask_for_body(std::uint32_t subscriber, std::uint64_t position, event_decisions& out) {
  auto* const last = out.actions.empty() ? nullptr : std::get_if<fetch_events>(&out.actions.back());
  if (last != nullptr && last->subscriber == subscriber) {
    last->positions.push_back(position);
  } else {
    out.actions.emplace_back(fetch_events{subscriber, {position}});
  }
}

} // namespace

void tell_dead(
    std::uint32_t subscriber, login_id to, std::uint64_t position, event_decisions& out) {
  auto* const last = out.actions.empty() ? nullptr : std::get_if<send_dead>(&out.actions.back());
  if (last != nullptr && last->subscriber == subscriber && last->to == to) {
    last->positions.push_back(position);
  } else {
    out.actions.emplace_back(send_dead{subscriber, to, {position}});
  }
}

backlog::backlog(
    const subscriber_options& options,
    const std::array<std::uint64_t, 64>& start,
    std::vector<std::uint64_t> dead,
    cut_links& cuts)
    : options_{options}, events_{options.window, options.body_bytes_max},
      retries_{events_, options.backoff, options.seed},
      deaths_{cuts, broker::suspect_of{options.index}}, dead_{std::move(dead)} {
  for (std::size_t i = 0; i < start.size(); ++i) {
    lines_[i].queued_to = start[i];
    lines_[i].reached = options.reached[i];
    lines_[i].buried_to = options.is_new ? 0 : start[i];
  }
}

event_ref backlog::oldest() const {
  event_ref oldest;
  const auto consider = [&](std::uint32_t slot) {
    const event_ref* what = slot == nowhere ? nullptr : &events_[slot].what;
    if (what != nullptr && *what != nullptr
        && (oldest == nullptr || (*what)->position < oldest->position)) {
      oldest = *what;
    }
  };
  for (const line& each : lines_) {
    consider(each.first);
  }
  consider(retries_.oldest());
  return oldest;
}

std::uint64_t backlog::cursor(std::uint32_t partition, std::uint64_t scanned) const {
  const line& of = lines_[partition];
  const auto& postponed = retries_.positions(partition);
  if (of.first == nowhere && postponed.empty()) {
    return std::max(scanned, of.queued_to);
  }
  std::uint64_t lowest = postponed.empty() ? ~std::uint64_t{0} : *postponed.begin();
  if (of.first != nowhere) {
    lowest = std::min(lowest, events_[of.first].position);
  }
  return lowest - 1;
}

// --- Events come, from the bus or from the journal ----------------------------------------------

void backlog::add(const event_ref& what, instant now, event_decisions& out) {
  const std::uint32_t partition = what->partition % wire::partition_count;
  line& to = lines_[partition];
  if (what->position <= to.queued_to) {
    if (retries_.lacks_bodies(partition)) {
      give_body(what, now, out);
    }
    return;
  }
  to.queued_to = what->position;
  tracked_event& added = events_.append(to, what, partition);
  if (dead_.is_dead(what->position)) {
    added.is = state::dead;
  } else if (dead_.is_dying(what->position)) {
    added.is = state::dying;
  }
}

void backlog::give_body(const event_ref& what, instant now, event_decisions& out) {
  const std::uint32_t slot = retries_.find(what->position);
  if (slot == nowhere || events_[slot].what != nullptr) {
    return;
  }
  retries_.give_body(slot, what);
  if (events_[slot].postponed->said.dead) {
    give_up(slot, now, out, true);
  }
  const std::uint32_t partition = events_[slot].partition;
  if (!retries_.lacks_bodies(partition)) {
    retries_.schedule_all(partition, now);
  }
}

std::uint32_t backlog::drop_missing(std::uint64_t position, instant now, event_decisions& out) {
  const std::uint32_t slot = retries_.find(position);
  if (slot == nowhere || events_[slot].what != nullptr) {
    return nowhere;
  }
  const std::uint32_t partition = events_[slot].partition;
  out.log.push_back(
      {"event_missing",
       {{"capability", options_.capability}, {"position", std::to_string(position)}}});
  retries_.remove(slot, now);
  if (!retries_.lacks_bodies(partition)) {
    retries_.schedule_all(partition, now);
  }
  return partition;
}

// --- Events go, to the partition's worker -------------------------------------------------------

bool backlog::has_next(std::uint32_t partition) const {
  if (retries_.has_ready(partition)) {
    return true;
  }
  const line& of = lines_[partition];
  if (of.next == nowhere) {
    return false;
  }
  const tracked_event& next = events_[of.next];
  if (next.is == state::dead) {
    // The worker may read BURIED as "handled up to here": no event before it may be in flight.
    return !of.has_in_flight();
  }
  return next.is == state::waiting && !deaths_.is_suspect(next.what);
}

bool backlog::send_next(std::uint32_t partition, login_id to, instant now, event_decisions& out) {
  if (retries_.has_ready(partition)) {
    const std::uint32_t slot = retries_.take_ready(partition);
    if (deaths_.is_suspect(events_[slot].what)) {
      retries_.set_aside(slot);
      woken().push_back(partition);
      return false;
    }
    return send(slot, to, now, out);
  }
  line& from = lines_[partition];
  if (events_[from.next].is != state::dead) {
    return send(from.next, to, now, out);
  }
  while (from.first != nowhere && events_[from.first].is == state::dead) {
    tell_dead(options_.index, to, events_[from.first].position, out);
    events_.remove(events_.pop(from));
  }
  return false;
}

/// Sends an event; or gives it up, if it is larger than a frame: its worker's connection would be
/// cut, and the same again after the next login. @return whether it was sent.
bool backlog::send(std::uint32_t slot, login_id to, instant now, event_decisions& out) {
  tracked_event& sent = events_[slot];
  if (!events_.fits(slot)) {
    give_up(slot, now, out);
    return false;
  }
  sent.is = state::with_worker;
  if (sent.postponed != nullptr) {
    retries_.sent(slot);
  } else {
    lines_[sent.partition].next = sent.next;
    if (sent.first == instant{}) {
      sent.first = now;
    }
  }
  ++counts_.delivered;
  deaths_.note_sent(to, *sent.what, sent.partition, now);
  out.actions.emplace_back(deliver_event{options_.index, to, sent.what});
  return true;
}

std::pair<std::uint64_t, std::uint8_t> backlog::suspect_of(std::uint32_t partition) const {
  std::uint32_t slot = retries_.first_aside(partition);
  if (slot == nowhere) {
    slot = lines_[partition].next;
    if (slot == nowhere || events_[slot].is != state::waiting
        || !deaths_.is_suspect(events_[slot].what)) {
      return {};
    }
  }
  return {events_[slot].position, deaths_.outlasted(*events_[slot].what)};
}

bool backlog::send_suspect(
    std::uint32_t partition,
    std::uint64_t position,
    login_id to,
    instant now,
    event_decisions& out) {
  std::uint32_t slot = retries_.find(position);
  if (slot == nowhere || !retries_.take_aside(slot)) {
    slot = lines_[partition].next;
    if (slot == nowhere || events_[slot].position != position
        || events_[slot].is != state::waiting) {
      return false;
    }
  }
  return send(slot, to, now, out);
}

// --- What a worker says of its events -----------------------------------------------------------

std::uint32_t backlog::acknowledge(
    login_id by,
    wire::progress upto,
    const postponed_rows& waiting,
    const std::string& node,
    instant now,
    event_decisions& out) {
  deaths_.note_word(by, upto.partition, 0, upto.position);
  line& from = lines_[upto.partition];
  auto row = waiting.begin();
  std::uint32_t returned = 0;
  while (from.has_in_flight() && events_[from.first].position <= upto.position) {
    const std::uint32_t slot = events_.pop(from);
    const tracked_event& done = events_[slot];
    from.reached = std::max(from.reached, done.position);
    ++returned;
    deaths_.clear(*done.what);
    while (row != waiting.end() && (*row)->position < done.position) {
      ++row;
    }
    if (row == waiting.end() || (*row)->position != done.position) {
      ++counts_.handled;
      events_.remove(slot);
    } else {
      events_[slot].is = state::waiting;
      retries_.add(slot, **row, node, now);
      go_on(slot, now, out);
    }
  }
  return returned;
}

std::uint32_t backlog::partition_of(std::uint64_t position) const {
  const std::uint32_t slot = retries_.find(position);
  return slot == nowhere ? nowhere : events_[slot].partition;
}

bool backlog::failed_again(
    login_id by,
    const wire::postponed& said,
    const std::string& node,
    instant now,
    event_decisions& out) {
  const std::uint32_t slot = retries_.find(said.position);
  if (slot == nowhere || events_[slot].is != state::with_worker) {
    return false;
  }
  deaths_.note_word(by, events_[slot].partition, said.position, said.position);
  deaths_.clear(*events_[slot].what);
  retries_.failed_again(slot, said, node, now);
  go_on(slot, now, out);
  return true;
}

bool backlog::handled_again(login_id by, std::uint64_t position, instant now) {
  const std::uint32_t slot = retries_.find(position);
  if (slot == nowhere || events_[slot].is == state::dying) {
    return false;
  }
  deaths_.note_word(by, events_[slot].partition, position, position);
  const bool was_with_worker = events_[slot].is == state::with_worker;
  finish(slot, now);
  return was_with_worker;
}

/// A postponed event is back from its worker.
void backlog::go_on(std::uint32_t slot, instant now, event_decisions& out) {
  if (events_[slot].postponed->said.dead) {
    give_up(slot, now, out);
  } else {
    retries_.schedule(slot, now);
  }
}

/// A postponed event is handled.
void backlog::finish(std::uint32_t slot, instant now) {
  ++counts_.handled;
  if (events_[slot].what != nullptr) {
    deaths_.clear(*events_[slot].what);
  } else {
    deaths_.acquit(events_[slot].position);
  }
  retries_.remove(slot, now);
}

// --- What the database says ---------------------------------------------------------------------

std::optional<wire::remembered_partition> backlog::recall(std::uint32_t partition) const {
  if (retries_.lacks_bodies(partition)) {
    return {}; // The keys of its postponed events are not known.
  }
  const line& of = lines_[partition];
  wire::remembered_partition known{partition, std::min(of.reached, of.queued_to), {}};
  if (of.first != nowhere) {
    known.handled = std::min(known.handled, events_[of.first].position - 1);
  }
  for (const std::uint64_t position : retries_.positions(partition)) {
    if (position > known.handled) {
      return {};
    }
    const tracked_event& each = events_[retries_.find(position)];
    known.waiting.push_back({each.postponed->said, each.what->key});
  }
  return known;
}

void backlog::start_over(std::uint32_t partition, std::uint64_t handled, std::uint64_t scanned) {
  line& old = lines_[partition];
  while (old.first != nowhere) {
    events_.remove(events_.pop(old));
  }
  while (!retries_.positions(partition).empty()) {
    retries_.remove(retries_.find(*retries_.positions(partition).begin()), {});
  }
  deaths_.acquit_all(partition);
  for (line& each : lines_) {
    each.queued_to = std::max(each.queued_to, scanned); // The others have been offered all of it.
  }
  old.queued_to = handled;
  old.buried_to = 0; // What it did since, it may do otherwise now.
}

void backlog::reconcile(
    wire::progress handled,
    const postponed_rows& waiting,
    login_id to,
    instant now,
    event_decisions& out) {
  const std::uint32_t partition = handled.partition;
  line& of = lines_[partition];
  of.reached = handled.position;
  of.queued_to = std::max(of.queued_to, handled.position);
  const std::vector<std::uint64_t> known{
      retries_.positions(partition).begin(), retries_.positions(partition).end()};
  for (const std::uint64_t position : known) {
    if (find_in(waiting, position) == nullptr) {
      finish(retries_.find(position), now);
    }
  }
  while (of.first != nowhere && events_[of.first].position <= handled.position) {
    const std::uint32_t slot = events_.pop(of);
    tracked_event& passed = events_[slot];
    const wire::postponed* const row = find_in(waiting, passed.position);
    if (row == nullptr || dead_.is_dead(passed.position)) {
      ++counts_.handled;
      deaths_.clear(*passed.what);
      events_.remove(slot);
      continue;
    }
    if (passed.first == instant{}) {
      passed.first = now;
    }
    retries_.add(slot, *row, {}, now);
  }
  for (const wire::postponed* const row : waiting) {
    std::uint32_t slot = retries_.find(row->position);
    const bool was_buried = row->dead && row->position <= of.buried_to
                            && !dead_.is_dying(row->position) && !dead_.is_dead(row->position);
    if (was_buried) {
      out.log.push_back(
          {"dead_letter_decided",
           {{"capability", options_.capability},
            {"position", std::to_string(row->position)},
            {"what",
             "the journal had passed it when the broker started, so its dead letter was there; "
             "if it is not there now, it was retried or dropped, and none is made again"}}});
    }
    if (was_buried || dead_.is_dead(row->position)) {
      tell_dead(options_.index, to, row->position, out);
      if (slot != nowhere) {
        retries_.remove(slot, now);
      }
      continue;
    }
    if (slot == nowhere) {
      slot = events_.add(row->position, partition);
      events_[slot].first = now;
      retries_.add(slot, *row, {}, now);
    }
    tracked_event& which = events_[slot];
    if (which.postponed->said.attempts != row->attempts
        || which.postponed->said.dead != row->dead) {
      retries_.failed_again(slot, *row, {}, now);
    }
    if (dead_.is_dying(row->position)) {
      which.is = state::dying;
    }
    if (which.what == nullptr) {
      ask_for_body(options_.index, row->position, out);
    } else if (row->dead && which.is == state::waiting) {
      give_up(slot, now, out, true);
    }
  }
  // A convicted event is given up only now: the last worker may have died after its commit, but
  // the epoch that it was delivered under is over.
  for (const auto& [position, by] : deaths_.convicted()) {
    const std::uint32_t slot = by.partition == partition ? find(partition, position) : nowhere;
    if (slot != nowhere && events_[slot].is == state::convicted) {
      give_up(slot, now, out);
    }
  }
  retries_.schedule_all(partition, now);
}

// --- Deaths of workers, and dead letters --------------------------------------------------------

/// The slot of an event of the partition, postponed or in line; `nowhere` if there is none.
std::uint32_t backlog::find(std::uint32_t partition, std::uint64_t position) const {
  std::uint32_t slot = retries_.find(position);
  if (slot == nowhere) {
    slot = lines_[partition].first;
    while (slot != nowhere && events_[slot].position < position) {
      slot = events_[slot].next;
    }
  }
  return slot != nowhere && events_[slot].position == position ? slot : nowhere;
}

void backlog::take_back(
    const std::vector<std::uint32_t>& partitions,
    const departure& of,
    instant now,
    event_decisions& out) {
  deaths_.begin_departure(of.incarnation);
  const auto put_back = [&](tracked_event& each) {
    each.is = state::waiting;
    if (of.is_blamed && deaths_.add(*each.what, each.partition, of.was_alone, of.node)) {
      each.is = state::convicted;
      out.log.push_back(
          {"event_convicted",
           {{"capability", options_.capability},
            {"position", std::to_string(each.position)},
            {"id", to_string(each.what->id)},
            {"topic", each.what->topic},
            {"node", of.node},
            {"trace", trace_in(*each.what)}}});
    }
  };
  for (const std::uint32_t partition : partitions) {
    line& taken = lines_[partition];
    for (std::uint32_t i = taken.first; i != taken.next; i = events_[i].next) {
      put_back(events_[i]);
    }
    taken.next = taken.first;
    for (const std::uint64_t position : retries_.positions(partition)) {
      tracked_event& each = events_[retries_.find(position)];
      if (each.is == state::with_worker) {
        each.postponed->due = now;
        put_back(each);
      }
    }
    retries_.forget_worker(partition);
  }
  deaths_.end_departure();
}

void backlog::came_back(const uuid& incarnation, const std::string& node, event_decisions& out) {
  const deaths::departure back = deaths_.take_back(incarnation);
  for (const deaths::blame& each : back.blamed) {
    if (deaths_.convicted().contains(each.position)) {
      const std::uint32_t slot = find(each.partition, each.position);
      if (slot != nowhere && events_[slot].is == state::convicted) {
        events_[slot].is = state::waiting;
        deaths_.acquit(each.position);
      }
    }
  }
  if (!back.blamed.empty()) {
    retries_.reconsider();
  }
  const auto too_large = deaths_.too_large();
  const std::uint32_t cut = too_large ? find(too_large->partition, too_large->position) : nowhere;
  if (cut != nowhere && events_[cut].is == state::waiting) {
    events_[cut].is = state::convicted;
    deaths_.convict_cut(*too_large, node);
    const event_ref& what = events_[cut].what; // The event, null while its body is not in memory.
    out.log.push_back(
        {"event_set_aside",
         {{"capability", options_.capability},
          {"position", std::to_string(too_large->position)},
          {"id", to_string(too_large->id)},
          {"node", node},
          {"bytes", std::to_string(too_large->bytes)},
          {"trace", what == nullptr ? std::string{} : trace_in(*what)}}});
  }
}

/// Makes a dead letter of an event: its worker said so, or too many workers died with it.
void backlog::give_up(std::uint32_t slot, instant now, event_decisions& out, bool was_told) {
  tracked_event& lost = events_[slot];
  lost.is = state::dying;
  if (lost.postponed != nullptr) {
    retries_.withhold(slot);
  }
  if (!dead_.begin(lost.position, lost.partition)) {
    return;
  }
  const auto by = deaths_.convicted().find(lost.position);
  const bool is_convicted = by != deaths_.convicted().end();
  const wire::postponed said = is_convicted ? why_convicted(lost, by->second)
                               : events_.fits(slot)
                                   ? lost.postponed->said
                                   : too_large(*lost.what, events_.body_bytes_max());
  new_dead_letter& made = out.dead_letters.emplace_back();
  // The id is derived, so that a dead letter that was ordered before the broker died has the same
  // id afterwards.
  made.letter.id =
      derived_id(lost.what->id, fmt::format("{}:{}", options_.capability, lost.position));
  made.letter.capability = options_.capability;
  made.letter.what = lost.what;
  made.letter.cause = wire::travelling(said.cause, said.cause.size()); // A worker's words.
  made.letter.error = wire::travelling(said.error, said.error.size());
  made.letter.attempts = said.attempts;
  made.letter.node = is_convicted                ? by->second.node
                     : lost.postponed != nullptr ? lost.postponed->node
                                                 : std::string{};
  made.letter.replica = said.replica;
  made.letter.may_be_decided = was_told;
  // An event that was never sent was not tried.
  made.tried_for = lost.first == instant{}
                       ? milliseconds{0}
                       : std::chrono::duration_cast<milliseconds>(now - lost.first);
  out.log.push_back(
      {"event_buried",
       {{"capability", options_.capability},
        {"position", std::to_string(lost.position)},
        {"topic", lost.what->topic},
        {"cause", said.cause},
        {"error", said.error},
        {"trace", trace_in(*lost.what)}}});
}

std::uint32_t
backlog::dead_letter_written(std::uint64_t position, std::uint64_t scanned, instant now) {
  if (dead_.is_full()) {
    std::uint64_t passed_by_all = ~std::uint64_t{0};
    for (std::uint32_t i = 0; i < lines_.size(); ++i) {
      passed_by_all = std::min(passed_by_all, cursor(i, scanned));
    }
    dead_.forget_up_to(passed_by_all);
  }
  ++counts_.dead_letters;
  deaths_.acquit(position);
  const std::uint32_t partition = dead_.written(position);
  const std::uint32_t slot = partition == nowhere ? nowhere : find(partition, position);
  if (slot == nowhere) {
    return nowhere;
  }
  tracked_event& lost = events_[slot];
  if (lost.what != nullptr) {
    deaths_.clear(*lost.what);
  }
  if (lost.postponed != nullptr) {
    retries_.remove(slot, now);
    return partition;
  }
  lost.is = state::dead;
  woken().push_back(partition);
  return nowhere;
}

} // namespace troupe::broker
