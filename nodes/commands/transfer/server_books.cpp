#include "nodes/commands/transfer/server_books.hpp"

#include "runtime/store/copy/table.hpp"

#include <chrono>
#include <fmt/format.h>
#include <thread>
#include <utility>

namespace troupe {

namespace {

constexpr std::string_view own_name = "troupe-command";
// Copying waits for large tables; nobody else is there to be kept waiting.
constexpr milliseconds statement_patience{300'000};
constexpr milliseconds standing_limit{3'600'000};
// The server notices within a second that the process of a session is gone.
constexpr milliseconds leaving_patience{5'000};
constexpr milliseconds look_every{100};
// Any number that nobody else takes as a lock for a session.
constexpr std::int64_t lock_of_moves = 0x7472'6f75'7065'6d76;

/// The sessions of brokers and workers, in words.
std::vector<std::string> users_of(store::database& session) {
  std::vector<std::string> found;
  session.query(
      "SELECT application_name, CAST(pid AS BIGINT) FROM pg_stat_activity "
      "WHERE datname = current_database() AND application_name LIKE 'troupe %' ORDER BY 1, 2",
      [&](const store::row& row) {
        found.push_back(fmt::format("{} (backend {})", row.text(0), row.integer(1)));
      });
  return found;
}

} // namespace

store::postgres_options moving_options() {
  store::postgres_options options;
  options.is_moving = true;
  options.session_name = own_name;
  options.patience = statement_patience;
  options.idle_limit = standing_limit;
  return options;
}

outcome<server_books> server_books::open(const std::vector<std::string>& urls) {
  server_books made;
  for (const std::string& url : urls) {
    if (made.sessions_.contains(url)) {
      continue;
    }
    auto opened = store::open_postgres_whole(url, moving_options());
    if (!opened) {
      return failure{std::move(opened).error()};
    }
    try {
      if ((*opened)->integer_of(
              "SELECT CASE WHEN pg_try_advisory_lock($1) THEN 1 ELSE 0 END", lock_of_moves)
          != 1) {
        return failure{
            {.code = errc::unavailable,
             .message = fmt::format("another command is moving data in {}: wait for it", url)}};
      }
    } catch (const store::database_error& met) {
      return failure{met.to_error()};
    }
    made.sessions_[url] = std::move(*opened);
  }
  return made;
}

std::vector<std::string> server_books::urls() const {
  std::vector<std::string> all;
  for (const auto& [url, session] : sessions_) {
    all.push_back(url);
  }
  return all;
}

std::optional<store::move_row>
server_books::row_of(const std::string& url, const std::string& schema) {
  for (store::move_row& each : store::move_book{session(url)}.rows()) {
    if (each.schema == schema) {
      return std::move(each);
    }
  }
  return std::nullopt;
}

std::vector<std::pair<std::string, store::move_row>> server_books::rows() {
  std::vector<std::pair<std::string, store::move_row>> all;
  for (const auto& [url, session] : sessions_) {
    for (store::move_row& each : store::move_book{*session}.rows()) {
      all.emplace_back(url, std::move(each));
    }
  }
  return all;
}

schema_content server_books::look_at(const std::string& url, const std::string& schema) {
  store::database& asked = session(url);
  schema_content found;
  std::int64_t metas = 0;
  asked.query(
      "SELECT COUNT(*), COALESCE(SUM(CASE WHEN relname = 'troupe_meta' THEN 1 ELSE 0 END), 0)"
      " FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace"
      " WHERE nspname = $1 AND relkind IN ('r', 'p', 'v', 'm')",
      [&](const store::row& row) {
        found.tables = row.integer(0);
        metas = row.integer(1);
      },
      schema);
  if (metas != 0) {
    asked.query(
        fmt::format(
            "SELECT instance, capability, system FROM {}.troupe_meta", store::quoted_name(schema)),
        [&](const store::row& row) {
          found.instance = row.id(0);
          found.capability = row.text(1);
          found.system = row.text(2);
        });
  }
  return found;
}

void server_books::change(
    const std::function<void(const std::string& url, store::database&, store::move_book&)>& how) {
  for (const auto& [url, session] : sessions_) {
    store::move_book book{*session};
    store::transaction writing{*session};
    how(url, *session, book);
    writing.commit();
  }
}

outcome<void> server_books::check_unused() {
  const auto until = std::chrono::steady_clock::now() + leaving_patience;
  try {
    for (const auto& [url, session] : sessions_) {
      auto users = users_of(*session);
      while (!users.empty() && std::chrono::steady_clock::now() < until) {
        std::this_thread::sleep_for(look_every);
        users = users_of(*session);
      }
      if (!users.empty()) {
        return failure{
            {.code = errc::unavailable,
             .message = fmt::format(
                 "the system runs: {} has sessions of {}", url, fmt::join(users, ", "))}};
      }
    }
  } catch (const store::database_error& met) {
    return failure{met.to_error()};
  }
  return {};
}

outcome<std::unique_ptr<store::database>>
open_moving(const stored_database& what, const server_place& at, bool create) {
  store::postgres_options options = moving_options();
  options.capability = what.owner_inside();
  options.system = at.system;
  options.create = create;
  return store::open_postgres(at.url, what.schema(), options);
}

} // namespace troupe
