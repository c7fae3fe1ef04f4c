#include "runtime/broker/events/topic_states.hpp"

#include <algorithm>
#include <utility>

namespace troupe::broker {

namespace {

// The bytes of a topic in the answer: its name has 64 at most, the names of the fields 70.
constexpr std::size_t topic_bytes_max = 250;

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

/// Several requests to the journal, one after the other, for one answer.
struct topic_states::pending_answer {
  origin from{};
  uuid id;
  std::string after;
  wire::topics_state state{};
  /// The position by group: its lag is of events above it, as `state` counts those up to it.
  std::vector<std::uint64_t> scanned{};
  std::uint32_t groups_asked = 0;
};

void topic_states::list(origin from, const uuid& id, const wire::get_topics& what, instant now) {
  const auto groups = what.after ? 0U : static_cast<std::uint32_t>(bus_.feeder().size());
  auto answer = std::make_shared<pending_answer>();
  answer->from = from;
  answer->id = id;
  answer->after = what.after.value_or("");
  answer->state.journal = bus_.instance();
  answer->state.last = bus_.incoming().last();
  for (std::uint32_t i = 0; i < groups; ++i) {
    answer->state.groups.push_back(describe(i));
    answer->scanned.push_back(bus_.feeder()[i].scanned());
  }
  ask(answer,
      ask_topics{},
      now,
      [this](pending_answer& to, const journal_result& found, instant at) {
        add_topics(to.state, std::get<topics_counted>(found), to.after, at);
      });
}

/// Sends a request, continues with `take`, and sends the next one.
template <class Take>
void topic_states::ask(
    const std::shared_ptr<pending_answer>& answer,
    journal_question question,
    instant now,
    const Take& take) {
  journal_.ask_for(
      asker_of(answer->from),
      std::move(question),
      now,
      [=, this](const outcome<journal_result>& result, instant at) {
        if (!result) {
          return links_.pass_refusal(answer->from, answer->id, result.error());
        }
        take(*answer, *result, at);
        ask_next(answer, at);
      });
}

void topic_states::ask_next(const std::shared_ptr<pending_answer>& answer, instant now) {
  std::vector<wire::group_state>& groups = answer->state.groups;
  if (answer->groups_asked < groups.size()) {
    // The subscriber knows the events that it holds in memory; the journal counts the later ones.
    const std::uint32_t index = answer->groups_asked++;
    return ask(
        answer,
        ask_lag{answer->scanned[index], bus_.feeder()[index].patterns()},
        now,
        [this, index](pending_answer& to, const journal_result& found, instant) {
          const auto& counted = std::get<lag_counted>(found);
          wire::group_state& of = to.state.groups[index];
          of.lag += counted.events;
          if (!of.oldest_unacked_ms && counted.oldest_time != 0) {
            of.oldest_unacked_ms = wall_ms() - counted.oldest_time;
          }
        });
  }
  if (answer->groups_asked == groups.size() && !groups.empty()) {
    ++answer->groups_asked;
    return ask(
        answer,
        ask_dead_letter_counts{},
        now,
        [](pending_answer& to, const journal_result& found, instant) {
          for (const auto& each : std::get<dead_letters_counted>(found).capabilities) {
            for (wire::group_state& group : to.state.groups) {
              group.dead = group.capability == each.capability ? each.dead_letters : group.dead;
            }
          }
        });
  }
  links_.reply(answer->from, answer->id, wire::encoded(answer->state));
}

wire::group_state topic_states::describe(std::uint32_t index) const {
  const subscriber& group = bus_.feeder()[index];
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
      .cursor = std::ranges::min(cursors),
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
  // The time of the rate: of the last bucket only a part has passed, so 50 s and that part, or all
  // the time there was.
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
         .rate_per_s = rate == rates_.end() ? 0 : rate->second.per_s(wall / bucket_ms, seconds),
         .scheduled = each.scheduled,
         .next_due = each.scheduled == 0 ? std::nullopt : std::optional{each.next_due}});
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
