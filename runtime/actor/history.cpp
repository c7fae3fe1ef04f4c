#include "runtime/actor/history.hpp"

#include "runtime/actor/aggregate.hpp"
#include "runtime/time_text.hpp"

#include <fmt/format.h>

namespace troupe {

namespace {

constexpr std::int64_t events_max = 1'000;
constexpr std::int64_t events_usual = 100;
constexpr std::size_t bodies_bytes_max = 48U * 1024U;

} // namespace

namespace detail {

error undecodable(const store::event_row& row, const std::string& why) {
  return internal_error(fmt::format(
      "event {} (`{}`) of {} cannot be read: {}",
      row.version,
      row.type,
      to_string(row.stream),
      why));
}

} // namespace detail

error no_history(const uuid& id) {
  return rejected("no_history", fmt::format("Nothing has happened to {}.", to_string(id)));
}

outcome<history> read_history(const get_history& request, store::database& session) {
  const std::int64_t limit = request.limit.value_or(events_usual);
  const std::int64_t from = request.from.value_or(1);
  if (limit < 1 || limit > events_max || from < 1) {
    return failure{invalid("from: 1 or more is wanted; limit: 1 to 1000")};
  }
  history found;
  found.id = request.id;
  std::size_t bytes = 0;
  store::event_store events{session};
  events.read(request.id, from, [&](const store::event_row& row) {
    bytes += row.body.size();
    const bool is_full = static_cast<std::int64_t>(found.events.size()) == limit
                         || (bytes > bodies_bytes_max && !found.events.empty());
    if (is_full) {
      found.more = true;
      return false;
    }
    found.events.push_back(
        {row.version,
         std::string{row.type},
         unix_millis(row.at),
         row.cause,
         {std::string{row.body}}});
    return true;
  });
  if (found.events.empty() && events.version_of(request.id) == 0) {
    return failure{no_history(request.id)};
  }
  return found;
}

} // namespace troupe
