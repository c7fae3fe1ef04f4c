#include "runtime/broker/events/scheduled_events.hpp"

#include "runtime/time_text.hpp"
#include "runtime/wire/error_map.hpp"
#include "runtime/wire/events.hpp"
#include "runtime/wire/limits.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <utility>

namespace troupe::broker {

namespace {

constexpr std::size_t events_max = 1'000;
constexpr std::size_t orders_max = 1'000;

// The bytes of an event in a list: its topic, its key, and the rest.
constexpr std::size_t entry_bytes_max = wire::name_bytes_max + wire::key_bytes_max + 128;

} // namespace

bool scheduled_events::is_busy() const {
  return looks_ > 0 || !incoming_.next_rows().cancelled.empty()
         || !incoming_.writing().cancelled.empty();
}

void scheduled_events::list(
    origin from, const uuid& id, const wire::get_scheduled& what, instant now) {
  if (what.topic && !wire::is_pattern(*what.topic)) {
    return links_.pass_refusal(
        from,
        id,
        invalid("`topic` is a topic, or the beginning of topics such as `order.*`, or `*`"));
  }
  ask_scheduled question{.pattern = what.topic.value_or(""), .after = what.after};
  question.from = what.from.value_or(question.from);
  question.before = what.before.value_or(question.before);
  question.count_max = std::clamp<std::size_t>(
      what.count, 1, std::clamp<std::size_t>(bytes_max_ / entry_bytes_max, 1, events_max));
  journal_.ask_for(
      asker_of(from),
      std::move(question),
      now,
      [=, this](const outcome<journal_result>& result, instant) {
        const auto* page = result_of<scheduled_page>(result);
        if (page == nullptr) {
          return links_.pass_refusal(from, id, why_none(result));
        }
        wire::scheduled_found answer;
        for (const scheduled_page::entry& each : page->events) {
          answer.events.push_back(
              {.id = each.id,
               .due_at = each.due_at,
               .topic = each.topic,
               .key = each.key,
               .body_bytes = each.body_bytes});
        }
        if (page->next) {
          answer.next = page->next;
          answer.next_from = page->next_from;
        }
        links_.reply(from, id, wire::encoded(answer));
      });
}

void scheduled_events::show(origin from, const uuid& id, const uuid& which, instant now) {
  journal_.ask_for(
      asker_of(from),
      ask_scheduled_event{which},
      now,
      [=, this](const outcome<journal_result>& result, instant) {
        const auto* found = result_of<scheduled_event_found>(result);
        if (found == nullptr) {
          return links_.pass_refusal(from, id, why_none(result));
        }
        if (!found->what) {
          return links_.pass_refusal(from, id, why_not(which, *found));
        }
        const event& what = *found->what->what;
        links_.reply(
            from,
            id,
            wire::encoded(wire::waiting_event{
                .id = which,
                .due_at = found->due_at,
                .topic = what.topic,
                .key = what.key,
                .body_bytes = what.body.size(),
                .body = wire::binary_value{what.body}}));
      });
}

void scheduled_events::cancel(origin from, const uuid& id, const wire::cancel_scheduled& what) {
  if (what.who.empty() || what.who.size() > wire::who_bytes_max || what.why.empty()
      || what.why.size() > wire::why_bytes_max) {
    return links_.pass_refusal(
        from,
        id,
        invalid(fmt::format(
            "`who` and `why` are wanted: the person in at most {} bytes, the reason in at most {}",
            wire::who_bytes_max,
            wire::why_bytes_max)));
  }
  if (orders_.size() >= orders_max) {
    return links_.pass_refusal(
        from,
        id,
        {.code = errc::overloaded,
         .message = "too many want to cancel scheduled events",
         .retry_after = milliseconds{100}});
  }
  orders_.push_back({from, id, what});
}

void scheduled_events::carry_out(instant now) {
  for (order& each : std::exchange(orders_, {})) {
    ++looks_;
    const asker who = asker_of(each.from);
    ask_scheduled_event question{each.what.id};
    journal_.ask_for(
        who,
        std::move(question),
        now,
        [this, what = std::move(each)](const outcome<journal_result>& result, instant) {
          --looks_;
          if (const auto* found = result_of<scheduled_event_found>(result)) {
            carry_out(what, *found);
          } else {
            links_.pass_refusal(what.from, what.id, why_none(result));
          }
        });
  }
}

void scheduled_events::carry_out(const order& what, const scheduled_event_found& found) {
  const bool is_repeat = found.cancelled && found.cancelled->request == what.id;
  if (!found.what && !is_repeat) {
    return links_.pass_refusal(what.from, what.id, why_not(what.what.id, found));
  }
  if (!is_repeat) {
    incoming_.next_rows().cancelled.push_back(
        {.id = what.what.id,
         .request = what.id,
         .who = wire::travelling(what.what.who, wire::who_bytes_max),
         .why = wire::travelling(what.what.why, wire::why_bytes_max),
         .at = unix_millis(time_.wall())});
  }
  incoming_.answer_when_written(
      what.from,
      what.id,
      wire::encoded(wire::scheduled_cancelled{what.what.id, found.topic, found.due_at}));
}

/// The reason why the event is not scheduled.
error scheduled_events::why_not(const uuid& which, const scheduled_event_found& found) const {
  const std::string id = to_string(which);
  if (found.cancelled) {
    return rejected(
        "cancelled",
        fmt::format(
            "{} ({}, due {}) was cancelled by {} at {}: {}",
            id,
            found.topic,
            utc_time_text(milliseconds{found.due_at}),
            found.cancelled->who,
            utc_time_text(milliseconds{found.cancelled->at}),
            found.cancelled->why));
  }
  if (const auto position = incoming_.position_of(which)) {
    return rejected(
        "published",
        fmt::format(
            "{} is published already, at position {}: it cannot be taken back", id, *position));
  }
  return rejected(
      "not_scheduled",
      fmt::format(
          "nothing is scheduled under {}: it was published before the last {} events, or never "
          "scheduled",
          id,
          recent_publishes::ids_max));
}

} // namespace troupe::broker
