#include "nodes/commands/stranded_events.hpp"

#include "nodes/commands/store_reading.hpp"
#include "runtime/broker/journal/tables.hpp"
#include "runtime/wire/events.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <fmt/format.h>
#include <map>
#include <string_view>
#include <utility>

namespace troupe {

namespace {

constexpr std::int64_t events_at_a_time = 10'000;

/// The rows of a query for a name and a number.
std::vector<std::pair<std::string, std::int64_t>>
named_counts(store::database& session, std::string_view query) {
  std::vector<std::pair<std::string, std::int64_t>> found;
  session.query(
      query, [&](const store::row& row) { found.emplace_back(row.text(0), row.integer(1)); });
  return found;
}

/// Dead letters of topics that their capability does not get any more.
void add_letters(
    std::vector<std::string>& to, const topology::capability_plan& now, store::database& journal) {
  const auto gets = [&](const std::string& topic) {
    return wire::matches_any(now.subscribes, topic);
  };
  journal.query(
      "SELECT topic, count(*) FROM dead_letters WHERE capability = $1 GROUP BY topic",
      [&](const store::row& row) {
        const std::string topic{row.text(0)};
        if (!gets(topic)) {
          to.push_back(fmt::format(
              "{}: it gets no events `{}` any more, and {} dead letters of them stay; `troupe "
              "dead-letters retry --all --topic {} --to NAME` gives them to another",
              now.name.value,
              topic,
              row.integer(1),
              topic));
        }
      },
      now.name.value);
}

/// Events of topics that a capability does not get any more, and that it has not handled: they are
/// passed over.
void add_passed_over(
    std::vector<std::string>& to,
    const topology::capability_plan& now,
    const earlier_databases& earlier,
    store::database& journal) {
  const std::vector<std::string>& before = earlier.subscribes.at(now.name.value);
  std::array<std::uint64_t, wire::partition_count> handled{};
  bool is_known = false;
  journal.query(
      "SELECT handled FROM cursors WHERE capability = $1",
      [&](const store::row& row) {
        broker::unpack(row.bytes(0), handled);
        is_known = true;
      },
      now.name.value);
  if (!is_known) {
    return;
  }
  // The journal hears of it a little later than it is in the capability's own database.
  if (const auto place = earlier.of_capabilities.find(now.name.value);
      place != earlier.of_capabilities.end()) {
    if (const auto own = open_to_read(place->second, place->first)) {
      (*own)->query("SELECT partition, handled FROM partitions", [&](const store::row& row) {
        std::uint64_t& known = handled.at(static_cast<std::size_t>(row.integer(0)));
        known = std::max(known, static_cast<std::uint64_t>(row.integer(1)));
      });
    }
  }
  std::map<std::string, std::uint64_t> passed;
  std::map<std::int64_t, std::string> topics;
  journal.query("SELECT id, name FROM topics", [&](const store::row& row) {
    const std::string topic{row.text(1)};
    if (wire::matches_any(before, topic) && !wire::matches_any(now.subscribes, topic)) {
      topics[row.integer(0)] = topic;
    }
  });
  if (topics.empty()) {
    return;
  }
  // A page at a time, as a server gives whole results.
  std::uint64_t after = std::ranges::min(handled);
  for (bool has_more = true; has_more;) {
    std::int64_t rows = 0;
    journal.query(
        "SELECT position, topic, id, key FROM events WHERE position > $1 AND only_for IS NULL"
        " ORDER BY position LIMIT $2",
        [&](const store::row& row) {
          ++rows;
          after = static_cast<std::uint64_t>(row.integer(0));
          const auto topic = topics.find(row.integer(1));
          if (topic != topics.end()
              && handled[wire::partition_of(row.text(3), row.id(2))] < after) {
            ++passed[topic->second];
          }
        },
        after,
        events_at_a_time);
    has_more = rows == events_at_a_time;
  }
  for (const auto& [topic, count] : passed) {
    to.push_back(fmt::format(
        "{}: it gets no events `{}` any more, and has not handled {} of them, which are passed "
        "over: let it handle them before, or keep the pattern",
        now.name.value,
        topic,
        count));
  }
}

} // namespace

void add_stranded_events(
    std::vector<std::string>& to,
    const earlier_databases& earlier,
    const topology::plan& plan,
    store::database& journal) {
  if (!journal.has_table("cursors")) {
    return; // Its making was cut short.
  }
  for (const auto& [name, count] :
       named_counts(journal, "SELECT capability, count(*) FROM dead_letters GROUP BY capability")) {
    if (const auto* const now = plan.find(capability_name{name}); now != nullptr) {
      add_letters(to, *now, journal);
    } else {
      to.push_back(fmt::format(
          "{}: it is gone, with {} dead letters; `troupe dead-letters retry FILE --all "
          "--capability "
          "{} --to NAME` gives them to another",
          name,
          count,
          name));
    }
  }
  for (const auto& [name, unused] : named_counts(journal, "SELECT capability, 0 FROM cursors")) {
    const auto* const now = plan.find(capability_name{name});
    if (now == nullptr || now->subscribes.empty()) {
      to.push_back(fmt::format(
          "{}: it subscribes to nothing any more; events that it had not handled stay unhandled",
          name));
    } else if (earlier.subscribes.contains(name)) {
      add_passed_over(to, *now, earlier, journal);
    }
  }
}

} // namespace troupe
