#include "runtime/worker/runner_store.hpp"

#include "runtime/actor/registry.hpp"
#include "runtime/store/postgres/database.hpp"
#include "runtime/store/sqlite/database.hpp"
#include "runtime/store/turn/forced_breakers.hpp"
#include "runtime/store/turn/handled_topics.hpp"
#include "runtime/store/turn/writers.hpp"
#include "runtime/worker/forgetting.hpp"

#include <algorithm>
#include <optional>

namespace troupe {

namespace {

// The wait for the lock at an orderly end: a process that holds it longer copies the WAL back at
// its own end. All groups of a worker together must end within its drain limit.
constexpr milliseconds leave_patience{250};
constexpr milliseconds lock_patience{1'000};
constexpr int lock_tries_max = 30;
// The time beyond a turn's limit after which the holder's own watchdog has failed to end it.
constexpr milliseconds stalled_grace{1'000};

/// The limit after which a stalled turn loses its lock.
milliseconds stalled_after(const group& of) {
  return of.options().turn_limit + stalled_grace;
}

outcome<std::unique_ptr<store::database>> open_schema(group& of, const std::string& url) {
  store::postgres_options options;
  options.capability = of.name();
  options.system = of.parts().system;
  options.idle_limit = std::max(stalled_after(of), milliseconds{1'000});
  // Less than the watchdog's limit: a stalled server is not the fault of the messages in hand,
  // which would be blamed for the death.
  options.patience =
      std::clamp(of.options().turn_limit * 2 / 5, milliseconds{100}, milliseconds{10'000});
  options.lock_patience = std::min(lock_patience, options.patience / 2);
  return store::open_postgres(url, of.name(), options);
}

/// Opens the database in a file. If another process holds it, waits as patiently as a turn does,
/// then tries once more.
outcome<std::unique_ptr<store::database>> open_file(group& of, const std::string& path) {
  store::sqlite_options options;
  options.capability = of.name();
  options.lock_patience = lock_patience;
  auto opened = store::open_sqlite(path, options);
  if (opened || opened.error().code != errc::unavailable) {
    return opened;
  }
  auto turnstile = store::turnstile::open(path);
  if (!turnstile) {
    return opened;
  }
  store::gate gate{std::move(*turnstile)};
  if (!lock_patiently(of, gate)) {
    return opened;
  }
  gate.unlock();
  return store::open_sqlite(path, options);
}

} // namespace

bool is_postgres(std::string_view place) {
  return place.substr(0, 11) == "postgresql:";
}

void shut_if_damaged(group& of, const store::database_error& fault) {
  if (fault.kind == store::database_fault::corrupt) {
    of.shut(fault.to_error());
  }
}

void tell_handled_topics(group& of, store::database& session) {
  std::vector<std::string> patterns;
  for (const wire::topic_description& each : of.type().description.handles) {
    patterns.push_back(each.pattern);
  }
  store::handled_topics{session}.set(of.parts().incarnation, patterns);
}

bool lock_patiently(group& of, store::gate& gate) {
  for (int tries = 0; tries < lock_tries_max && !of.condition().is_ending(); ++tries) {
    const auto locked = gate.lock(lock_patience);
    if (locked) {
      return true;
    }
    of.parts().log.write(
        "store.lock_awaited", {{"capability", of.name()}, {"reason", locked.error().message}});
    if (const auto killed = gate.kill_stalled_holder(stalled_after(of))) {
      of.parts().log.write(
          "store.stalled_holder_killed",
          {{"capability", of.name()}, {"holder", describe(*killed)}});
    }
  }
  return false;
}

outcome<std::unique_ptr<runner_store>> runner_store::open(group& of) {
  const std::string& place = *of.options().database;
  const bool is_on_server = is_postgres(place);
  TROUPE_TRY(auto database, is_on_server ? open_schema(of, place) : open_file(of, place));
  auto made = std::make_unique<runner_store>(runner_store{std::move(database), {}, 0});
  if (!is_on_server) {
    TROUPE_TRY(auto turnstile, store::turnstile::open(place));
    made->gate = store::gate{std::move(turnstile)};
  }
  made->gate.set_limit(stalled_after(of));
  if (!lock_patiently(of, made->gate)) {
    return failure{
        {.code = errc::unavailable,
         .message = place + ": another process has had its lock for half a minute",
         .retry_after = lock_patience}};
  }
  TROUPE_CHECK(made->prepare(of));
  made->gate.unlock();
  return made;
}

store::lent_session& runner_store::for_handlers() {
  if (!lent) {
    lent = std::make_unique<store::lent_session>(*database);
  }
  return *lent;
}

void runner_store::leave() noexcept {
  try {
    if (gate.lock(leave_patience)) {
      std::optional<store::long_work> shown;
      gate.show_long_work(shown);
      database->checkpoint_all();
      shown.reset();
      gate.unlock();
    }
  } catch (const std::exception&) { // All commits are in the WAL, and stay there.
  }
}

void leave_store::operator()(runner_store* store) const {
  const std::unique_ptr<runner_store> owned{store};
  if (of != nullptr && of->has_open_store()) {
    store->leave();
  }
}

outcome<void> runner_store::prepare(group& of) {
  worker_parts& parts = of.parts();
  store::database& session = *database;
  try {
    std::optional<store::long_work> shown;
    gate.show_long_work(shown);
    TROUPE_CHECK(migrate(session, parts.time, of.type()));
    session.checkpoint(); // A migration may leave more than a turn should have to copy back.
    store::transaction transaction{session};
    const wall_time now = parts.time.wall();
    forgotten = store::retention{session}.open(now, of.options().inbox_kept);
    tell_if_ahead(of, forgotten, now);
    writer = store::writers{session}.add(parts.node, parts.incarnation, now);
    tell_handled_topics(of, session);
    if (const auto said = store::forced_breakers{session}.on(parts.node)) {
      of.breaker().restore(*said, parts.time.now());
    }
    transaction.commit();
  } catch (const store::database_error& fault) {
    return failure{fault.to_error()};
  }
  return {};
}

} // namespace troupe
