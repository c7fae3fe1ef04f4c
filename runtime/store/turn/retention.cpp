#include "runtime/store/turn/retention.hpp"

#include "runtime/store/turn/inbox.hpp"
#include "runtime/time_text.hpp"

#include <algorithm>
#include <utility>

namespace troupe::store {

namespace {

constexpr std::string_view read_text =
    "SELECT time, calls, commands, trial, handled_from FROM retention";

forgotten forgotten_of(const row& row) {
  return {
      wall_time{milliseconds{row.integer(0)}},
      row.id(1),
      row.id(2),
      milliseconds{row.integer(3)},
      row.is_null(4) ? std::nullopt : std::optional{row.id(4)}};
}

} // namespace

forgotten retention::read() {
  forgotten found;
  auto take = [&](const row& row) { found = forgotten_of(row); };
  session_.query(read_text, take);
  return found;
}

void retention::ask(std::function<void(const forgotten&)> each) {
  session_.ask(
      read_text, {}, [each = std::move(each)](const row& row) { each(forgotten_of(row)); });
}

/// The latest time at which the database is known to have been used; 1970 if it is new.
wall_time retention::last_used() {
  const milliseconds opened{session_.integer_of("SELECT MAX(opened_at) FROM writers").value_or(0)};
  return time_since_1970(std::max(opened, inbox{session_}.newest().birth()));
}

forgotten retention::open(wall_time wall, std::chrono::hours kept) {
  if (session_.integer_of("SELECT COUNT(*) FROM retention").value_or(0) != 0) {
    return read();
  }
  forgotten first{.time = wall, .trial = kept};
  if (const wall_time used = last_used(); used != wall_time{}) {
    first.time = std::min(wall, used);
    first.calls = inbox{session_}.oldest_answered().value_or(floor_id(first.time - kept));
    first.trial = milliseconds{0};
  }
  session_.execute(
      "INSERT INTO retention (one, time, calls, commands, trial) VALUES (1, $1, $2, $3, $4)",
      unix_millis(first.time),
      first.calls,
      first.commands,
      first.trial.count());
  return first;
}

void retention::write(const forgotten& now) {
  const forgotten before = read();
  const bool may_go_back = before.trial > milliseconds{0};
  session_.execute(
      "UPDATE retention SET time = $1, calls = $2, commands = $3, trial = $4",
      unix_millis(may_go_back ? now.time : std::max(before.time, now.time)),
      std::max(before.calls, now.calls),
      std::max(before.commands, now.commands),
      std::min(before.trial, now.trial).count());
}

void retention::note_handled(const uuid& id) {
  session_.execute(
      "UPDATE retention SET handled_from = $1 WHERE handled_from IS NULL OR handled_from > $1", id);
}

} // namespace troupe::store
