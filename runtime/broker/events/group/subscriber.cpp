#include "runtime/broker/events/group/subscriber.hpp"

#include "runtime/wire/error_map.hpp"
#include "runtime/wire/limits.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <utility>

namespace troupe::broker {

namespace {

/// The part of an ASSIGN for remembered states of partitions, in bytes.
constexpr std::size_t remembered_bytes_max = wire::control_bytes_max / 2;
/// The approximate size of a row without its texts.
constexpr std::size_t remembered_row_bytes = 96;
/// The text of an error is for a person who looks at a dead letter.
constexpr std::size_t remembered_error_bytes_max = 256;

/// Pointers to the rows up to `last`, sorted by position.
postponed_rows sorted(const std::vector<wire::postponed>& rows, std::uint64_t last) {
  postponed_rows all;
  for (const wire::postponed& each : rows) {
    if (each.position <= last) {
      all.push_back(&each);
    }
  }
  std::ranges::sort(all, {}, &wire::postponed::position);
  return all;
}

/// The highest position that the database of the answer has handled.
std::uint64_t highest_in(const wire::assigned& answer) {
  std::uint64_t highest = answer.highest.value_or(0); // An older worker does not say.
  for (const wire::partition_state& each : answer.partitions) {
    highest = std::max(highest, each.handled);
  }
  return highest;
}

/// Whether the database has passed less than before, and events after the last handled one are
/// deleted: they cannot be offered again, and would be missing unnoticed.
bool lacks_deleted(const wire::assigned& answer, const backlog& events, std::uint64_t deleted_to) {
  return deleted_to > highest_in(answer)
         && std::ranges::any_of(answer.partitions, [&](const wire::partition_state& each) {
              return each.partition < wire::partition_count
                     && each.handled < events.reached(each.partition);
            });
}

/// The states of the partitions that a process is given which keeps no positions. A partition that
/// finds no room in the message is left out: it begins at its cursor.
std::vector<wire::remembered_partition>
recall(const backlog& events, const std::vector<wire::progress>& given) {
  std::vector<wire::remembered_partition> all;
  std::size_t bytes = 0;
  for (const wire::progress& each : given) {
    auto known = events.recall(each.partition);
    if (!known) {
      continue;
    }
    std::size_t more = remembered_row_bytes;
    for (wire::remembered_event& row : known->waiting) {
      row.what.error = wire::travelling(row.what.error, remembered_error_bytes_max);
      more += remembered_row_bytes + row.what.cause.size() + row.what.error.size() + row.key.size();
    }
    if (bytes + more <= remembered_bytes_max) {
      bytes += more;
      all.push_back(std::move(*known));
    }
  }
  return all;
}

} // namespace

subscriber::subscriber(
    subscriber_options options,
    const std::array<std::uint64_t, 64>& start,
    std::vector<std::uint64_t> dead,
    quarantine& quarantine,
    cut_links& cuts)
    : options_{std::move(options)}, events_{options_, start, std::move(dead), cuts},
      workers_{options_.epoch_base}, isolation_{events_, workers_, quarantine, options_},
      scanned_{std::ranges::min(start)}, top_{std::max(
                                             options_.journal_last, std::ranges::max(start))} {
}

bool subscriber::wants(std::string_view topic) const {
  return wire::matches_any(options_.patterns, topic);
}

// --- Events and dead letters, from the bus ------------------------------------------------------

void subscriber::offer(const event_ref& what, instant now, event_decisions& out) {
  passed(what->position);
  events_.add(what, now, out);
  const std::uint32_t partition = what->partition % wire::partition_count;
  wake(partition);
  if (const std::uint32_t owner = workers_.owner(partition); owner != nowhere) {
    pump(workers_.at(owner), now, out);
  }
  if (!events_.woken().empty()) {
    settle(now, out);
  }
}

void subscriber::passed(std::uint64_t position) {
  scanned_ = std::max(scanned_, position);
  top_ = std::max(top_, position);
}

void subscriber::fetched(
    const std::vector<event_ref>& found,
    const std::vector<std::uint64_t>& missing,
    instant now,
    event_decisions& out) {
  for (const event_ref& each : found) {
    events_.give_body(each, now, out);
  }
  for (const std::uint64_t position : missing) {
    tell_dead_in(events_.drop_missing(position, now, out), position, out);
  }
  settle(now, out);
}

void subscriber::dead_letters_written(
    const std::vector<std::uint64_t>& positions, instant now, event_decisions& out) {
  for (const std::uint64_t position : positions) {
    tell_dead_in(events_.dead_letter_written(position, scanned_, now), position, out);
  }
  settle(now, out);
}

/// Tells the partition's worker, if it has one whose database has the epoch.
void subscriber::tell_dead_in(
    std::uint32_t partition, std::uint64_t position, event_decisions& out) {
  if (partition != nowhere && workers_.phase_of(partition) == assignment::phase::active) {
    tell_dead(options_.index, workers_.at(workers_.owner(partition)).login, position, out);
  }
}

// --- Workers come and go ------------------------------------------------------------------------

void subscriber::joined(
    login_id login,
    std::string_view node,
    const uuid& incarnation,
    std::uint32_t credit,
    instant now,
    event_decisions& out) {
  if (const std::uint32_t known = workers_.find(login); known != nowhere) {
    lose(known, false, now, out);
  }
  events_.came_back(incarnation, std::string{node}, out);
  workers_.join(login, node, incarnation, credit);
  rebalance(now, out);
  settle(now, out);
}

void subscriber::left(login_id login, bool is_blamed, instant now, event_decisions& out) {
  if (const std::uint32_t gone = workers_.find(login); gone != nowhere) {
    lose(gone, is_blamed, now, out);
    rebalance(now, out);
    settle(now, out);
  }
}

/// Takes all partitions from a worker that is gone.
void subscriber::lose(std::uint32_t worker, bool is_blamed, instant now, event_decisions& out) {
  const bool was_alone = isolation_.is_alone_at(worker);
  const bool lives_on = workers_.leave(worker);
  const event_worker& gone = workers_.at(worker);
  if (isolation_.is_at(worker)) {
    isolation_.end();
  }
  std::vector<std::uint32_t> partitions;
  for (std::uint32_t i = 0; i < wire::partition_count; ++i) {
    if (workers_.owner(i) == worker) {
      partitions.push_back(i);
      workers_.take_from(i);
    }
  }
  events_.take_back(
      partitions,
      {.incarnation = gone.incarnation,
       .node = gone.node,
       .is_blamed = is_blamed && !lives_on,
       .was_alone = was_alone},
      now,
      out);
}

void subscriber::credit(login_id login, std::uint32_t credit, instant now, event_decisions& out) {
  const std::uint32_t index = workers_.find(login);
  if (index == nowhere) {
    return;
  }
  event_worker& whose = workers_.at(index);
  const bool was_usable = whose.is_usable();
  whose.credit = credit;
  if (was_usable != whose.is_usable()) {
    if (was_usable && isolation_.waits_for(index)) {
      isolation_.end();
    }
    rebalance(now, out);
  }
  settle(now, out);
}

void subscriber::follow_quarantine(instant now, event_decisions& out) {
  if (isolation_.follow()) {
    settle(now, out);
  }
}

// --- What workers say ---------------------------------------------------------------------------

void subscriber::assigned(
    login_id from, const wire::assigned& state, instant now, event_decisions& out) {
  const std::uint32_t worker = workers_.find(from);
  if (worker == nowhere) {
    return;
  }
  if (!state.refused.empty()) {
    return refuse_all(worker, state.epoch, state.refused, out);
  }
  if (options_.lives != nullptr && state.life && state.highest.value_or(0) != 0
      && *state.life != uuid{} && !options_.lives->has(*state.life, *state.highest)) {
    return refuse_all(
        worker,
        state.epoch,
        fmt::format(
            "the journal is older than the database of `{0}`, or has gone another way since: was "
            "it restored from a backup? The database has handled position {1} of a journal that "
            "was written after this copy was made. Nothing is delivered to `{0}`. Put the newer "
            "journal back; or stop the system, and `troupe restore FILE` says what each side has "
            "that the other has not, and makes them go on together",
            options_.capability,
            *state.highest),
        out);
  }
  const std::uint64_t deleted_to = options_.deleted_to ? *options_.deleted_to : 0;
  if (options_.has_store && lacks_deleted(state, events_, deleted_to)) {
    return refuse_all(
        worker,
        state.epoch,
        fmt::format(
            "the database of `{0}` is an older copy, and retention has deleted events that it has "
            "lost: it has handled position {1}, and events of its topics are deleted up to {2}. "
            "Nothing is delivered to `{0}`. Put a newer copy back; or stop the system, and `troupe "
            "restore FILE` lets it go on with what the journal still has",
            options_.capability,
            highest_in(state),
            deleted_to),
        out);
  }
  for (const wire::partition_state& each : state.partitions) {
    if (workers_.awaits(each.partition, worker, state.epoch)) {
      take_over(each, from, now, out);
    }
  }
  give_again(worker, state, out);
  pump(workers_.at(worker), now, out);
  settle(now, out);
}

/// The worker did not take what it was given by this order.
void subscriber::refuse_all(
    std::uint32_t worker, std::uint64_t epoch, std::string why, event_decisions& out) {
  bool is_news = false;
  for (std::uint32_t i = 0; i < wire::partition_count; ++i) {
    if (workers_.awaits(i, worker, epoch)) {
      workers_.set(i, assignment::phase::refused);
      is_news = true;
    }
  }
  if (is_news) {
    report_trouble(std::move(why), out);
  }
}

/// Partitions that the answer leaves out, although they are still this worker's under this epoch:
/// the database has a higher one, which only another life of the journal can have given. (Without a
/// store each replica answers for its own partitions, and no epoch is kept.)
void subscriber::give_again(
    std::uint32_t worker, const wire::assigned& state, event_decisions& out) {
  const std::uint64_t seen = state.epoch_seen.value_or(0);
  if (seen <= state.epoch) {
    return;
  }
  bool is_news = false;
  for (std::uint32_t i = 0; i < wire::partition_count; ++i) {
    if (workers_.awaits(i, worker, state.epoch)) {
      workers_.rise_above(seen);
      workers_.give(i);
      is_news = true;
    }
  }
  if (is_news) {
    out.log.push_back(
        {"epochs_went_back",
         {{"capability", options_.capability},
          {"assigned", std::to_string(state.epoch)},
          {"database_has", std::to_string(seen)},
          {"what",
           "the journal was opened less often than its database has seen: it is a copy. All that "
           "the database has handled is in it, so both go on"}}});
  }
}

/// The partition's worker may have events now: those that its database has not handled.
void subscriber::take_over(
    const wire::partition_state& state, login_id from, instant now, event_decisions& out) {
  if (state.handled > top_) {
    workers_.set(state.partition, assignment::phase::refused);
    return report_trouble(
        fmt::format(
            "the journal is older than the database of `{0}`: was it restored from a backup? Its "
            "partition {1} has handled position {2}, and the journal ends at {3}",
            options_.capability,
            state.partition,
            state.handled,
            top_),
        out);
  }
  if (const std::uint64_t reached = events_.reached(state.partition); state.handled < reached) {
    if (options_.has_store) { // Without one a new process knows nothing: it is nobody's copy.
      out.log.push_back(
          {"database_went_back",
           {{"capability", options_.capability},
            {"partition", std::to_string(state.partition)},
            {"had_handled", std::to_string(reached)},
            {"has_handled", std::to_string(state.handled)}}});
    }
    events_.start_over(state.partition, state.handled, scanned_);
    scanned_ = std::min(scanned_, state.handled);
  }
  events_.reconcile(
      {state.partition, state.handled}, sorted(state.waiting, state.handled), from, now, out);
  workers_.set(state.partition, assignment::phase::active);
  wake(state.partition);
}

void subscriber::report_trouble(std::string why, event_decisions& out) {
  trouble_ = std::move(why);
  out.log.push_back({"events_stopped", {{"capability", options_.capability}, {"why", trouble_}}});
}

void subscriber::handled(
    login_id from, const wire::handled& what, instant now, event_decisions& out) {
  const std::uint32_t worker = workers_.find(from);
  if (worker == nowhere) {
    return;
  }
  event_worker& by = workers_.at(worker);
  const postponed_rows waiting = sorted(what.waiting, ~std::uint64_t{0});
  for (const wire::progress& each : what.upto) {
    if (workers_.is_active_at(each.partition, worker)) {
      by.outstanding -= events_.acknowledge(from, each, waiting, by.node, now, out);
      give_if_idle(each.partition);
      wake(each.partition);
    }
  }
  for (const wire::postponed* const each : waiting) {
    const std::uint32_t partition = events_.partition_of(each->position);
    if (workers_.is_active_at(partition, worker)
        && events_.failed_again(from, *each, by.node, now, out)) {
      --by.outstanding;
      give_if_idle(partition);
    }
  }
  for (const std::uint64_t each : what.done) {
    const std::uint32_t partition = events_.partition_of(each);
    if (workers_.is_active_at(partition, worker)) {
      by.outstanding -= events_.handled_again(from, each, now) ? 1U : 0U;
      give_if_idle(partition);
    }
  }
  pump(by, now, out);
  settle(now, out);
}

// --- Who is given what --------------------------------------------------------------------------

void subscriber::settle(instant now, event_decisions& out) {
  events_.ring(now);
  if (!isolation_.advance(now, out)) {
    isolation_.begin(out); // The suspect's turn begins before its worker is filled again.
  }
  pump_all(now, out);
  isolation_.begin(out); // A suspect may be next only now.
  if (workers_.has_given()) {
    for (send_assign& order : workers_.take_orders()) {
      order.subscriber = options_.index;
      for (wire::progress& each : order.partitions) {
        each.position = events_.cursor(each.partition, scanned_);
      }
      if (!options_.has_store) {
        order.remembered = recall(events_, order.partitions);
      }
      out.actions.emplace_back(std::move(order));
    }
  }
}

/// Puts the partition in turn at its worker, if it has something to send.
void subscriber::wake(std::uint32_t partition) {
  if (workers_.is_open(partition) && events_.has_next(partition)) {
    workers_.at(workers_.owner(partition)).ready.add(partition);
  }
}

void subscriber::pump_all(instant now, event_decisions& out) {
  for (const std::uint32_t each : events_.woken()) {
    wake(each);
  }
  events_.woken().clear();
  for (std::uint32_t i = 0; i < workers_.workers().size(); ++i) {
    pump(workers_.at(i), now, out);
  }
}

/// Gives the worker as many events as it has room for, one of each partition in turn.
void subscriber::pump(event_worker& to, instant now, event_decisions& out) {
  while (to.has_room() && !to.ready.empty()) {
    const std::uint32_t partition = to.ready.take();
    if (workers_.is_open(partition) && events_.has_next(partition)) {
      if (events_.send_next(partition, to.login, now, out)) {
        ++to.outstanding;
      }
      wake(partition);
    }
  }
}

void subscriber::rebalance(instant now, event_decisions& out) {
  workers_.choose_targets();
  for (std::uint32_t i = 0; i < wire::partition_count; ++i) {
    give_if_idle(i);
    wake(i);
  }
  pump_all(now, out);
}

/// Gives the partition to another worker that is to have it, if nothing of it is in flight.
void subscriber::give_if_idle(std::uint32_t partition) {
  if (workers_.is_leaving(partition) && !events_.has_in_flight(partition)) {
    if (isolation_.is_of_partition(partition)) {
      isolation_.end(); // The suspect's turn starts over with the other worker.
    }
    workers_.give(partition);
  }
}

// --- Looking at it ------------------------------------------------------------------------------

std::array<std::uint64_t, 64> subscriber::cursors() const {
  std::array<std::uint64_t, 64> all{};
  for (std::uint32_t i = 0; i < all.size(); ++i) {
    all[i] = events_.cursor(i, scanned_);
  }
  return all;
}

std::array<std::uint64_t, 64> subscriber::reached() const {
  std::array<std::uint64_t, 64> all{};
  for (std::uint32_t i = 0; i < all.size(); ++i) {
    all[i] = events_.reached(i);
  }
  return all;
}

std::uint32_t subscriber::in_flight(login_id whom) const {
  const std::uint32_t index = workers_.find(whom);
  return index == nowhere ? 0 : workers_.workers()[index].outstanding;
}

subscriber::status subscriber::look() const {
  status seen;
  static_cast<backlog::counters&>(seen) = events_.counts();
  seen.retrying = events_.retrying();
  for (std::uint32_t i = 0; i < workers_.workers().size(); ++i) {
    const event_worker& each = workers_.workers()[i];
    if (each.is_live) {
      worker_status& one = seen.workers.emplace_back(worker_status{each.node, 0, each.outstanding});
      seen.in_flight += each.outstanding;
      for (std::uint32_t partition = 0; partition < wire::partition_count; ++partition) {
        one.partitions += workers_.owner(partition) == i ? 1U : 0U;
      }
    }
  }
  for (std::uint32_t i = 0; i < wire::partition_count; ++i) {
    if (workers_.phase_of(i) == assignment::phase::refused) {
      seen.trouble = trouble_;
    }
  }
  const event_ref oldest = events_.oldest();
  seen.oldest_time = oldest == nullptr ? 0 : oldest->time;
  const std::size_t held = events_.held().in_line() + seen.retrying;
  seen.waiting = held - std::min(held, seen.in_flight);
  return seen;
}

} // namespace troupe::broker
