#include "runtime/gateway/server/key_book.hpp"

#include "runtime/http/admission.hpp"
#include "runtime/store/migrations.hpp"
#include "runtime/store/sqlite/database.hpp"
#include "runtime/time_text.hpp"

#include <array>
#include <exception>
#include <fmt/format.h>
#include <optional>
#include <utility>

namespace troupe::gateway {

namespace {

using namespace std::chrono_literals;

/// Owner recorded in the file; no capability can have this name.
constexpr const char* owner = "troupe.gateway";
constexpr milliseconds lock_patience = 5s;
// The gateway's end waits for it.
constexpr milliseconds leave_patience = 250ms;
constexpr milliseconds forget_every = 60s;
/// Keys deleted per transaction: as many as one transaction may add.
constexpr std::int64_t forgotten_max = key_book::waiting_max;

/// Approximate size of a key in table and index.
constexpr std::int64_t key_bytes = 100;

/// SQLite's default page size.
constexpr std::int64_t page_bytes = 4'096;

/// Bytes of the file in use.
std::int64_t bytes_used(store::database& session) {
  const auto number = [&](const char* sql) { return session.integer_of(sql).value_or(0); };
  return (number("PRAGMA page_count") - number("PRAGMA freelist_count")) * page_bytes;
}

error too_many_keys(std::string_view whose) {
  return {
      .code = errc::overloaded,
      .message = fmt::format(
          "{} has as many Idempotency-Keys kept here as it may; send one that is a UUID of version "
          "7, which carries its time and needs no place",
          whose),
      .retry_after = std::chrono::minutes{1}};
}

constexpr std::array steps{
    store::migration{1, "when keys came first", R"sql(
CREATE TABLE keys (
  hash BLOB PRIMARY KEY,
  born BIGINT NOT NULL
) WITHOUT ROWID;
CREATE INDEX keys_by_time ON keys (born);
)sql"},
    store::migration{2, "by which time keys are forgotten", R"sql(
CREATE TABLE forgetting (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  time BIGINT NOT NULL
);
)sql"}};

constexpr std::array trial_steps{
    store::migration{1, "for how long a new file forgets no key", R"sql(
ALTER TABLE forgetting ADD COLUMN trial BIGINT NOT NULL DEFAULT 0;
)sql"}};

/// Components of the file's schema: a gateway of the previous release works without the second.
constexpr std::array components{
    store::component{owner, steps}, store::component{"troupe.gateway_trial", trial_steps}};

/// Loads the settled time from the database. A file that has none starts from its last use; a new
/// file starts now, on trial.
settled_time settled_in(store::database& session, const clock& time, milliseconds kept) {
  store::transaction all{session};
  const std::int64_t now = unix_millis(time.wall());
  const auto last_used = session.integer_of("SELECT MAX(born) FROM keys");
  session.execute(
      "INSERT INTO forgetting (one, time, trial) VALUES (1, $1, $2) ON CONFLICT (one) DO NOTHING",
      std::min(last_used.value_or(now), now),
      last_used ? 0 : kept.count());
  const auto begins = session.integer_of("SELECT time FROM forgetting");
  const auto trial = session.integer_of("SELECT trial FROM forgetting");
  all.commit();
  return {time_since_1970(milliseconds{begins.value()}), time.now(), milliseconds{trial.value()}};
}

} // namespace

outcome<std::unique_ptr<key_book>> key_book::open(
    const std::string& path,
    milliseconds kept,
    const clock& time,
    http_loop& loop,
    std::int64_t most) {
  TROUPE_TRY(auto session, store::open_sqlite(path, {.capability = owner}));
  TROUPE_TRY(auto gate, store::turnstile::open(path));
  std::optional<settled_time> settled;
  {
    TROUPE_TRY(const auto held, store::turnstile_guard::lock(gate, lock_patience));
    TROUPE_CHECK(store::migrate(*session, time, components));
    try {
      settled = settled_in(*session, time, kept);
    } catch (const store::database_error& fault) {
      return failure{fault.to_error()};
    }
  }
  try {
    return std::make_unique<key_book>(
        std::move(session), std::move(gate), *settled, kept, time, loop, most);
  } catch (const store::database_error& fault) {
    return failure{fault.to_error()};
  }
}

key_book::key_book(
    std::unique_ptr<store::database> session,
    store::turnstile gate,
    settled_time settled,
    milliseconds kept,
    const clock& time,
    http_loop& loop,
    std::int64_t most)
    : kept_{kept}, time_{time}, loop_{loop}, session_{std::move(session)}, gate_{std::move(gate)},
      settled_{settled}, most_{most},
      shares_{
          static_cast<std::size_t>(most / key_bytes),
          kept,
          static_cast<std::size_t>(bytes_used(*session_) / key_bytes),
          time.now()},
      forgot_at_{time.now()}, thread_{[this] { run(); }} {
}

key_book::~key_book() {
  close();
}

void key_book::close() {
  {
    const std::lock_guard lock{mutex_};
    is_ending_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) {
    thread_.join();
  }
}

void key_book::first_use(const uuid& hash, const std::string& client, listener told) {
  const std::string counted = http::counted_as(client);
  {
    const std::lock_guard lock{mutex_};
    if (const std::uint64_t number = number_of_(counted); waiting_shares_.admits(number, 1)) {
      waiting_shares_.add(number, 1);
      waiting_.push_back({hash, counted, std::move(told)});
      changed_.notify_all();
      return;
    }
  }
  told(failure{error{
      .code = errc::overloaded,
      .message = "too many keys wait to be written down",
      .retry_after = 100ms}});
}

void key_book::run() {
  for (;;) {
    std::vector<question> asked;
    {
      std::unique_lock lock{mutex_};
      changed_.wait(lock, [this] { return is_ending_ || !waiting_.empty(); });
      if (waiting_.empty()) {
        lock.unlock();
        return leave();
      }
      asked.swap(waiting_);
      waiting_shares_ = shares{waiting_max};
    }
    auto times = write(asked);
    loop_.post([asked = std::move(asked), times = std::move(times)] {
      for (std::size_t i = 0; i < asked.size(); ++i) {
        asked[i].told(times[i]);
      }
    });
  }
}

void key_book::leave() noexcept {
  try {
    if (const auto held = store::turnstile_guard::lock(gate_, leave_patience)) {
      session_->checkpoint_all();
    }
  } catch (const std::exception&) { // All keys are in the WAL, and stay there.
  }
}

key_book::answers key_book::write(const std::vector<question>& asked) {
  const auto held = store::turnstile_guard::lock(gate_, lock_patience);
  if (!held) {
    return answers(asked.size(), failure{held.error()});
  }
  answers times;
  try {
    store::transaction all{*session_};
    const wall_time now = time_.wall();
    const bool has_room = !is_full();
    for (const question& each : asked) {
      times.push_back(write(each, now, has_room));
    }
    forget_old(now);
    all.commit();
    session_->checkpoint();
  } catch (const store::database_error& fault) {
    return answers(asked.size(), failure{fault.to_error()});
  }
  return times;
}

bool key_book::is_full() {
  return bytes_used(*session_) >= most_;
}

outcome<wall_time> key_book::write(const question& one, wall_time now, bool has_room) {
  const auto born = session_->integer_of("SELECT born FROM keys WHERE hash = $1", one.hash);
  if (born) {
    return time_since_1970(milliseconds{*born});
  }
  if (!has_room || !shares_.admits(one.client, time_.now())) {
    return failure{too_many_keys(has_room ? "your address" : "this gateway")};
  }
  session_->execute("INSERT INTO keys (hash, born) VALUES ($1, $2)", one.hash, unix_millis(now));
  shares_.add(one.client, time_.now());
  return time_since_1970(milliseconds{unix_millis(now)});
}

void key_book::forget_old(wall_time wall) {
  const instant now = time_.now();
  if (now - forgot_at_ < forget_every) {
    return;
  }
  const wall_time settled = settled_.at(now, wall);
  std::int64_t forgotten = 0;
  if (!settled_.is_on_trial()) {
    forgotten = session_->execute(
        "DELETE FROM keys WHERE hash IN (SELECT hash FROM keys WHERE born < $1 LIMIT $2)",
        unix_millis(settled - kept_),
        forgotten_max);
  }
  // Another gateway on this machine may have written a later time.
  session_->execute(
      "UPDATE forgetting SET time = $1, trial = MIN(trial, $2) WHERE time < $1 OR trial > 0",
      unix_millis(settled),
      settled_.trial().count());
  if (forgotten < forgotten_max) {
    forgot_at_ = now;
  }
}

} // namespace troupe::gateway
