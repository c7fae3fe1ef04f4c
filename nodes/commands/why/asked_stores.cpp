#include "nodes/commands/why/asked_stores.hpp"

#include "nodes/connection.hpp"
#include "runtime/contains.hpp"
#include "runtime/time_text.hpp"

#include <algorithm>
#include <utility>

namespace troupe::why {

namespace {

using namespace std::chrono_literals;

constexpr milliseconds life_patience = 3s;
constexpr milliseconds ping_patience = 2s;
constexpr std::size_t ids_at_once = 20;
constexpr std::size_t events_looked_at = 20'000;
constexpr std::uint32_t events_a_page = 1'000;
constexpr std::size_t letters_looked_at = 10'000;
constexpr std::size_t events_with_key_told = 10;
/// An event may be journaled by a clock that is behind its publisher's.
constexpr std::chrono::minutes clocks_differ{1};

wall_time time_of_journal(std::int64_t at) {
  return time_since_1970(milliseconds{at});
}

letter_told told_letter(wire::letter&& from) {
  return {
      from.id,
      from.event_id,
      std::move(from.capability),
      std::move(from.topic),
      std::move(from.cause),
      std::move(from.error),
      std::move(from.node),
      from.replica,
      from.attempts,
      time_of_journal(from.first_at),
      time_of_journal(from.last_at)};
}

/// Adds the contents of another answer.
void add_to(wire::told_life& all, wire::told_life&& more) {
  const auto move_to = [](auto& to, auto& from) {
    std::move(from.begin(), from.end(), std::back_inserter(to));
  };
  move_to(all.messages, more.messages);
  move_to(all.sagas, more.sagas);
  move_to(all.effects, more.effects);
  move_to(all.events, more.events);
  move_to(all.changes, more.changes);
  all.is_cut = all.is_cut || more.is_cut;
}

} // namespace

system_links& asked_stores::links() {
  if (!links_) {
    links_.emplace(plan_, [this](std::vector<std::string> brokers) {
      return options_for_command(plan_, std::move(brokers), "why");
    });
  }
  return *links_;
}

const outcome<void>& asked_stores::reached() {
  const bool is_known = reached_.has_value();
  for (std::size_t i = 0; i < plan_.brokers.size() && !is_known; ++i) {
    reached_ = links()
                   .ask_broker(i, {{"troupe.broker", "ping", "\x80"}}, ping_patience)
                   .front()
                   .map([](const std::string&) {});
    if (*reached_) {
      break;
    }
  }
  return *reached_;
}

/// Asks the nodes of a capability, which share its database, until one answers.
outcome<std::string>
asked_stores::ask_nodes(const topology::capability_plan& capability, std::string_view body) {
  if (!reached()) {
    return failure{reached().error()};
  }
  outcome<std::string> said = failure{invalid("it runs on no node")};
  for (const auto& node : capability.nodes) {
    said = links()
               .ask_any({{"troupe.node." + node.value, "life", std::string{body}}}, life_patience)
               .front();
    if (said) {
      break;
    }
  }
  return said;
}

outcome<wire::told_life>
asked_stores::life_of(const topology::capability_plan& capability, const std::vector<uuid>& ids) {
  wire::told_life all;
  for (std::size_t from = 0; from < ids.size(); from += ids_at_once) {
    const std::size_t to = std::min(ids.size(), from + ids_at_once);
    wire::get_life asked{.capability = capability.name.value};
    asked.ids.assign(
        ids.begin() + static_cast<std::ptrdiff_t>(from),
        ids.begin() + static_cast<std::ptrdiff_t>(to));
    const auto said = ask_nodes(capability, wire::encoded(asked));
    TROUPE_TRY(auto read, said.and_then(wire::checked_decode<wire::told_life>));
    add_to(all, std::move(read));
  }
  return all;
}

outcome<wire::delivery_told> asked_stores::delivery_of(
    const topology::capability_plan& capability, std::uint32_t partition, std::uint64_t position) {
  const wire::get_life asked{
      .capability = capability.name.value, .places = {{partition, position}}};
  return ask_nodes(capability, wire::encoded(asked))
      .and_then(wire::checked_decode<wire::told_life>)
      .and_then([](wire::told_life told) -> outcome<wire::delivery_told> {
        if (told.deliveries.empty()) {
          return failure{invalid("the node did not say")};
        }
        return std::move(told.deliveries.front());
      });
}

outcome<std::string> asked_stores::ask_journal(std::string_view operation, std::string body) {
  if (!reached()) {
    return failure{reached().error()};
  }
  return links()
      .ask_journal({{"troupe.events", std::string{operation}, std::move(body)}}, life_patience)
      .front();
}

outcome<void> asked_stores::read_pages(wire::read_events asked) {
  asked.patterns = {"*"};
  asked.count = events_a_page;
  while (events_.size() < events_looked_at) {
    TROUPE_TRY(
        auto read,
        ask_journal("read", wire::encoded(asked))
            .and_then(wire::checked_decode<wire::events_read>));
    for (wire::read_event& each : read.events) {
      events_.push_back(
          {.id = each.id,
           .topic = std::move(each.topic),
           .key = std::move(each.key),
           .source = std::move(each.source),
           .trace = std::move(each.traceparent),
           .position = each.position,
           .at = each.time});
    }
    if (read.next >= read.last || read.events.empty()) {
      return {};
    }
    asked.from.reset();
    asked.after = read.next;
  }
  is_part_ = true;
  return {};
}

outcome<void> asked_stores::read_letters() {
  wire::get_dead_letters asked;
  asked.count = events_a_page;
  do {
    TROUPE_TRY(
        auto read,
        ask_journal("dead_letters", wire::encoded(asked))
            .and_then(wire::checked_decode<wire::letters_found>));
    for (wire::letter& each : read.letters) {
      letters_.push_back(told_letter(std::move(each)));
    }
    asked.after = read.next;
  } while (asked.after && letters_.size() < letters_looked_at);
  return {};
}

outcome<void> asked_stores::read_events(wall_time from) {
  TROUPE_TRY(
      auto said,
      ask_journal("topics", wire::encoded(wire::get_topics{}))
          .and_then(wire::checked_decode<wire::topics_state>));
  subscribers_ = std::move(said.groups);
  events_.clear();
  letters_.clear();
  is_part_ = false;
  wire::read_events asked;
  asked.from = utc_time_text(std::max(from, wall_time{} + clocks_differ) - clocks_differ);
  return read_pages(std::move(asked)).and_then([this] { return read_letters(); });
}

outcome<std::vector<uuid>> asked_stores::with_key(std::string_view key) {
  wire::read_events place;
  place.patterns = {"*"};
  place.from = "new";
  TROUPE_TRY(
      const auto end,
      ask_journal("read", wire::encoded(place)).and_then(wire::checked_decode<wire::events_read>));
  wire::read_events asked;
  const std::uint64_t from = end.last > events_looked_at ? end.last - events_looked_at : 0;
  asked.after = from;
  TROUPE_CHECK(read_pages(std::move(asked)));
  std::vector<uuid> found;
  for (const wire::event_told& each : std::exchange(events_, {})) {
    if (each.key == key) {
      found.push_back(each.id);
    }
  }
  is_part_ = from > 0;
  if (found.size() > events_with_key_told) {
    found.erase(found.begin(), found.end() - static_cast<std::ptrdiff_t>(events_with_key_told));
  }
  return found;
}

outcome<void> asked_stores::look_at_schedule(const uuid& id, life& into) {
  const auto said = ask_journal("scheduled_event", wire::encoded(wire::get_scheduled_event{id}));
  if (!said) {
    const error& why = said.error();
    if (why.detail("reason") == "cancelled") {
      into.cancelled.push_back({id, std::nullopt, why.message});
    }
    // A broker rejects an id that is not scheduled; one of an earlier release does not know the
    // question.
    const bool is_answer = why.code == errc::rejected || why.code == errc::unknown_operation;
    return is_answer ? outcome<void>{} : failure{why};
  }
  return wire::checked_decode<wire::waiting_event>(*said).map([&](const auto& event) {
    into.events.push_back(
        {.id = id, .topic = event.topic, .key = event.key, .at = event.due_at, .is_timer = true});
  });
}

void asked_stores::look_at_journal(const std::set<uuid>& ids, life& into) const {
  for (const wire::event_told& each : events_) {
    if (ids.contains(each.id)) {
      // An outbox keeps its newest row after the journal has the event.
      std::erase_if(into.events, [&](const wire::event_told& known) {
        return known.id == each.id && (known.position == 0 || known.position == each.position);
      });
      into.events.push_back(each);
    }
  }
  for (const letter_told& each : letters_) {
    const bool is_known = contains(into.letters, each.id, &letter_told::id);
    if (!is_known && (ids.contains(each.id) || ids.contains(each.event))) {
      into.letters.push_back(each);
    }
  }
}

bool asked_stores::has_passed(const std::string& capability, std::uint64_t position) const {
  const auto found = std::ranges::find(subscribers_, capability, &wire::group_state::capability);
  return found != subscribers_.end() && found->cursor >= position;
}

} // namespace troupe::why
