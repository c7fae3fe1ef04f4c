#include "runtime/broker/events/reading.hpp"

#include "runtime/time_text.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace troupe::broker {

namespace {

// The most that waiting reads may take up: some 5,000 with one pattern.
constexpr std::size_t waiting_bytes_max = std::size_t{4} << 20U;
// The bytes of a read and of one of its patterns, with the tables' places, beside the pattern's
// text.
constexpr std::size_t read_bytes = 512;
constexpr std::size_t pattern_bytes = 192;
// The most patterns of a read: more are no list of topics but a table of keys, and each is compared
// with each topic of the journal.
constexpr std::size_t patterns_max = 256;
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

reading::reading(
    journal_client& journal,
    const incoming& events,
    const lineage& lives,
    event_links& links,
    std::size_t bytes_max)
    : journal_{journal}, incoming_{events}, lives_{lives}, links_{links},
      bytes_max_{bytes_max}, waiting_{waiting_bytes_max} {
}

outcome<void> reading::check(origin from, const wire::read_events& what, std::size_t bytes) const {
  if (what.patterns.empty() || what.patterns.size() > patterns_max
      || !std::ranges::all_of(what.patterns, wire::is_pattern)) {
    return failure{invalid(fmt::format(
        "patterns: topics, `PREFIX.*` or `*` are wanted, at least one and {} at most",
        patterns_max))};
  }
  if (what.count == 0 || what.count > read_count_max || what.wait_ms > wait_ms_max) {
    return failure{invalid(
        fmt::format("count: 1 to {} are wanted; wait_ms: 0 to {}", read_count_max, wait_ms_max))};
  }
  if (!waiting_.admits(static_cast<std::uint64_t>(from), bytes)) {
    return failure{
        {.code = errc::overloaded,
         .message = "too many wait for events, or too many of yours",
         .retry_after = milliseconds{500}}};
  }
  return {};
}

void reading::read(
    origin from,
    const uuid& id,
    wire::read_events what,
    int connection,
    std::uint32_t ttl,
    instant now) {
  std::size_t bytes = read_bytes;
  for (const std::string& each : what.patterns) {
    bytes += pattern_bytes + each.size();
  }
  if (const auto checked = check(from, what, bytes); !checked) {
    return links_.pass_refusal(from, id, checked.error());
  }
  std::ranges::sort(what.patterns);
  what.patterns.erase(std::unique(what.patterns.begin(), what.patterns.end()), what.patterns.end());
  const milliseconds wait{std::min(what.wait_ms, ttl)};
  reader made{
      .from = from,
      .id = id,
      .what = std::move(what),
      .connection = connection,
      .bytes = bytes,
      .after = incoming_.last(),
      .until = now + wait - answer_before};
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
  journal_.ask_for(
      asker_of(from),
      ask_time{since},
      now,
      [this, made](const outcome<journal_result>& result, instant at) {
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
  const reader& who = readers_.emplace(number, std::move(made)).first->second;
  waiting_.add(static_cast<std::uint64_t>(who.from), who.bytes);
  wanted_.add(number, who.what.patterns);
  if (has_news) {
    read_on(number, now);
  } else if (is_late) {
    answer(number, {{}, incoming_.last(), incoming_.last()});
  }
}

void reading::read_on(std::uint64_t number, instant now) {
  reader& who = readers_.at(number);
  who.is_asking = true;
  journal_.ask_for(
      asker_of(who.from),
      ask_events{
          who.after, who.what.count, bytes_max_, who.what.patterns, who.what.after.has_value()},
      now,
      [this, number](const outcome<journal_result>& result, instant at) {
        const auto place = readers_.find(number);
        if (place == readers_.end()) {
          return; // Its connection has ended meanwhile.
        }
        reader& asked = place->second;
        asked.is_asking = false;
        const auto* found = result_of<events_page>(result);
        if (found == nullptr) {
          links_.pass_refusal(asked.from, asked.id, why_none(result));
          return forget(number);
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
  forget(number);
}

void reading::forget(std::uint64_t number) {
  const auto gone = readers_.find(number);
  waiting_.remove(static_cast<std::uint64_t>(gone->second.from), gone->second.bytes);
  wanted_.remove(number, gone->second.what.patterns);
  readers_.erase(gone);
}

void reading::written(const std::vector<event_ref>& events, instant now) {
  woken_.clear();
  std::string_view topic;
  for (const event_ref& each : events) {
    if (!is_for_one_subscriber(each) && each->topic != topic) {
      topic = each->topic;
      wanted_.find(topic, woken_);
    }
  }
  std::ranges::sort(woken_);
  woken_.erase(std::unique(woken_.begin(), woken_.end()), woken_.end());
  for (const std::uint64_t number : woken_) {
    if (const auto who = readers_.find(number); who != readers_.end() && !who->second.is_asking) {
      read_on(number, now);
    }
  }
}

void reading::connection_ended(int connection) {
  std::vector<std::uint64_t> gone;
  for (const auto& [number, who] : readers_) {
    if (who.connection == connection) {
      gone.push_back(number);
    }
  }
  for (const std::uint64_t number : gone) {
    answer(number, {{}, readers_.at(number).after, incoming_.last()});
  }
}

void reading::give_up(const error& why) {
  while (!readers_.empty()) {
    const auto& [number, who] = *readers_.begin();
    links_.pass_refusal(who.from, who.id, why);
    forget(number);
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
