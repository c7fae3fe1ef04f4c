#include "nodes/commands/transfer/server_books.hpp"

#include "runtime/clock.hpp"
#include "runtime/store/copy/table.hpp"

#include <fmt/format.h>
#include <thread>
#include <unistd.h>
#include <utility>

namespace troupe {

namespace {

// The beginning of a command's session name; its process id follows.
constexpr std::string_view command_name = "troupe-command ";
// Copying large tables may take long; nobody else waits for it.
constexpr milliseconds statement_patience{300'000};
constexpr milliseconds standing_limit{3'600'000};
// The server notices within a second that the process of a session is gone.
constexpr milliseconds leaving_patience{5'000};
constexpr milliseconds look_every{100};
// An arbitrary number for the advisory lock, used for nothing else.
constexpr std::int64_t lock_of_moves = 0x7472'6f75'7065'6d76;

std::string own_name() {
  return fmt::format("{}{}", command_name, ::getpid());
}

/// Other processes' sessions whose names start with `beginning`, in words.
std::vector<std::string> sessions_named(store::database& asked, std::string_view beginning) {
  std::vector<std::string> found;
  asked.query(
      "SELECT application_name, CAST(pid AS BIGINT) FROM pg_stat_activity "
      "WHERE datname = current_database() AND application_name LIKE $1 AND application_name <> $2 "
      "ORDER BY 1, 2",
      [&](const store::row& row) {
        found.push_back(fmt::format("{} (backend {})", row.text(0), row.integer(1)));
      },
      fmt::format("{}%", beginning),
      own_name());
  return found;
}

/// The same, after waiting briefly for sessions of a process that has just died.
std::vector<std::string>
sessions_that_stay(store::database& asked, std::string_view beginning, instant until) {
  auto found = sessions_named(asked, beginning);
  while (!found.empty() && system_clock{}.now() < until) {
    std::this_thread::sleep_for(look_every);
    found = sessions_named(asked, beginning);
  }
  return found;
}

/// Excludes other commands that move data while the session lives.
/// @return who holds the lock; empty if this command got it.
std::string lock_moves(store::database& asked) {
  const instant until = system_clock{}.now() + leaving_patience;
  while (
      asked.integer_of("SELECT CASE WHEN pg_try_advisory_lock($1) THEN 1 ELSE 0 END", lock_of_moves)
      != 1) {
    if (system_clock{}.now() > until) {
      return "another command that moves data (or the topology names one database in two ways)";
    }
    std::this_thread::sleep_for(look_every);
  }
  // Statements of a command that died may still be running.
  return fmt::to_string(fmt::join(sessions_that_stay(asked, command_name, until), ", "));
}

} // namespace

store::postgres_options moving_options() {
  store::postgres_options options;
  options.is_moving = true;
  options.session_name = own_name();
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
    TROUPE_TRY(auto opened, store::open_postgres_whole(url, moving_options()));
    try {
      if (const std::string other = lock_moves(*opened); !other.empty()) {
        return failure{
            {.code = errc::unavailable,
             .message = fmt::format("{} is at work in {}: wait for it", other, url)}};
      }
    } catch (const store::database_error& met) {
      return failure{met.to_error()};
    }
    made.sessions_[url] = std::move(opened);
  }
  return made;
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
  const instant until = system_clock{}.now() + leaving_patience;
  try {
    for (const auto& [url, session] : sessions_) {
      // Sessions of brokers and workers are named "troupe OWNER".
      const auto users = sessions_that_stay(*session, "troupe ", until);
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

outcome<std::unique_ptr<store::database>> open_moving(
    const stored_database& what, const server_place& at, const std::optional<uuid>& made_as) {
  store::postgres_options options = moving_options();
  options.capability = what.owner_inside();
  options.system = at.system;
  options.create = made_as.has_value();
  options.made_as = made_as;
  return store::open_postgres(at.url, what.schema(), options);
}

} // namespace troupe
