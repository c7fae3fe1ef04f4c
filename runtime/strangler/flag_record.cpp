#include "runtime/strangler/flag_record.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <utility>

namespace troupe::strangler {

namespace {

constexpr std::uint32_t events_per_answer = 100;

wire::read_events question() {
  wire::read_events about;
  about.patterns.emplace_back(wire::flag_topic);
  about.count = events_per_answer;
  return about;
}

template <wire::message Reply, wire::message Request>
outcome<Reply>
ask_typed(const journal_question& ask, std::string_view operation, const Request& what) {
  return ask(operation, wire::encoded(what)).and_then(wire::checked_decode<Reply>);
}

/// The change in `from`; nothing if it is malformed, since any publisher may use a topic.
std::optional<recorded_change> change_in(const wire::read_event& from) {
  auto what = wire::checked_decode<wire::flag_change>(from.body.bytes);
  const auto is_share = [](const auto& each) { return each.second <= wire::share_max; };
  if (!what || !std::ranges::all_of(what->values, is_share)) {
    return std::nullopt;
  }
  return recorded_change{from.position, from.id, from.time, std::move(*what)};
}

void take(flag_state& to, const wire::events_read& read) {
  for (const wire::read_event& each : read.events) {
    if (auto change = change_in(each)) {
      to.newest = std::move(*change);
    }
  }
  to.read_to = read.next;
  to.life = read.life.value_or(uuid{});
}

/// The last position of the topic of flags; 0 if it has no events.
outcome<std::uint64_t> last_position(const journal_question& ask) {
  // Topics are listed in order, so the topic is the first one after this name, if it exists.
  const std::string before{wire::flag_topic.substr(0, wire::flag_topic.size() - 1)};
  TROUPE_TRY(
      const auto topics, ask_typed<wire::topics_state>(ask, "topics", wire::get_topics{before}));
  const auto found = std::ranges::find_if(
      topics.topics, [](const auto& each) { return each.topic == wire::flag_topic; });
  return found == topics.topics.end() || found->events == 0 ? 0 : found->last;
}

/// Reads all changes from the beginning to `state.read_to`, which is slow.
outcome<flag_state> read_all(const journal_question& ask, flag_state state) {
  wire::read_events about = question();
  about.after = 0;
  const std::uint64_t upto = state.read_to;
  while (*about.after < upto) {
    TROUPE_TRY(const auto read, ask_typed<wire::events_read>(ask, "read", about));
    take(state, read);
    about.after = read.next;
  }
  return state;
}

} // namespace

outcome<flag_state> read_flags(const journal_question& ask) {
  // Get a position first, so that no later change is missed.
  wire::read_events about = question();
  about.from = "new";
  TROUPE_TRY(const auto place, ask_typed<wire::events_read>(ask, "read", about));
  flag_state state;
  take(state, place);
  const auto last = last_position(ask);
  if (!last || *last == 0) {
    return last ? outcome<flag_state>{state} : failure{last.error()};
  }
  auto newest = read_change(ask, *last);
  if (newest) {
    state.newest = std::move(*newest);
    return state;
  }
  if (newest.error().code != errc::rejected) {
    return failure{newest.error()};
  }
  return read_all(ask, state); // The newest event of the topic is not a valid change.
}

outcome<flag_state> read_on(const journal_question& ask, flag_state known, std::uint32_t wait_ms) {
  wire::read_events about = question();
  about.after = known.read_to;
  about.wait_ms = wait_ms;
  TROUPE_TRY(const auto read, ask_typed<wire::events_read>(ask, "read", about));
  const uuid before = read.after_life.value_or(uuid{});
  if (read.last < known.read_to
      || (known.life != uuid{} && before != uuid{} && known.life != before)) {
    return flag_state{};
  }
  take(known, read);
  return known;
}

outcome<recorded_change> read_change(const journal_question& ask, std::uint64_t at) {
  wire::read_events about = question();
  about.after = at == 0 ? 0 : at - 1;
  about.count = 1;
  TROUPE_TRY(const auto read, ask_typed<wire::events_read>(ask, "read", about));
  auto change = read.events.empty() || read.events.front().position != at
                    ? std::nullopt
                    : change_in(read.events.front());
  if (!change) {
    return failure{error{
        .code = errc::rejected,
        .message = fmt::format("position {} of the journal holds no change of a flag", at)}};
  }
  return std::move(*change);
}

wire::flag_change change_after(
    const flag_state& known,
    std::string_view flag,
    std::uint32_t to,
    std::string who,
    std::string why,
    const uuid& request) {
  wire::flag_change change{
      .flag = std::string{flag},
      .to = to,
      .who = std::move(who),
      .why = std::move(why),
      .request = request,
      .base = known.newest ? known.newest->position : 0,
      .values = known.values()};
  const auto [value, is_new] = change.values.emplace(flag, to);
  if (!is_new) {
    change.from = std::exchange(value->second, to);
  }
  return change;
}

uuid id_after(const flag_state& known) {
  return wire::id_of_next_flag_change(known.newest ? known.newest->what.request : known.life);
}

} // namespace troupe::strangler
