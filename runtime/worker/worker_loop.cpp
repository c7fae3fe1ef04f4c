#include "runtime/worker/worker_loop.hpp"

#include "runtime/fault_point.hpp"
#include "runtime/wire/envelope.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <unistd.h>

namespace troupe {

namespace {

// Timers of breakers and supervisors are looked at this often.
constexpr milliseconds tick{10};
constexpr milliseconds house_interval{250};
// Who is alive is news for so long.
constexpr milliseconds house_valid{1'000};
// What could not be done waits this long: a full disk does not empty in a microsecond.
constexpr std::string_view node_prefix = "troupe.node.";

} // namespace

worker_loop::worker_loop(
    transport::peer_loop& loop,
    const worker_options& options,
    worker_parts& parts,
    const std::vector<std::unique_ptr<group_runtime>>& groups)
    : loop_{loop}, options_{options}, parts_{parts}, groups_{groups},
      own_name_{std::string{node_prefix} + options.node}, arriving_(groups.size()),
      arriving_events_(groups.size()), calls_{
                                           static_cast<int>(options.brokers.size()),
                                           parts.time.now()} {
  for (std::size_t i = 0; i < groups.size(); ++i) {
    group_by_name_.emplace(groups[i]->front().name(), i);
  }
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
      .in_flight = {}};
  const instant now = parts_.time.now();
  for (const auto& each : groups_) {
    hello.serves.push_back(each->front().served(now));
  }
  for (const slot& each : slots_) {
    if (each.used && each.link == link) {
      hello.in_flight.push_back(each.id);
    }
  }
  return hello;
}

void worker_loop::welcomed(int link, const wire::welcome& welcome, instant now) {
  refused_since_ = {};
  parts_.log.write("broker.joined", {{"broker", welcome.broker}});
  calls_.link_up(link);
  send_calls(now);
  if (welcome.journal) {
    journal_up(link);
  }
  if (draining_) {
    tell_state(0, true);
  }
}

void worker_loop::refused(int link, const error& why, instant now) {
  parts_.log.write(
      "broker.refused",
      {{"broker", options_.brokers[static_cast<std::size_t>(link)]},
       {"code", std::string{name_of(why.code)}},
       {"reason", why.message}});
  if (refused_since_ == instant{}) {
    refused_since_ = now;
  } else if (now - refused_since_ > options_.refusal_limit && rosters_.empty()) {
    end_ = {false, why.message};
    loop_.stop();
  }
}

void worker_loop::lost(int link, std::string_view why, instant) {
  parts_.log.write(
      "broker.lost",
      {{"broker", options_.brokers[static_cast<std::size_t>(link)]}, {"reason", std::string{why}}});
  calls_.link_lost(link);
  journal_down(link);
  rosters_.erase(link);
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
      // Not about a call but about us: the broker stood still and knows this login no more.
      return loop_.renew(link);
    }
    return take_reply(*read, body, frame);
  case wire::kind::bye:
    return loop_.renew(link); // The broker is going; its successor wants to be greeted.
  case wire::kind::roster:
    return take_roster(link, body);
  case wire::kind::event:
    return take_event(link, *read, body, frame);
  case wire::kind::assign:
  case wire::kind::buried:
  case wire::kind::confirmed:
  case wire::kind::resend:
    return take_order(link, read->kind, body, frame);
  default:
    return; // Pings: that something came is all they say.
  }
}

void worker_loop::take_call(
    int link,
    const wire::header_view& header,
    std::string_view body,
    const transport::frame_ref& frame,
    instant now) {
  const auto found = group_by_name_.find(header.to);
  if (found == group_by_name_.end()) {
    if (header.to == own_name_) {
      return take_own_call(link, header, body, now);
    }
    return refuse(
        link,
        header.id,
        {.code = errc::unknown_capability,
         .message = fmt::format("{} does not run `{}`", options_.node, header.to)});
  }
  if (groups_[found->second]->front().why_shut() != nullptr) {
    return refuse_shut(link, header.id, groups_[found->second]->front());
  }
  if (draining_) {
    return refuse(
        link,
        header.id,
        {.code = errc::unavailable,
         .message = options_.node + " is being drained",
         .retry_after = milliseconds{50}});
  }
  std::vector<item>& batch = arriving_[found->second];
  // Brokers keep to their credit, and those that lose a link give it anew: this is far beyond both.
  const group& front = groups_[found->second]->front();
  const std::int64_t most = std::int64_t{4} * front.options().bulkhead.in_flight * loop_.links();
  if (front.in_hand + static_cast<std::int64_t>(batch.size()) >= most) {
    return refuse(
        link,
        header.id,
        {.code = errc::overloaded,
         .message = fmt::format("{} holds {} calls for `{}`", options_.node, most, header.to),
         .retry_after = milliseconds{50}});
  }
  if (batch.empty()) {
    arrived_.push_back(found->second);
  }
  item& call = batch.emplace_back();
  call.link = link;
  call.slot = take_slot(header.id, link);
  call.id = header.id;
  call.deadline = now + milliseconds{header.ttl};
  call.operation = header.op;
  call.key = header.key;
  call.body = body;
  call.frame = frame;
}

/// There is nobody who could do it, and will not be before this worker is started anew.
void worker_loop::refuse_shut(int link, const uuid& id, const group& of) {
  refuse(
      link,
      id,
      {.code = errc::unavailable,
       .message = fmt::format(
           "`{}` is down on {}: {}", of.name(), options_.node, of.why_shut()->message)});
}

void worker_loop::refuse(int link, const uuid& id, const error& why) {
  std::string header;
  wire::append_error_header(header, id, why);
  loop_.append(link, header, {});
}

