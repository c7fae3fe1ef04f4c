#include "runtime/broker/events/topic_states.hpp"

#include <algorithm>
#include <utility>

namespace troupe::broker {

namespace {

// Of a topic in the answer: its name has 64 bytes at most, the names of the fields 51.
constexpr std::size_t topic_bytes_max = 200;

} // namespace

void topic_states::written(const std::vector<event_ref>& events) {
  const std::int64_t bucket = wall_ms() / bucket_ms;
  topic_rate* rate = nullptr;
  std::string_view topic;
  for (const event_ref& each : events) {
    if (rate == nullptr || each->topic != topic) {
      rate = &rates_[each->topic];
      topic = each->topic;
    }
    rate->note(bucket);
  }
}

void topic_states::forget(const std::vector<std::string>& names) {
  for (const std::string& each : names) {
    rates_.erase(each);
  }
}

/// Several questions to the journal, and one answer when the last of them is answered.
struct topic_states::pending_answer {
  wire::topics_state state;
  std::size_t open = 0;
  std::optional<error> fault;
};

void topic_states::list(origin from, const uuid& id, const wire::get_topics& what, instant now) {
  const std::string after = what.after.value_or("");
  const auto groups = what.after ? 0U : static_cast<std::uint32_t>(bus_.subscribers().size());
  auto answer = std::make_shared<pending_answer>();
  answer->state.journal = bus_.instance();
  answer->state.last = bus_.incoming().last();
  answer->open = 2 + groups;
  const auto answered = [this, from, id, answer](const outcome<journal_result>& result) {
    if (!result && !answer->fault) {
      answer->fault = result.error();
    }
    if (--answer->open == 0) {
      if (answer->fault) {
        links_.pass_refusal(from, id, *answer->fault);
      } else {
        links_.reply(from, id, wire::encoded(answer->state));
      }
    }
  };
  for (std::uint32_t i = 0; i < groups; ++i) {
    answer->state.groups.push_back(describe(i));
  }
  journal_.ask(ask_topics{}, now, [=, this](const outcome<journal_result>& result, instant at) {
    if (const auto* counted = result_of<topics_counted>(result)) {
      add_topics(answer->state, *counted, after, at);
    }
    answered(result);
  });
  journal_.ask(ask_dead_letter_counts{}, now, [=](const outcome<journal_result>& result, instant) {
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
    // The subscriber knows the events that it holds in memory; the journal counts the later ones.
    journal_.ask(
        ask_lag{bus_.subscribers()[i].scanned(), bus_.subscribers()[i].patterns()},
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

wire::group_state topic_states::describe(std::uint32_t index) const {
  const subscriber& group = bus_.subscribers()[index];
  const auto look = group.look();
  const auto cursors = group.cursors();
  wire::group_state state{
      .capability = group.capability(),
      .patterns = group.patterns(),
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
  if (!look.trouble.empty()) {
    state.trouble = look.trouble;
  }
  return state;
}

/// A page of them: half of what a body may have, as the groups want room too.
void topic_states::add_topics(
    wire::topics_state& to,
    const topics_counted& counted,
    const std::string& after,
    instant now) const {
  const std::size_t count_max = std::max<std::size_t>(1, bytes_max_ / topic_bytes_max);
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

void topic_states::topic_rate::note(std::int64_t bucket) {
  if (bucket - newest >= buckets) {
    counts.fill(0);
    newest = bucket;
  }
  for (; newest < bucket; ++newest) {
    counts[static_cast<std::size_t>(newest + 1) % buckets] = 0;
  }
  ++counts[static_cast<std::size_t>(bucket) % buckets];
}

/// @param seconds what the buckets stand for, if fewer than all have passed.
double topic_states::topic_rate::per_s(std::int64_t bucket, double seconds) const {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < buckets; ++i) {
    const std::int64_t which = newest - static_cast<std::int64_t>(i);
    if (bucket - which < buckets) {
      sum += counts[static_cast<std::size_t>(which) % buckets];
    }
  }
  return static_cast<double>(sum) / seconds;
}

std::int64_t topic_states::wall_ms() const {
  return std::chrono::duration_cast<milliseconds>(time_.wall().time_since_epoch()).count();
}

} // namespace troupe::broker
