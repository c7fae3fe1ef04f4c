#include "runtime/broker/events/event_service.hpp"

#include "runtime/fault_point.hpp"
#include "runtime/time_text.hpp"

#include <algorithm>
#include <map>
#include <string_view>
#include <utility>

namespace troupe::broker {

namespace {

constexpr std::size_t read_events_max = 2'048;
constexpr std::size_t read_bytes_max = 4U << 20U;
constexpr std::chrono::seconds sweep_interval{5};

/// Says whose events the journal has and nobody gets any more.
void report_gone(
    const journal_state& state, const feeder& subscribers, event_links& links, instant now) {
  // The capabilities that are gone, with their dead letters.
  std::map<std::string_view, std::size_t> gone;
  for (const cursor_row& each : state.cursors) {
    gone.emplace(each.capability, 0);
  }
  for (const journal_state::dead_letter_at& each : state.dead_letters) {
    ++gone[each.capability];
  }
  for (std::uint32_t i = 0; i < subscribers.size(); ++i) {
    gone.erase(subscribers[i].capability());
  }
  for (const auto& [capability, letters] : gone) {
    links.report(
        {"subscriber_gone",
         {{"capability", std::string{capability}},
          {"dead_letters", std::to_string(letters)},
          {"what",
           "the topology has no subscriber of this name any more; its dead letters stay, and "
           "`troupe dead-letters retry --to` gives them to another"}}},
        now);
  }
}

/// Says which dead letters were not made again.
void report_decided(
    const std::vector<dead_letter>& letters,
    const std::vector<uuid>& decided,
    event_links& links,
    instant now) {
  for (const dead_letter& each : letters) {
    if (std::find(decided.begin(), decided.end(), each.id) != decided.end()) {
      links.report(
          {"dead_letter_decided",
           {{"capability", each.capability},
            {"position", std::to_string(each.what->position)},
            {"what",
             "its dead letter was there, and a person has retried or dropped it since; none is "
             "made again"}}},
          now);
    }
  }
}

} // namespace

event_service::event_service(
    const clock& time,
    event_links& links,
    quarantine& quarantine,
    cut_links& cuts,
    event_service_options options,
    const journal_state& state)
    : time_{time}, links_{links},
      bus_{
          std::move(options.bus),
          state,
          quarantine,
          cuts,
          static_cast<std::uint64_t>(time.wall().time_since_epoch().count())},
      journal_{std::move(options.kept), time},
      operations_{time, journal_, bus_, links, options.body_bytes_max},
      gauge_{time, journal_, bus_}, due_{state.next_due},
      settled_{
          state.settled == 0 ? time.wall() : time_since_1970(milliseconds{state.settled}),
          time.now()},
      settled_ms_{unix_millis(settled_.at(time.now(), time.wall()))} {
  sweeps_.rules = std::move(options.rules);
  bus_.incoming().set_earliest(settled_ms_);
  report_gone(state, bus_.feeder(), links, time.now());
}

/// The time of what is journaled now.
std::int64_t event_service::wall_ms() const {
  return std::max(unix_millis(time_.wall()), settled_ms_);
}

// --- What comes in ------------------------------------------------------------------------------

void event_service::publish(
    origin from, const wire::header_view& header, std::string_view body, instant now) {
  bus_.incoming().publish(from, header, body, wall_ms(), decided_);
  carry_out(now);
}

outcome<void> event_service::worker_said(
    login_id from, const wire::header_view& header, std::string_view body, instant now) {
  const auto decode = [&]<class Message>(Message /*type*/, const auto& hear) -> outcome<void> {
    TROUPE_TRY(const auto& message, wire::checked_decode<Message>(body));
    hear(message);
    carry_out(now);
    return {};
  };
  switch (header.kind) {
  case wire::kind::relay:
    TROUPE_FAULT("bus.relay_received");
    bus_.relay(from, header, body, wall_ms(), now, decided_);
    carry_out(now);
    return {};
  case wire::kind::outbox:
    return outbox(from, body, now);
  case wire::kind::assigned:
    return decode(wire::assigned{}, [&](const wire::assigned& state) {
      bus_.feeder().assigned(from, state, now, decided_);
    });
  case wire::kind::handled:
    TROUPE_FAULT("bus.handled_received");
    return decode(wire::handled{}, [&](const wire::handled& what) {
      bus_.feeder().handled(from, what, now, decided_);
    });
  default:
    return {};
  }
}

/// A worker that relays an outbox announces it first. Whose database it is, the topology says.
outcome<void> event_service::outbox(login_id from, std::string_view body, instant now) {
  TROUPE_TRY(const auto& state, wire::checked_decode<wire::outbox_state>(body));
  if (!links_.is_placed_at(from, state.capability)) {
    return failure{
        {.code = errc::forbidden,
         .message = "an outbox of `" + wire::travelling(state.capability, wire::name_bytes_max)
                    + "`, which the topology does not place on this node"}};
  }
  bus_.outbox(from, state, now, decided_);
  carry_out(now);
  return {};
}

void event_service::joined(login_id login, const wire::hello& hello, instant now) {
  bus_.joined(login, hello.node, hello.incarnation, hello.serves, now, decided_);
  carry_out(now);
}

void event_service::left(login_id login, bool is_blamed, instant now) {
  bus_.left(login, is_blamed, now, decided_);
  carry_out(now);
}

void event_service::state(login_id login, const wire::state& state, instant now) {
  bus_.feeder().state(login, state, now, decided_);
  carry_out(now);
}

void event_service::follow_quarantine(instant now) {
  bus_.feeder().follow_quarantine(now, decided_);
  carry_out(now);
}

given_up_journal event_service::give_up(const error& why, instant now) {
  given_up_journal given{journal_.release(why), bus_.incoming().last(), bus_.lives()};
  bus_.incoming().give_up(why, decided_);
  carry_out(now);
  operations_.give_up(why, now);
  journal_.refuse_all(now);
  carry_out(now);
  bus_.feeder().leave_quarantine();
  return given;
}

// --- What is due --------------------------------------------------------------------------------

instant event_service::next_due(instant tick_at) const {
  if (journal_.has_answers()) {
    return {};
  }
  const instant now = time_.now();
  if (!bus_.wants_write(now)) {
    return tick_at;
  }
  return hold_.holds(bus_.incoming().pending(), now) ? std::min(hold_.until(), tick_at) : instant{};
}

void event_service::due(instant now) {
  if (journal_.has_answers()) {
    journal_.take_answers(now);
  }
  if (!bus_.wants_write(now) || hold_.holds(bus_.incoming().pending(), now)) {
    return;
  }
  hold_.begun(now);
  gauge_.took_in(now);
  TROUPE_FAULT("bus.before_write");
  journal_.write(bus_.take_batch(now), [this](const outcome<journal_result>& result, instant at) {
    written(result, at);
  });
}

void event_service::tick(instant now) {
  settled_ms_ = unix_millis(settled_.at(time_.now(), time_.wall()));
  bus_.incoming().set_earliest(settled_ms_);
  bus_.tick(now, wall_ms(), decided_);
  carry_out(now);
  operations_.tick(now);
  for (log_event& each : journal_.take_log()) {
    links_.report(std::move(each), now);
  }
  publish_due(now);
  sweep(now);
}

void event_service::written(const outcome<journal_result>& result, instant now) {
  TROUPE_FAULT("bus.before_confirm");
  const outcome<void> how = result ? outcome<void>{} : failure{result.error()};
  const journal_batch& batch = bus_.incoming().writing();
  hold_.ended(batch.events.size(), bus_.incoming().pending() - batch.events.size(), now);
  gauge_.ended(batch.events.size(), how, now);
  std::vector<event_ref> fresh;
  if (how) {
    operations_.topics().written(batch.events);
    gauge_.wrote(batch);
    if (operations_.has_readers()) {
      fresh = batch.events;
    }
    for (const scheduled_event& each : batch.scheduled) {
      due_.written(each.due_at);
    }
    if (const auto* done = result_of<batch_written>(result); done != nullptr) {
      bus_.incoming().not_scheduled(done->refused, decided_);
      report_decided(batch.dead_letters, done->refused.decided, links_, now);
    }
  } else {
    due_.ask_again(); // Events that were to be published in this batch are still scheduled.
  }
  bus_.written(how, now, decided_);
  carry_out(now);
  operations_.written(fresh, how, now);
  TROUPE_FAULT("bus.confirmed");
}

/// Scheduled events whose time has come go into the journal as if they were published now.
void event_service::publish_due(instant now) {
  // Timers go by the wall clock, by which they were set.
  const std::int64_t wall = unix_millis(time_.wall());
  scheduled_events& orders = operations_.scheduled();
  if (bus_.incoming().is_firing() || due_.is_asking() || orders.is_busy()) {
    return;
  }
  // Orders that cancel events and events that are due take turns: what is found due would be
  // published although it is cancelled meanwhile.
  if (orders.are_waiting() && due_.gives_way(wall)) {
    return orders.carry_out(now);
  }
  if (!due_.begin(wall)) {
    return;
  }
  journal_.ask(ask_due{wall}, now, [this](const outcome<journal_result>& result, instant at) {
    const auto* found = result_of<due_found>(result);
    if (found == nullptr) {
      return due_.failed();
    }
    due_.answered(found->next_due);
    for (const scheduled_event& each : found->events) {
      if (!bus_.incoming().fire(each, wall_ms(), decided_)) {
        due_.ask_again();
      }
    }
    carry_out(at);
  });
}

void event_service::sweep(instant now) {
  if (sweeps_.rules.empty() || now < sweeps_.at) {
    return;
  }
  sweeps_.at = instant::max();
  retention keep{sweeps_.rules, {}, settled_ms_};
  const feeder& subscribers = bus_.feeder();
  for (std::uint32_t i = 0; i < subscribers.size(); ++i) {
    const auto cursors = subscribers[i].cursors();
    const std::uint64_t handled = std::ranges::min(cursors);
    for (const std::string& pattern : subscribers[i].patterns()) {
      keep.needs.push_back({pattern, handled});
    }
  }
  journal_.sweep(std::move(keep), [this, now](const outcome<journal_result>& result, instant at) {
    sweeps_.at = now + sweep_interval;
    if (!result && !sweeps_.has_failed) {
      links_.report({"sweep_failed", {{"why", result.error().message}}}, at);
    }
    sweeps_.has_failed = !result;
    const auto* swept = result_of<events_swept>(result);
    if (swept != nullptr) {
      bus_.feeder().deleted(swept->deletions);
    }
    if (swept != nullptr && !swept->forgotten.empty()) {
      bus_.forget_topics(swept->forgotten);
      operations_.topics().forget(swept->forgotten);
      links_.report(
          {"topics_forgotten", {{"topics", std::to_string(swept->forgotten.size())}}}, at);
    }
    if (swept != nullptr && swept->deleted != 0) {
      links_.report({"events_deleted", {{"events", std::to_string(swept->deleted)}}}, at);
    }
  });
}

// --- What the bus decided -----------------------------------------------------------------------

/// Carries the decisions out in order; what that leads to is decided after it.
void event_service::carry_out(instant now) {
  gauge_.took_in(now);
  event_decisions doing;
  std::swap(doing, decided_);
  std::swap(decided_.actions, spare_.actions);
  for (log_event& each : doing.log) {
    links_.report(std::move(each), now);
  }
  const feeder& subscribers = bus_.feeder();
  for (event_action& each : doing.actions) {
    if (const auto* deliver = std::get_if<deliver_event>(&each)) {
      carry_out(*deliver);
    } else if (const auto* published = std::get_if<answer_published>(&each)) {
      said_.body.clear();
      wire::encode(said_.body, wire::published{published->position, published->is_repeat});
      links_.reply(published->to, published->id, said_.body);
    } else if (auto* given = std::get_if<send_assign>(&each)) {
      send(
          given->to,
          wire::kind::assign,
          wire::assign{
              subscribers[given->subscriber].capability(),
              bus_.instance(),
              given->epoch,
              std::move(given->partitions),
              bus_.newest_lives(),
              std::move(given->remembered)});
    } else if (const auto* dead = std::get_if<send_dead>(&each)) {
      send(
          dead->to,
          wire::kind::buried,
          wire::buried{subscribers[dead->subscriber].capability(), dead->positions});
    } else if (const auto* wanted = std::get_if<fetch_events>(&each)) {
      carry_out(*wanted, now);
    } else if (const auto* behind = std::get_if<read_journal>(&each)) {
      carry_out(*behind, now);
    } else if (const auto* written = std::get_if<answer_written>(&each)) {
      links_.reply(written->to, written->id, written->body);
    } else if (const auto* refused = std::get_if<refuse_published>(&each)) {
      links_.pass_refusal(refused->to, refused->id, doing.errors[refused->error]);
    } else if (const auto* confirmed = std::get_if<send_confirmed>(&each)) {
      send(confirmed->to, wire::kind::confirmed, confirmed->what);
    } else if (const auto* missing = std::get_if<send_resend>(&each)) {
      send(missing->to, wire::kind::resend, missing->what);
    }
  }
  doing.clear();
  std::swap(spare_, doing); // Its room is used again.
}

void event_service::carry_out(const deliver_event& what) {
  const event& each = *what.what;
  said_.header.clear();
  wire::append_event_header(
      said_.header,
      {.kind = wire::kind::event,
       .id = each.id,
       .to = std::as_const(bus_).feeder()[what.subscriber].capability(),
       .topic = each.topic,
       .key = each.key,
       .source = each.source,
       .traceparent = each.traceparent,
       .seq = each.position,
       .time = static_cast<std::uint64_t>(each.time)});
  links_.pass_message(what.to, said_.header, each.body);
}

void event_service::carry_out(const read_journal& what, instant now) {
  journal_.ask(
      ask_events{
          what.after,
          std::min(what.count, read_events_max),
          read_bytes_max,
          std::as_const(bus_).feeder()[what.subscriber].patterns()},
      now,
      [this, index = what.subscriber](const outcome<journal_result>& result, instant at) {
        if (const auto* page = result_of<events_page>(result)) {
          bus_.feeder().read(index, page->events, page->scanned, at, decided_);
        } else {
          bus_.feeder().read_failed(index);
        }
        carry_out(at);
      });
}

void event_service::carry_out(const fetch_events& what, instant now) {
  journal_.ask(
      ask_positions{what.positions},
      now,
      [this, what](const outcome<journal_result>& result, instant at) {
        if (const auto* found = result_of<positions_found>(result)) {
          bus_.feeder().fetched(what.subscriber, found->events, found->missing, at, decided_);
          if (!found->rest.empty()) {
            decided_.actions.emplace_back(fetch_events{what.subscriber, found->rest});
          }
          carry_out(at);
        } else {
          // The question is asked again, with what is decided next: nothing is known to be missing.
          decided_.actions.emplace_back(what);
        }
      });
}

template <class Message>
void event_service::send(login_id to, wire::kind kind, const Message& message) {
  said_.header.clear();
  wire::append_plain_header(said_.header, kind);
  links_.pass_message(to, said_.header, wire::encoded(message));
}

} // namespace troupe::broker
