#include "runtime/broker/events/bus.hpp"

#include <utility>

namespace troupe::broker {

namespace {

// The most lives in an ASSIGN. Older ones stay unknown to a database that was away for that long.
constexpr std::size_t lives_told = 256;

} // namespace

bus::bus(
    bus_options options,
    journal_state state,
    quarantine& quarantine,
    cut_links& cuts,
    std::uint64_t seed)
    : instance_{state.instance}, lives_{state.lives},
      newest_lives_{state.lives.newest(lives_told)}, incoming_{options.incoming, state},
      outboxes_{
          incoming_.topics(),
          std::move(options.rules),
          early_bytes_max(options.incoming.pending_bytes_max),
          options.incoming.keeps_nul},
      feeder_{options.subscriptions, state, quarantine, cuts, seed} {
  outboxes_.restore(std::move(state.sources), state.rewound);
}

void bus::joined(
    login_id login,
    std::string_view node,
    const uuid& incarnation,
    const std::vector<wire::served>& serves,
    instant now,
    event_decisions& out) {
  outboxes_.joined(login);
  feeder_.joined(login, node, incarnation, serves, now, out);
}

void bus::left(login_id login, bool is_blamed, instant now, event_decisions& out) {
  outboxes_.left(login);
  feeder_.left(login, is_blamed, now, out);
}

void bus::outbox(
    login_id from, const wire::outbox_state& state, instant now, event_decisions& out) {
  outboxes_.announced(from, state, now, outbox_decisions_);
  take(0, out);
}

void bus::relay(
    login_id from,
    const wire::header_view& header,
    std::string_view body,
    std::int64_t wall_ms,
    instant now,
    event_decisions& out) {
  auto made = event_of(header, body);
  made->source = header.to;
  if (!wire::is_topic(made->topic)) {
    // An event with a malformed topic is logged and accepted: refusing it would stop its outbox
    // forever. No turn commits one, so this is a bug of the worker.
    out.log.push_back({"strange_topic", {{"capability", made->source}, {"topic", made->topic}}});
  }
  (void)outboxes_.relayed(
      from, header.seq, std::move(made), incoming_.has_room_for_outboxes(), now, outbox_decisions_);
  take(wall_ms, out);
}

/// Takes over the decisions about outboxes.
void bus::take(std::int64_t wall_ms, event_decisions& out) {
  for (std::shared_ptr<event>& each : outbox_decisions_.accepted) {
    incoming_.accept(std::move(each), wall_ms);
  }
  for (event_action& each : outbox_decisions_.actions) {
    out.actions.push_back(std::move(each));
  }
  for (log_event& each : outbox_decisions_.log) {
    out.log.push_back(std::move(each));
  }
  outbox_decisions_.clear();
}

bool bus::wants_write(instant now) const {
  return incoming_.may_write(now)
         && (incoming_.has_batch() || outboxes_.has_passed_over() || feeder_.wants_write(now));
}

journal_batch bus::take_batch(instant now) {
  outboxes_.close_batch(incoming_.next_rows().sources);
  feeder_.add_rows(incoming_.next_rows(), now);
  return incoming_.take_batch(); // Copies references to events, and rows that are few.
}

void bus::written(const outcome<void>& how, instant now, event_decisions& out) {
  if (how) {
    incoming_.written(out);
  } else {
    incoming_.failed(how.error(), now, out);
  }
  outboxes_.written(how.has_value(), now, outbox_decisions_);
  take(0, out);
  if (how) {
    feeder_.written(incoming_.writing(), now, out);
  } else {
    feeder_.write_failed(incoming_.writing());
  }
  incoming_.end_batch(how.has_value());
}

void bus::forget_topics(const std::vector<std::string>& names) {
  incoming_.forget_topics(names);
  feeder_.forget_topics(names);
}

void bus::tick(instant now, std::int64_t wall_ms, event_decisions& out) {
  outboxes_.tick(now, outbox_decisions_);
  take(0, out);
  feeder_.tick(now, wall_ms, out);
}

} // namespace troupe::broker
