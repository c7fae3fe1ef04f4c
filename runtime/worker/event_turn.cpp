#include "runtime/worker/event_turn.hpp"

#include "runtime/fault_point.hpp"
#include "runtime/wire/envelope.hpp"
#include "runtime/wire/limits.hpp"
#include "runtime/worker/store_turn.hpp"

#include <algorithm>

// The events themselves. Assignments and burials are in event_turn_assignments.cpp.

namespace troupe {

namespace {

// As much of an error's text is kept with a dead letter.
constexpr std::size_t error_bytes_max = 2'048;
// And as much of all that one message tells of: a quarter of what it may have.
constexpr std::size_t texts_bytes_max = wire::control_bytes_max / 4;

/// The business's last word: another try would say the same.
bool is_refusal(errc code) {
  return code == errc::rejected || code == errc::invalid || code == errc::conflict
         || code == errc::forbidden;
}

wire::postponed wire_form(const store::postponed_row& row) {
  return {row.position, row.attempts, row.is_dead, row.cause, row.error, row.replica};
}

} // namespace

event_turn::event_turn(group& of, runner_store* store)
    : group_{of}, store_{store}, are_graves_loaded_{store == nullptr} {
  handled_.capability = of.name();
  begin();
}

void event_turn::begin() {
  ++turn_;
  touched_.clear();
  assigned_.clear();
  handled_.upto.clear();
  handled_.waiting.clear();
  handled_.done.clear();
  answers_.clear();
  counts_ = {};
}

bool event_turn::run(write& each, turn_output& output, wall_time now) {
  const item& what = *each.what;
  partition& at = touch(what.partition);
  if (!at.is_ours) {
    ++counts_.not_ours;
    return true;
  }
  link_ = what.link;
  const std::uint64_t position = what.token;
  if (position > at.handled) {
    if (!are_graves_loaded_) {
      load_graves();
    }
    if (!graves_.empty() && graves_.contains(position)) {
      advance(at, position);
      return true;
    }
    if (is_behind(at, what)) {
      postpone(at, {position, what.partition, std::string{what.key}});
      return true;
    }
    return run_handler(each, at, 0, output, now);
  }
  const auto known = at.waiting.find(position);
  if (known == at.waiting.end()) {
    ++counts_.repeats;
    handled_.done.push_back(position); // It may have been postponed, and the report have been lost.
    return true;
  }
  if (known->second.is_dead || is_behind(at, what)) {
    handled_.waiting.push_back(wire_form(known->second));
    return true;
  }
  return run_handler(each, at, known->second.attempts, output, now);
}

bool event_turn::run_handler(
    write& each, partition& at, std::uint32_t attempts, turn_output& output, wall_time now) {
  if (each.threw) {
    failed(each, at, "crashed", *each.threw);
    return true;
  }
  store::database* const session = store_ == nullptr ? nullptr : store_->database.get();
  const auto before = output.here();
  const std::int64_t changed_before = session == nullptr ? 0 : session->changes();
  store::database* const undoable = each.with_savepoint ? session : nullptr;
  if (undoable != nullptr) {
    undoable->savepoint();
  }
  each.ran = true;
  const auto done = handle(each, attempts, output, now);
  if (done) {
    if (undoable != nullptr) {
      undoable->release();
    }
    succeeded(*each.what, at);
    return true;
  }
  output.back_to(before);
  if (undoable != nullptr) {
    undoable->rollback_to_savepoint();
  } else if (session != nullptr && session->changes() != changed_before) {
    each.with_savepoint = true; // As with commands (store_turn).
    return false;
  }
  const errc code = done.error().code;
  failed(
      each,
      at,
      is_refusal(code) ? std::string{name_of(code)} : std::string{"transient"},
      done.error().message);
  return true;
}

outcome<void>
event_turn::handle(write& each, std::uint32_t attempts, turn_output& output, wall_time now) {
  const item& what = *each.what;
  const handlers::event* handler = each.by->find_event(what.operation);
  if (handler == nullptr) {
    ++counts_.ignored;
    return {};
  }
  const event_info info{
      what.id,
      what.operation,
      what.key,
      what.source,
      wall_time{milliseconds{what.time}},
      what.token,
      static_cast<int>(attempts) + 1};
  turn current{
      store_ == nullptr ? nullptr : store_->database.get(),
      store_ == nullptr ? 0 : store_->writer,
      derived_id(what.id, group_.name()),
      what.key,
      now,
      output};
  TROUPE_FAULT("event.before_handler");
  try {
    return handler->run(what.body, info, current);
  } catch (const no_store& wanted) {
    return failure{wanted.to_error()};
  } catch (const store::database_error& fault) {
    if (fault.kind != store::database_fault::constraint) {
      throw;
    }
    return failure{fault.to_error()};
  }
}

void event_turn::succeeded(const item& what, partition& at) {
  ++counts_.handled;
  if (what.token > at.handled) {
    return advance(at, what.token);
  }
  forget(at, what.token);
  handled_.done.push_back(what.token);
}

void event_turn::failed(
    const write& each, partition& at, std::string cause, std::string_view text) {
  const item& what = *each.what;
  const auto known = at.waiting.find(what.token);
  store::postponed_row row =
      known == at.waiting.end()
          ? store::postponed_row{what.token, what.partition, std::string{what.key}}
          : known->second;
  ++row.attempts;
  row.is_dead = (cause != "transient" && cause != "crashed")
                || row.attempts >= static_cast<std::uint32_t>(group_.options().retry.attempts);
  row.cause = std::move(cause);
  row.error = wire::travelling(text, error_bytes_max);
  row.replica = static_cast<std::uint32_t>(each.replica);
  postpone(at, std::move(row));
}

void event_turn::postpone(partition& at, store::postponed_row row) {
  ++counts_.postponed;
  if (store_ != nullptr) {
    store::subscriptions{*store_->database}.postpone(row);
  }
  handled_.waiting.push_back(wire_form(row));
  const std::uint64_t position = row.position;
  if (!row.key.empty()) {
    at.waiting_of_key[row.key].insert(position);
  }
  at.waiting.insert_or_assign(position, std::move(row));
  if (position > at.handled) {
    advance(at, position);
  }
}

void event_turn::forget(partition& at, std::uint64_t position) {
  if (store_ != nullptr) {
    store::subscriptions{*store_->database}.forget(position);
  }
  const auto known = at.waiting.find(position);
  const auto of_key = at.waiting_of_key.find(known->second.key);
  if (of_key != at.waiting_of_key.end()) {
    of_key->second.erase(position);
    if (of_key->second.empty()) {
      at.waiting_of_key.erase(of_key);
    }
  }
  at.waiting.erase(known);
}

/// Whether an earlier event of its key waits. Without a key there is no order to keep.
bool event_turn::is_behind(const partition& at, const item& what) {
  if (at.waiting_of_key.empty() || what.key.empty()) {
    return false;
  }
  const auto of_key = at.waiting_of_key.find(what.key);
  return of_key != at.waiting_of_key.end() && *of_key->second.begin() < what.token;
}

void event_turn::advance(partition& at, std::uint64_t position) {
  at.handled = position;
  at.is_changed = true;
}

/// The partition, and whether it is ours in this turn: asked once, as the turn holds the lock.
event_turn::partition& event_turn::touch(std::uint32_t number) {
  partition& at = partitions_[number];
  if (at.touched_in == turn_) {
    return at;
  }
  at.touched_in = turn_;
  at.is_changed = false;
  at.is_ours = at.epoch != 0;
  touched_.push_back(number);
  if (store_ == nullptr || !at.is_ours) {
    return at;
  }
  const auto row = store::subscriptions{*store_->database}.find(number);
  at.is_ours = row && row->epoch == at.epoch;
  if (at.is_ours) {
    at.handled = row->handled;
    if (!at.is_loaded) {
      load(number, at);
    }
  }
  return at;
}

void event_turn::load(std::uint32_t number, partition& into) {
  into.waiting.clear();
  into.waiting_of_key.clear();
  for (store::postponed_row& row : store::subscriptions{*store_->database}.postponed_of(number)) {
    if (!row.key.empty()) {
      into.waiting_of_key[row.key].insert(row.position);
    }
    into.waiting.emplace(row.position, std::move(row));
  }
  into.is_loaded = true;
}

void event_turn::load_graves() {
  const auto found = store::subscriptions{*store_->database}.graves();
  graves_ = {found.begin(), found.end()};
  are_graves_loaded_ = true;
}

void event_turn::texts::add(const std::vector<wire::postponed>& rows) {
  for (const wire::postponed& each : rows) {
    bytes += each.error.size();
    count += each.error.empty() ? 0U : 1U;
  }
}

/// Texts of errors are for people: they are cut if all in one message are too much for it.
void event_turn::cut(std::vector<wire::postponed>& rows, const texts& all) {
  if (all.bytes <= texts_bytes_max) {
    return;
  }
  const std::size_t each_max = texts_bytes_max / all.count;
  for (wire::postponed& each : rows) {
    if (each.error.size() > each_max) {
      each.error = wire::travelling(each.error, each_max);
    }
  }
}

void event_turn::finish() {
  for (const std::uint32_t number : touched_) {
    const partition& at = partitions_[number];
    if (at.is_changed && store_ != nullptr) {
      store::subscriptions{*store_->database}.advance(number, at.handled);
    }
    if (at.is_ours) {
      handled_.upto.push_back({number, at.handled});
    }
  }
}

void event_turn::committed() {
  for (const auto& [number, epoch] : assigned_) {
    partitions_[number].epoch = epoch;
  }
  if (!handled_.upto.empty()) {
    texts all;
    all.add(handled_.waiting);
    cut(handled_.waiting, all);
    reports_.push_back({link_, wire::kind::handled, wire::encoded(handled_)});
  }
  std::move(answers_.begin(), answers_.end(), std::back_inserter(reports_));
  group_counters& counters = group_.counters();
  const auto add = [](std::atomic<std::uint64_t>& to, std::uint64_t count) {
    if (count != 0) {
      to.fetch_add(count, std::memory_order_relaxed);
    }
  };
  add(counters.events, counts_.handled);
  add(counters.events_ignored, counts_.ignored);
  add(counters.events_postponed, counts_.postponed);
  add(counters.event_repeats, counts_.repeats);
  add(counters.events_of_others, counts_.not_ours);
  begin();
}

void event_turn::rolled_back() {
  for (const std::uint32_t number : touched_) {
    partitions_[number].is_loaded = false;
  }
  are_graves_loaded_ = store_ == nullptr;
  begin();
}

} // namespace troupe
