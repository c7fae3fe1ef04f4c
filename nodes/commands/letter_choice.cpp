#include "nodes/commands/letter_choice.hpp"

#include "nodes/commands/moments.hpp"
#include "nodes/connection.hpp"
#include "runtime/wire/events.hpp"

namespace troupe {

void add_letter_choice(command& takes, letter_choice& given) {
  takes.option("--capability", given.capability, "only those of one capability")
      .option(
          "--topic", given.topic, "only those of a topic, or of several: order.*", check_pattern)
      .option(
          "--cause",
          given.cause,
          "only those given up for this cause: rejected, invalid, transient, crashed",
          one_of({"rejected", "invalid", "transient", "crashed"}))
      .option(
          "--since", given.since, "only those given up since: a UTC time, or 2h ago", check_moment)
      .option(
          "--older",
          given.older,
          "only those given up earlier: a UTC time, or 2h ago",
          check_moment);
}

wire::letter_filter filter_of(const letter_choice& given) {
  wire::letter_filter which;
  const auto set = [](std::optional<std::string>& to, const std::string& from) {
    if (!from.empty()) {
      to = from;
    }
  };
  set(which.capability, given.capability);
  set(which.topic, given.topic);
  set(which.cause, given.cause);
  if (!given.since.empty()) {
    which.since = moment_of(given.since, side_of_now::before);
  }
  if (!given.older.empty()) {
    which.before = moment_of(given.older, side_of_now::before);
  }
  return which;
}

bool is_meant(const wire::letter& letter, const wire::letter_filter& which) {
  return (!which.topic || wire::matches(*which.topic, letter.topic))
         && (!which.cause || *which.cause == letter.cause)
         && (!which.since || letter.last_at >= *which.since)
         && (!which.before || letter.last_at < *which.before);
}

} // namespace troupe
