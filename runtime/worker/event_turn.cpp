#include "runtime/worker/event_turn.hpp"

#include "runtime/actor/actor.hpp"
#include "runtime/fault_point.hpp"
#include "runtime/observe/span_names.hpp"
#include "runtime/wire/departure.hpp"
#include "runtime/wire/limits.hpp"
#include "runtime/worker/error_texts.hpp"

#include <fmt/format.h>
#include <utility>

namespace troupe {

namespace {

// The part of an error's text that is kept with a dead letter.
constexpr std::size_t error_bytes_max = 2'048;

/// The trouble of a partition whose waiting events do not fit into one message.
std::string too_many_wait(const wire::assigned& part, std::size_t bytes, std::size_t allowed) {
  const wire::partition_state& first = part.partitions.front();
  return fmt::format(
      "{} events of `{}` wait in partition {} behind others that failed, and take {} bytes to "
      "name; {} are allowed: raise `limits: {{body: ...}}` of the topology above that and restart",
      first.waiting.size(),
      part.capability,
      first.partition,
      bytes,
      allowed);
}

} // namespace

event_turn::event_turn(group& of, runner_store* store, message_spans& spans)
    : group_{of}, store_{store}, spans_{spans}, partitions_{store},
      assignments_{of, store, partitions_}, others_{of, store} {
  handled_.capability = of.name();
}

void event_turn::start_over() {
  handled_.upto.clear();
  handled_.waiting.clear();
  handled_.done.clear();
  answers_.clear();
  counts_ = {};
  others_.look_again();
}

void event_turn::assign(const item& what) {
  if (const auto order = wire::checked_decode<wire::assign>(what.body)) {
    const std::size_t allowed = wire::carried_bytes_max(group_.parts().body_bytes_max);
    std::string refused;
    for (wire::assigned& part : in_frames(assignments_.assign(*order))) {
      std::string body = wire::encoded(part);
      if (body.size() > allowed) {
        refused = too_many_wait(part, body.size(), allowed);
        continue;
      }
      answers_.push_back({what.link, wire::kind::assigned, std::move(body)});
    }
    if (!refused.empty()) {
      // Last, as it stands for all partitions that were not answered for.
      const wire::assigned answer{group_.name(), order->epoch, {}, refused};
      answers_.push_back({what.link, wire::kind::assigned, wire::encoded(answer)});
      group_.parts().log.write(
          "events.refused", {{"capability", group_.name()}, {"reason", refused}});
    }
  }
}

void event_turn::add_dead_letters(const item& what) {
  if (const auto order = wire::checked_decode<wire::buried>(what.body)) {
    link_ = what.link;
    for (const std::uint64_t position : order->positions) {
      partitions_.add_dead_letter(position);
    }
  }
}

bool event_turn::run(write& each, turn_output& output, wall_time now) {
  const item& what = *each.what;
  partition& at = partitions_.touch(what.partition);
  if (!at.is_ours) {
    ++counts_.not_ours;
    return true;
  }
  link_ = what.link;
  const std::uint64_t position = what.token;
  if (position > at.handled) {
    if (partitions_.is_dead_letter(position)) {
      at.advance(position);
      return true;
    }
    if (at.is_behind(position, what.key)) {
      postpone(at, {position, what.partition, std::string{what.key}});
      return true;
    }
    return run_handler(each, at, 0, output, now);
  }
  const auto known = at.waiting.find(position);
  if (known == at.waiting.end()) {
    ++counts_.repeats;
    handled_.done.push_back(position); // The report of an earlier turn may have been lost.
    return true;
  }
  if (known->second.is_dead || at.is_behind(position, what.key)) {
    handled_.waiting.push_back(wire_form(known->second));
    return true;
  }
  return run_handler(each, at, known->second.attempts, output, now);
}

bool event_turn::run_handler(
    write& each, partition& at, std::uint32_t attempts, turn_output& output, wall_time now) {
  if (each.threw) {
    spans_.begin(each, each.what->trace);
    failed(each, at, "crashed", *each.threw);
    return true;
  }
  if (each.by->find_event(each.what->operation) == nullptr
      && others_.handle(each.what->operation)) {
    const auto known = at.waiting.find(each.what->token);
    postpone(
        at,
        known != at.waiting.end()
            ? known->second
            : store::postponed_row{
                each.what->token, each.what->partition, std::string{each.what->key}});
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
    asks_for_effects_ = asks_for_effects_ || output.effects.size() != before.requests.effects;
    succeeded(*each.what, at);
    return true;
  }
  output.back_to(before);
  if (undoable != nullptr) {
    undoable->rollback_to_savepoint();
  } else if (session != nullptr && session->changes() != changed_before) {
    // The event is run again with a savepoint, as a command is (call_turn).
    each.with_savepoint = true;
    return false;
  }
  const errc code = done.error().code;
  if (each.span) {
    each.span->record.has_failed = true;
    each.span->record.note_or_count(observe::names::error, name_of(code));
  }
  failed(
      each,
      at,
      verdict_on(code).ends_event ? std::string{name_of(code)} : std::string{"transient"},
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
  store::lending lent{
      store_ == nullptr ? nullptr : &store_->for_handlers(), output.at_savepoints()};
  turn current{
      *each.by,
      lent.session(),
      store_ == nullptr ? 0 : store_->writer,
      derived_id(what.id, group_.name()),
      what.key,
      now,
      output};
  spans_.begin(each, what.trace);
  current.in_trace(each.trace(what.trace), each.recorded());
  TROUPE_FAULT("event.before_handler");
  try {
    auto handled = handler->run(what.body, info, current);
    lent.end();
    if (each.with_savepoint && store_ != nullptr) {
      store_->database->await(); // As a command does (call_turn).
    }
    return handled;
  } catch (const no_store& wanted) {
    return failure{wanted.to_error()};
  } catch (const cannot_leave& refused) {
    return failure{refused.why()};
  } catch (const store::database_error& fault) {
    if (fault.kind != store::database_fault::constraint || fault.of_message) {
      throw;
    }
    return failure{fault.to_error()};
  }
}

void event_turn::succeeded(const item& what, partition& at) {
  ++counts_.handled;
  if (what.token > at.handled) {
    return at.advance(what.token);
  }
  partitions_.forget(at, what.token);
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
  handled_.waiting.push_back(wire_form(row));
  partitions_.postpone(at, std::move(row));
}

void event_turn::finish() {
  partitions_.finish(handled_.upto);
}

void event_turn::committed() {
  partitions_.committed();
  if (!handled_.upto.empty()) {
    error_texts texts;
    texts.add(handled_.waiting);
    texts.cut(handled_.waiting);
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
  start_over();
}

void event_turn::rolled_back() {
  partitions_.rolled_back();
  start_over();
}

} // namespace troupe