void worker_loop::frame_done(instant) {
  for (const std::size_t group : arrived_) {
    groups_[group]->front().push(arriving_[group]);
  }
  arrived_.clear();
  for (const std::size_t group : events_arrived_) {
    groups_[group]->front().push_events(arriving_events_[group]);
  }
  events_arrived_.clear();
}

std::uint32_t worker_loop::take_slot(const uuid& id, int link) {
  if (free_slots_.empty()) {
    free_slots_.push_back(static_cast<std::uint32_t>(slots_.size()));
    slots_.emplace_back();
  }
  const std::uint32_t index = free_slots_.back();
  free_slots_.pop_back();
  slots_[index] = {id, link, true};
  return index;
}

void worker_loop::commands(instant now) {
  parts_.inlet.drain(drained_);
  for (outbound& each : drained_) {
    carry_out(each, now);
  }
  if (!drained_.empty()) {
    TROUPE_FAULT("worker.replies_sent");
    send_calls(now);
  }
}

void worker_loop::carry_out(outbound& done, instant now) {
  for (const outbound::frame& each : done.replies) {
    // On a link that is down they are dropped: the broker asks again, and the inbox answers.
    (void)loop_.send_batch(each.link, each.bytes);
  }
  if (!done.everywhere.empty()) {
    for (int link = 0; link < loop_.links(); ++link) {
      (void)loop_.send_batch(link, done.everywhere);
    }
  }
  for (const std::uint32_t index : done.slots) {
    slots_[index].used = false;
    free_slots_.push_back(index);
  }
  finished_ += done.slots.size();
  if (done.calls.empty() && done.later.empty() && !done.changed) {
    return;
  }
  const std::size_t group = index_of(done.from);
  for (saga::outgoing::call& each : done.calls) {
    make_call(group, each, now);
  }
  for (auto& [delay, each] : done.later) {
    later_.emplace(now + delay, std::pair{group, std::move(each)});
  }
  if (done.changed) {
    tell_state(group, false);
  }
}

void worker_loop::take_roster(int link, std::string_view body) {
  if (auto roster = wire::checked_decode<wire::roster>(body)) {
    rosters_[link] = std::move(*roster);
  }
}

void worker_loop::keep_house(instant now) {
  if (rosters_.empty() || now - housekept_at_ < house_interval) {
    return; // Nobody says who is alive: nobody is given up.
  }
  housekept_at_ = now;
  wire::roster alive;
  for (const auto& [link, roster] : rosters_) {
    alive.workers.insert(alive.workers.end(), roster.workers.begin(), roster.workers.end());
  }
  const bool listed =
      std::any_of(alive.workers.begin(), alive.workers.end(), [&](const wire::member& each) {
        return each.incarnation == parts_.incarnation;
      });
  if (!listed) {
    return;
  }
  const std::string body = wire::encoded(alive);
  for (const auto& each : groups_) {
    if (each->front().has_open_store()) {
      item house{.what = item::kind::housekeeping};
      house.deadline = now + house_valid;
      house.own_body(std::string{body});
      each->front().push_internal(std::move(house));
    }
  }
}

void worker_loop::tell_state(std::size_t group, bool everything) {
  wire::state state{.draining = draining_, .serves = {}};
  const instant now = parts_.time.now();
  for (std::size_t i = 0; i < groups_.size(); ++i) {
    if (everything || i == group) {
      state.serves.push_back(groups_[i]->front().served(now));
    }
  }
  std::string header;
  wire::append_plain_header(header, wire::kind::state);
  const std::string body = wire::encoded(state);
  for (int link = 0; link < loop_.links(); ++link) {
    loop_.append(link, header, body);
  }
}

wire::pong worker_loop::progress(instant now) {
  std::int64_t oldest = 0;
  for (const auto& each : groups_) {
    const std::int64_t since = each->busy_since();
    if (since != 0 && (oldest == 0 || since < oldest)) {
      oldest = since;
    }
  }
  const std::int64_t busy = oldest == 0 ? 0 : (now.time_since_epoch().count() - oldest) / 1'000'000;
  return {finished_, static_cast<std::uint32_t>(std::max<std::int64_t>(0, busy))};
}

void worker_loop::due(instant now) {
  next_due_ = now + tick;
  for (std::size_t i = 0; i < groups_.size(); ++i) {
    groups_[i]->tick(now);
    if (groups_[i]->front().take_changed()) {
      tell_state(i, false);
    }
  }
  expire_calls(now);
  queue_due(now);
  keep_house(now);
  if (drain_requested_) {
    continue_drain(now);
  }
}

void worker_loop::continue_drain(instant now) {
  if (!draining_) {
    draining_ = true;
    drain_until_ = now + options_.drain_limit;
    for (const auto& each : groups_) {
      each->front().set_draining();
    }
    parts_.log.write("worker.draining", {{"in_hand", fmt::to_string(still_owed())}});
    tell_state(0, true);
    return; // Calls already on their way are still to come in.
  }
  const std::int64_t owed = still_owed();
  if (owed == 0 || now >= drain_until_) {
    parts_.log.write("worker.drained", {{"left", fmt::to_string(owed)}});
    loop_.stop();
  }
}

std::int64_t worker_loop::still_owed() const {
  std::int64_t owed = 0;
  for (const auto& each : groups_) {
    owed += each->front().in_hand.load(std::memory_order_relaxed);
    owed += each->front().events_in_hand.load(std::memory_order_relaxed);
  }
  return owed;
}

std::size_t worker_loop::index_of(const group* front) const {
  return group_by_name_.find(front->name())->second;
}

} // namespace troupe
