#include "runtime/worker/worker_loop.hpp"

#include "runtime/fault_point.hpp"
#include "runtime/wire/envelope.hpp"
#include "runtime/worker/effect_pool.hpp"
#include "runtime/worker/worker_status.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <unistd.h>

namespace troupe {

namespace {

// The interval of checks of breakers, supervisors and delayed items.
constexpr milliseconds tick{10};
constexpr milliseconds probe_patience{250};

/// @param number of the group in the probe.
group_snapshot
snapshot_of(group_runtime& running, const health_probe& probe, std::size_t number, instant now) {
  group& of = running.front();
  group_snapshot said{
      .took = probe.group_took(number, now),
      .busy_limit = of.options().turn_limit,
      .probed = probe.said_by(number),
      .operations = of.type().description.operation_names(),
      .measured = of.metrics().front(),
      .breaker_openings = of.breaker().openings()};
  for (const runner_metrics& each : of.metrics().subspan(1)) {
    said.measured.add(each);
  }
  if (const error* const why = of.condition().why_shut()) {
    said.refused_store = why->message;
  }
  if (const std::optional<instant> since = running.busy_since()) {
    said.busy = now - *since;
  }
  if (const effect_pool* const effects = of.effects()) {
    said.effects = effects->look();
  }
  return said;
}

/// Calls and events that a drain waits for.
std::int64_t in_hand(const worker_groups& groups) {
  std::int64_t found = 0;
  for (const auto& each : groups) {
    found += each->front().queues().calls_in_hand() + each->front().queues().events_in_hand();
  }
  return found;
}

/// Effects that it waits for. A group that is down or shut settles nothing.
std::int64_t effects_in_hand(const worker_groups& groups) {
  std::int64_t found = 0;
  for (const auto& each : groups) {
    group& of = each->front();
    const effect_pool* const effects = of.effects();
    if (effects != nullptr && !of.condition().is_down()) {
      found += effects->in_hand();
    }
  }
  return found;
}

} // namespace

worker_loop::worker_loop(
    transport::peer_loop& sockets,
    const worker_options& options,
    worker_parts& parts,
    const worker_groups::list& groups)
    : sockets_{sockets}, options_{options}, parts_{parts}, groups_{groups},
      calls_{sockets, groups_, options.node}, events_{sockets, groups_, parts.log},
      replies_{sockets},
      sagas_{sockets, static_cast<int>(options.brokers.size()), parts.time.now()},
      housekeeper_{groups_, parts.incarnation}, reports_{sockets, groups_},
      node_{sockets, parts, groups_, calls_, reports_, sagas_},
      probe_{
          sockets, parts.time, groups_, std::min(probe_patience, options.heartbeat.timeout / 2)} {
}

wire::hello worker_loop::hello(int link) {
  wire::hello hello{
      .role = "worker",
      .node = options_.node,
      .incarnation = parts_.incarnation,
      .plan = options_.plan,
      .batch = true,
      .pid = static_cast<std::uint64_t>(::getpid()),
      .serves = {},
      .in_flight = {},
      .held = calls_.in_flight(link),
      .shared_plan = options_.shared_plan};
  for (const wire::held_call& each : *hello.held) {
    hello.in_flight.push_back(each.id);
  }
  replies_.begin_login(link);
  const instant now = parts_.time.now();
  for (const auto& each : groups_) {
    hello.serves.push_back(each->front().served(now));
  }
  return hello;
}

void worker_loop::welcomed(int link, const wire::welcome& welcome, instant now) {
  refused_since_ = {};
  parts_.log.write("broker.joined", {{"broker", welcome.broker}});
  if (!replies_.send_held(link)) {
    return sockets_.renew(link);
  }
  reports_.tell_all(link, now); // A change since HELLO had no link to go over.
  sagas_.link_up(link);
  sagas_.send(now);
  events_.welcomed(link, welcome);
}

void worker_loop::refused(int link, const error& why, instant now) {
  replies_.end_login(link);
  parts_.log.write(
      "broker.refused",
      {{"broker", options_.brokers[static_cast<std::size_t>(link)]},
       {"code", std::string{name_of(why.code)}},
       {"reason", why.message}});
  if (refused_since_ == instant{}) {
    refused_since_ = now;
  } else if (now - refused_since_ > options_.refusal_limit && !housekeeper_.has_roster()) {
    end_ = {false, why.message};
    sockets_.stop();
  }
}

void worker_loop::lost(int link, std::string_view why, instant) {
  parts_.log.write(
      "broker.lost",
      {{"broker", options_.brokers[static_cast<std::size_t>(link)]}, {"reason", std::string{why}}});
  sagas_.link_lost(link);
  events_.lost(link);
  housekeeper_.lost(link);
}

void worker_loop::received(
    int link,
    std::string_view header,
    std::string_view body,
    const transport::frame_ref& frame,
    instant now) {
  const auto read = wire::scan_header(header);
  if (!read) {
    return; // A broker checks before it sends: only a broken one gets here, and is not answered.
  }
  switch (read->kind) {
  case wire::kind::call:
    return take_call(link, *read, body, frame, now);
  case wire::kind::reply:
    if (read->id == uuid{}) {
      // About the login, not a call: the broker's process was stopped and has forgotten this
      // worker.
      return sockets_.renew(link);
    }
    if (probe_.take_reply(link, read->id)) {
      return;
    }
    return sagas_.take_reply(*read, body, frame);
  case wire::kind::bye:
    return sockets_.renew(link); // The broker is going; its successor wants to be greeted.
  case wire::kind::welcome:
    return events_.take_news(link, body);
  case wire::kind::roster:
    return housekeeper_.take_roster(link, body);
  case wire::kind::event:
    return events_.take_event(link, *read, body, frame);
  case wire::kind::assign:
  case wire::kind::buried:
  case wire::kind::confirmed:
  case wire::kind::resend:
    return events_.take_order(link, read->kind, body, frame);
  default:
    return; // A ping, which only shows that the broker is there.
  }
}

void worker_loop::take_call(
    int link,
    const wire::header_view& header,
    std::string_view body,
    const transport::frame_ref& frame,
    instant now) {
  if (group* to = groups_.find(header.to)) {
    return calls_.take(link, header, *to, body, frame, now);
  }
  if (header.to == node_.name()) {
    return node_.take(link, header, body, now);
  }
  calls_.refuse(
      link,
      header.id,
      {.code = errc::unknown_capability,
       .message = fmt::format("{} does not run `{}`", options_.node, header.to)});
}

void worker_loop::commands(instant now) {
  parts_.inlet.take_all(taken_);
  for (outbound& each : taken_) {
    carry_out(each, now);
  }
  if (!taken_.empty()) {
    TROUPE_FAULT("worker.replies_sent");
    sagas_.send(now);
  }
}

void worker_loop::carry_out(outbound& done, instant now) {
  for (const outbound::frame& each : done.replies) {
    replies_.send(each.link, each.bytes);
  }
  for (const std::string& each : done.everywhere) {
    for (int link = 0; link < sockets_.links(); ++link) {
      replies_.send(link, each);
    }
  }
  calls_.end(done.slots);
  done.from->queues().ended(static_cast<std::int64_t>(done.slots.size()), done.events);
  if (done.effects != 0) {
    done.from->effects()->told(done.effects);
  }
  for (const saga::outgoing::call& each : done.calls) {
    sagas_.add(*done.from, each, now);
  }
  delayed_.take(*done.from, done, now);
  if (done.void_login != 0) {
    events_.renew_login(done.void_login);
  }
  if (done.changed) {
    reports_.tell(*done.from, now);
  }
  if (done.probed) {
    probe_.take(*done.from, *done.probed);
    next_due_ = now;
  }
}

wire::pong worker_loop::progress(instant now) {
  instant oldest = now;
  for (const auto& each : groups_) {
    oldest = std::min(oldest, each->busy_since().value_or(now));
  }
  const auto busy = std::chrono::duration_cast<milliseconds>(now - oldest);
  return {calls_.answered(), static_cast<std::uint32_t>(busy.count())};
}

void worker_loop::due(instant now) {
  next_due_ = now + tick;
  for (const auto& each : groups_) {
    each->tick(now);
    if (each->front().take_changed()) {
      reports_.tell(each->front(), now);
    }
  }
  sagas_.expire(now);
  delayed_.push_due(now);
  housekeeper_.ask_if_due(now);
  answer_asked(now);
  if (drain_requested_) {
    continue_drain(now);
  }
}

/// Answers the requests for a snapshot, once groups and brokers have answered.
void worker_loop::answer_asked(instant now) {
  if (!asked_.is_asked()) {
    return;
  }
  if (!probe_.is_under_way()) {
    probe_.begin(now);
  }
  if (probe_.is_over(now)) {
    probe_.end();
    asked_.answer([&] { return snapshot(now); });
  }
}

worker_snapshot worker_loop::snapshot(instant now) const {
  worker_snapshot said{
      .status = worker_status(parts_, groups_, sagas_.size(), now),
      .is_draining = reports_.is_draining()};
  for (std::size_t i = 0; i < groups_.size(); ++i) {
    group_runtime& running = **(groups_.begin() + static_cast<std::ptrdiff_t>(i));
    said.groups.push_back(snapshot_of(running, probe_, i, now));
  }
  for (int link = 0; link < sockets_.links(); ++link) {
    said.links.push_back({sockets_.is_up(link), probe_.link_took(link, now)});
  }
  return said;
}

void worker_loop::continue_drain(instant now) {
  if (!reports_.is_draining()) {
    reports_.set_draining();
    drain_until_ = now + options_.drain_limit;
    for (const auto& each : groups_) {
      each->front().condition().set_draining();
    }
    parts_.log.write(
        "worker.draining",
        {{"in_hand", fmt::to_string(in_hand(groups_) + effects_in_hand(groups_))}});
    return reports_.tell_all(now); // Calls already on their way are still to come in.
  }
  const instant::duration left = drain_until_ - now;
  if (left <= options_.drain_limit / 2) {
    for (const auto& each : groups_) {
      if (effect_pool* const effects = each->front().effects()) {
        effects->begin_no_more(); // Those that run have the rest of the time.
      }
    }
  }
  const std::int64_t owed = in_hand(groups_);
  const std::int64_t effects = effects_in_hand(groups_);
  const bool is_done = owed == 0 && (effects == 0 || left <= options_.drain_limit / 5);
  if (is_done || left <= instant::duration{0}) {
    commands(now); // The results that are finished by now leave, too, if the time is up.
    parts_.log.write("worker.drained", {{"left", fmt::to_string(owed + effects)}});
    sockets_.stop();
  }
}

milliseconds worker_loop::time_to_end(instant now) const {
  if (!reports_.is_draining()) {
    return options_.drain_limit;
  }
  const auto left = std::chrono::duration_cast<milliseconds>(drain_until_ - now);
  return std::clamp(left, options_.drain_limit / 10, options_.drain_limit);
}

} // namespace troupe
