#include "runtime/broker/events/reading.hpp"

#include "runtime/time_text.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace troupe::broker {

namespace {

constexpr std::size_t readers_max = 1'024;
constexpr std::uint32_t read_count_max = 1'000;
constexpr std::uint32_t wait_ms_max = 60'000;
// The time before its deadline at which a waiting read is answered, so that the answer arrives in
// time.
constexpr milliseconds answer_before{20};

/// Whether the event is a dead letter that is tried again: readers of its topic have had it before.
bool is_for_one_subscriber(const event_ref& each) {
  return !each->only_for.empty();
}

} // namespace

void reading::read(
    origin from, const uuid& id, wire::read_events what, std::uint32_t ttl, instant now) {
  if (what.patterns.empty()
      || !std::all_of(what.patterns.begin(), what.patterns.end(), wire::is_pattern)) {
    return links_.pass_refusal(
        from, id, invalid("patterns: topics, `PREFIX.*` or `*` are wanted, at least one"));
  }
  if (what.count == 0 || what.count > read_count_max || what.wait_ms > wait_ms_max) {
    return links_.pass_refusal(
        from,
        id,
        invalid(fmt::format(
            "count: 1 to {} are wanted; wait_ms: 0 to {}", read_count_max, wait_ms_max)));
  }
  if (readers_.size() >= readers_max) {
    return links_.pass_refusal(
        from,
        id,
        {.code = errc::overloaded,
         .message = "too many wait for events",
         .retry_after = milliseconds{500}});
  }
  const milliseconds wait{std::min(what.wait_ms, ttl)};
  reader made{from, id, std::move(what), incoming_.last(), now + wait - answer_before};
  if (made.what.after) {
    made.after = *made.what.after;
    return begin(std::move(made), now);
  }
  const std::string start = made.what.from.value_or("new");
  if (start == "new" || start == "oldest") {
    made.after = start == "new" ? incoming_.last() : 0;
    return begin(std::move(made), now);
  }
  const auto time = parse_utc_time(start);
  if (!time) {
    return links_.pass_refusal(
        from, id, invalid("from: `new`, `oldest` or a time such as 2026-11-24T12:00:00Z"));
  }
  const auto since = std::chrono::duration_cast<milliseconds>(time->time_since_epoch()).count();
  journal_.ask(
      ask_time{since}, now, [this, made](const outcome<journal_result>& result, instant at) {
        if (const auto* found = result_of<position_found>(result)) {
          reader placed = made;
          placed.after = found->after;
          begin(std::move(placed), at);
        } else {
          links_.pass_refusal(made.from, made.id, why_none(result));
        }
      });
}

void reading::begin(reader made, instant now) {
  const std::uint64_t number = ++numbers_;
  const bool has_news = made.after < incoming_.last();
  const bool is_late = made.until <= now;
  readers_.emplace(number, std::move(made));
  if (has_news) {
    read_on(number, now);
  } else if (is_late) {
    answer(number, {{}, incoming_.last(), incoming_.last()});
  }
}

void reading::read_on(std::uint64_t number, instant now) {
  reader& who = readers_.at(number);
  who.is_asking = true;
  journal_.ask(
      ask_events{
          who.after, who.what.count, bytes_max_, who.what.patterns, who.what.after.has_value()},
      now,
      [this, number](const outcome<journal_result>& result, instant at) {
        reader& asked = readers_.at(number);
        asked.is_asking = false;
        const auto* found = result_of<events_page>(result);
        if (found == nullptr) {
          links_.pass_refusal(asked.from, asked.id, why_none(result));
          readers_.erase(number);
          return;
        }
        events_page page = *found;
        std::erase_if(page.events, is_for_one_subscriber);
        asked.after = std::max(asked.after, page.scanned);
        asked.deleted_to = std::max(asked.deleted_to, page.deleted_to);
        if (!page.events.empty() || asked.until <= at) {
          answer(number, page);
        } else if (asked.after < incoming_.last()) {
          read_on(number, at);
        }
      });
}

void reading::answer(std::uint64_t number, const events_page& page) {
  const reader& who = readers_.at(number);
  wire::events_read found{
      .events = {}, .next = std::max(who.after, page.scanned), .last = incoming_.last()};
  if (who.deleted_to != 0) {
    found.deleted_to = who.deleted_to;
  }
  found.life = lives_.writer_of(found.next);
  if (who.what.after) {
    found.after_life = lives_.writer_of(*who.what.after);
  }
  for (const event_ref& each : page.events) {
    found.events.push_back(
        {each->position,
         each->id,
         each->topic,
         each->key,
         each->source,
         each->time,
         each->traceparent,
         {each->body}});
  }
  links_.reply(who.from, who.id, wire::encoded(found));
  readers_.erase(number);
}

void reading::written(const std::vector<event_ref>& events, instant now) {
  std::vector<std::uint64_t> woken;
  for (const auto& [number, who] : readers_) {
    const auto wants = [&patterns = who.what.patterns](const event_ref& each) {
      return !is_for_one_subscriber(each)
             && std::any_of(patterns.begin(), patterns.end(), [&](const std::string& pattern) {
                  return wire::matches(pattern, each->topic);
                });
    };
    if (!who.is_asking && std::any_of(events.begin(), events.end(), wants)) {
      woken.push_back(number);
    }
  }
  for (const std::uint64_t number : woken) {
    read_on(number, now);
  }
}

void reading::tick(instant now) {
  std::vector<std::uint64_t> late;
  for (const auto& [number, who] : readers_) {
    if (!who.is_asking && who.until <= now) {
      late.push_back(number);
    }
  }
  for (const std::uint64_t number : late) {
    answer(number, {{}, incoming_.last(), incoming_.last()});
  }
}

} // namespace troupe::broker
