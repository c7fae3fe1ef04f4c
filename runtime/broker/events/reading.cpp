#include "runtime/broker/events/event_service.hpp"
#include "runtime/time_text.hpp"

#include <algorithm>
#include <array>
#include <fmt/format.h>

// The operations of `troupe.events` (runtime/wire/journal_calls.hpp).

namespace troupe::broker {

namespace {

constexpr std::size_t readers_max = 1'024;
constexpr std::uint32_t read_count_max = 1'000;
constexpr std::uint32_t wait_ms_max = 60'000;
constexpr std::int64_t after_max_ms = std::int64_t{3'650} * 24 * 60 * 60 * 1'000;
// Of a topic in the answer to `topics`: its name has 64, the names of the fields 51.
constexpr std::size_t topic_bytes_max = 200;
// So long before its deadline a waiting read is answered: the answer has a way to go.
constexpr milliseconds answer_before{20};

constexpr std::array<std::string_view, 7> operations{
    "read",
    "topics",
    "schedule",
    "dead_letters",
    "dead_letter",
    "retry_dead_letter",
    "drop_dead_letter"};

/// A dead letter that is tried again: whoever follows its topic has read that event before.
bool is_for_one_group(const event_ref& each) {
  return !each->only_for.empty();
}

} // namespace

template <class Request, class Handler>
void event_service::decoded(
    origin from, const uuid& id, std::string_view body, const Handler& handler) {
  const auto request = wire::checked_decode<Request>(body);
  if (request) {
    handler(*request);
  } else {
    links_.pass_refusal(from, id, request.error());
  }
}

void event_service::call(
    origin from, const wire::header_view& header, std::string_view body, instant now) {
  const uuid id = header.id;
  if (header.op == "read") {
    return decoded<wire::read_events>(from, id, body, [&](const wire::read_events& what) {
      read(from, id, what, header.ttl, now);
    });
  }
  if (header.op == "topics") {
    constexpr std::string_view no_fields = "\x80";
    return decoded<wire::get_topics>(
        from, id, body.empty() ? no_fields : body, [&](const wire::get_topics& what) {
          list_topics(from, id, what, now);
        });
  }
  if (header.op == "schedule") {
    return decoded<wire::schedule_event>(
        from, id, body, [&](const wire::schedule_event& what) { schedule(from, id, what); });
  }
  if (header.op == "dead_letters") {
    return decoded<wire::get_dead_letters>(from, id, body, [&](const wire::get_dead_letters& what) {
      list_letters(from, id, what, now);
    });
  }
  if (header.op == "dead_letter") {
    return decoded<wire::get_dead_letter>(from, id, body, [&](const wire::get_dead_letter& what) {
      show_letter(from, id, what.id, now);
    });
  }
  if (header.op == "retry_dead_letter") {
    return decoded<wire::retry_dead_letter>(
        from, id, body, [&](const wire::retry_dead_letter& what) {
          retry_letters(from, id, what, now);
        });
  }
  if (header.op == "drop_dead_letter") {
    return decoded<wire::drop_dead_letter>(from, id, body, [&](const wire::drop_dead_letter& what) {
      drop_letter(from, id, what.id, now);
    });
  }
  links_.pass_refusal(
      from,
      id,
      {.code = errc::unknown_operation,
       .message = fmt::format(
           "`troupe.events` has no operation `{}`; it has {}",
           header.op,
           fmt::join(operations, ", "))});
}

// --- Reading ------------------------------------------------------------------------------------

void event_service::read(
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
  reader made{from, id, std::move(what), bus_.last(), now + wait - answer_before};
  if (made.what.after) {
    made.after = *made.what.after;
    return begin_reader(std::move(made), now);
  }
  const std::string start = made.what.from.value_or("new");
  if (start == "new" || start == "oldest") {
    made.after = start == "new" ? bus_.last() : 0;
    return begin_reader(std::move(made), now);
  }
  const auto time = parse_utc_time(start);
  if (!time) {
    return links_.pass_refusal(
        from, id, invalid("from: `new`, `oldest` or a time such as 2026-11-24T12:00:00Z"));
  }
  ask(ask_time{unix_millis(*time)},
      now,
      [this, made](const outcome<journal_result>& result, instant at) {
        if (const auto* found = result_of<position_found>(result)) {
          reader placed = made;
          placed.after = found->after;
          begin_reader(std::move(placed), at);
        } else {
          links_.pass_refusal(made.from, made.id, why_none(result));
        }
      });
}

void event_service::begin_reader(reader made, instant now) {
  const std::uint64_t number = ++tokens_;
  const bool has_news = made.after < bus_.last();
  const bool is_late = made.until <= now;
  readers_.emplace(number, std::move(made));
  if (has_news) {
    read_on(number, now);
  } else if (is_late) {
    answer_reader(number, {{}, bus_.last(), bus_.last()});
  }
}

void event_service::read_on(std::uint64_t number, instant now) {
  reader& who = readers_.at(number);
  who.is_asking = true;
  ask(ask_events{who.after, who.what.count, body_bytes_max_ / 2, who.what.patterns},
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
        std::erase_if(page.events, is_for_one_group);
        asked.after = std::max(asked.after, page.scanned);
        if (!page.events.empty() || asked.until <= at) {
          answer_reader(number, page);
        } else if (asked.after < bus_.last()) {
          read_on(number, at);
        }
      });
}

void event_service::answer_reader(std::uint64_t number, const events_page& page) {
  const reader& who = readers_.at(number);
  wire::events_read answer{
      .events = {}, .next = std::max(who.after, page.scanned), .last = bus_.last()};
  for (const event_ref& each : page.events) {
    answer.events.push_back(
        {each->position,
         each->id,
         each->topic,
         each->key,
         each->source,
         each->time,
         each->traceparent,
         {each->body}});
  }
  reply(who.from, who.id, wire::encoded(answer));
  readers_.erase(number);
}

/// Reads on for those who wait for what has just been written.
void event_service::wake_readers(instant now) {
  std::vector<std::uint64_t> woken;
  for (const auto& [number, who] : readers_) {
    const auto wants = [&patterns = who.what.patterns](const event_ref& each) {
      return !is_for_one_group(each)
             && std::any_of(patterns.begin(), patterns.end(), [&](const std::string& pattern) {
                  return wire::matches(pattern, each->topic);
                });
    };
    if (!who.is_asking && std::any_of(fresh_.begin(), fresh_.end(), wants)) {
      woken.push_back(number);
    }
  }
  for (const std::uint64_t number : woken) {
    read_on(number, now);
  }
}

void event_service::end_late_readers(instant now) {
  std::vector<std::uint64_t> late;
  for (const auto& [number, who] : readers_) {
    if (!who.is_asking && who.until <= now) {
      late.push_back(number);
    }
  }
  for (const std::uint64_t number : late) {
    answer_reader(number, {{}, bus_.last(), bus_.last()});
  }
}

// --- Scheduling ---------------------------------------------------------------------------------

void event_service::schedule(origin from, const uuid& id, const wire::schedule_event& what) {
  if (!wire::is_topic(what.topic) || what.key.size() > wire::key_bytes_max) {
    return links_.pass_refusal(
        from, id, invalid("topic: 1 to 64 of a-z 0-9 _ and dots; key: at most 256 bytes"));
  }
  if (what.at.has_value() == what.after.has_value() || what.after.value_or(0) < 0
      || what.after.value_or(0) > after_max_ms) {
    return links_.pass_refusal(
        from,
        id,
        invalid("one of `at` (milliseconds since 1970) and `after` (milliseconds, ten years at "
                "most) is "
                "wanted"));
  }
  auto later = std::make_shared<event>();
  later->id = id;
  later->topic = what.topic;
  later->key = what.key;
  later->body = what.body.bytes;
  const std::int64_t due_at = what.at ? *what.at : wall_ms() + *what.after;
  if (auto taken = bus_.schedule({id, due_at, std::move(later)}); !taken) {
    return links_.pass_refusal(from, id, taken.error());
  }
  bus_.answer_when_written(from, id, wire::encoded(wire::event_scheduled{id}));
}

// --- Topics -------------------------------------------------------------------------------------

/// `topics`: several questions to the journal, and one answer when the last is answered.
struct event_service::topics_answer {
  wire::topics_state state;
  std::size_t open = 0;
  std::optional<error> fault;
};

void event_service::list_topics(
    origin from, const uuid& id, const wire::get_topics& what, instant now) {
  const std::string after = what.after.value_or("");
  const auto groups = what.after ? 0U : static_cast<std::uint32_t>(bus_.groups());
  auto answer = std::make_shared<topics_answer>();
  answer->state.journal = bus_.instance();
  answer->state.last = bus_.last();
  answer->open = 2 + groups;
  const auto answered = [this, from, id, answer](const outcome<journal_result>& result) {
    if (!result && !answer->fault) {
      answer->fault = result.error();
    }
    if (--answer->open == 0) {
      if (answer->fault) {
        links_.pass_refusal(from, id, *answer->fault);
      } else {
        reply(from, id, wire::encoded(answer->state));
      }
    }
  };
  for (std::uint32_t i = 0; i < groups; ++i) {
    answer->state.groups.push_back(describe_group(i));
  }
  ask(ask_topics{}, now, [=, this](const outcome<journal_result>& result, instant at) {
    if (const auto* counted = result_of<topics_counted>(result)) {
      add_topics(answer->state, *counted, after, at);
    }
    answered(result);
  });
  ask(ask_dead_letter_counts{}, now, [=](const outcome<journal_result>& result, instant) {
    if (const auto* counted = result_of<dead_letters_counted>(result)) {
      for (const dead_letters_counted::count& each : counted->capabilities) {
        for (wire::group_state& group : answer->state.groups) {
          group.dead = group.capability == each.capability ? each.dead_letters : group.dead;
        }
      }
    }
    answered(result);
  });
  for (std::uint32_t i = 0; i < groups; ++i) {
    // What it holds in memory is known; behind that, the journal counts.
    ask(ask_lag{bus_.group(i).scanned(), bus_.patterns(i)},
        now,
        [=, this](const outcome<journal_result>& result, instant) {
          wire::group_state& group = answer->state.groups[i];
          if (const auto* counted = result_of<lag_counted>(result)) {
            group.lag += counted->events;
            if (!group.oldest_unacked_ms && counted->oldest_time != 0) {
              group.oldest_unacked_ms = wall_ms() - counted->oldest_time;
            }
          }
          answered(result);
        });
  }
}

wire::group_state event_service::describe_group(std::uint32_t index) const {
  const subscriber& group = bus_.group(index);
  const auto look = group.look();
  const auto cursors = group.cursors();
  wire::group_state state{
      .capability = group.capability(),
      .patterns = bus_.patterns(index),
      .lag = look.waiting + look.in_flight + look.retrying,
      .waiting = look.waiting,
      .in_flight = look.in_flight,
      .retrying = look.retrying,
      .dead = 0,
      .oldest_unacked_ms = {},
      .cursor = *std::min_element(cursors.begin(), cursors.end()),
      .nodes = {}};
  if (look.oldest_time != 0) {
    state.oldest_unacked_ms = wall_ms() - look.oldest_time;
  }
  for (const subscriber::worker_status& each : look.workers) {
    state.nodes.push_back(each.node);
  }
  return state;
}

/// A page of them: half of what a body may have, as the groups want room too.
void event_service::add_topics(
    wire::topics_state& to,
    const topics_counted& counted,
    const std::string& after,
    instant now) const {
  const std::size_t count_max = std::max<std::size_t>(1, body_bytes_max_ / 2 / topic_bytes_max);
  // Of the last bucket only a part has passed: 50 s and that part, or all the time there was.
  const std::int64_t wall = wall_ms();
  const double seconds = std::min(
      static_cast<double>((topic_rate::buckets - 1) * bucket_ms + wall % bucket_ms) / 1e3,
      std::max(1.0, std::chrono::duration<double>(now - started_).count()));
  for (const topic_counts& each : counted.topics) {
    if (each.topic <= after) {
      continue;
    }
    if (to.topics.size() >= count_max) {
      to.next = to.topics.back().topic;
      return;
    }
    const auto rate = rates_.find(each.topic);
    to.topics.push_back(
        {.topic = each.topic,
         .events = each.events,
         .bytes = each.bytes,
         .first = each.first,
         .last = each.last,
         .oldest_at = each.first_time,
         .rate_per_s = rate == rates_.end() ? 0 : rate->second.per_s(wall / bucket_ms, seconds)});
  }
}

} // namespace troupe::broker
