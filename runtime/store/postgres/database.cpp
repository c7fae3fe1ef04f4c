#include "runtime/store/postgres/database.hpp"

#include "runtime/clock.hpp"
#include "runtime/store/postgres/error.hpp"
#include "runtime/store/postgres/hosts.hpp"
#include "runtime/store/postgres/moves.hpp"
#include "runtime/store/postgres/reach.hpp"
#include "runtime/store/postgres/session.hpp"
#include "runtime/time_text.hpp"

#include <algorithm>
#include <cstdint>
#include <fmt/format.h>
#include <map>
#include <optional>
#include <utility>
#include <vector>

namespace troupe::store {

namespace {

constexpr int oldest_server = 130'000;
// PostgreSQL cuts longer names to 63 bytes.
constexpr std::size_t schema_bytes_max = 63;

constexpr const char* make_meta = "CREATE TABLE troupe_meta ("
                                  "one BIGINT PRIMARY KEY CHECK (one = 1), "
                                  "capability TEXT NOT NULL, "
                                  "system TEXT NOT NULL, "
                                  "instance BYTEA NOT NULL, "
                                  "created_at BIGINT NOT NULL)";

struct free_options {
  void operator()(PQconninfoOption* options) const { PQconninfoFree(options); }
};

/// Replaces the quoted parts of libpq's message about a URL: libpq takes a password that contains
/// `/`, `?` or `#` for a port, a database or an option, and quotes it.
std::string without_quotes(const std::string& words) {
  std::string kept;
  bool is_quoted = false;
  for (const char each : words) {
    if (each == '"') {
      kept += is_quoted ? "" : "`...`";
      is_quoted = !is_quoted;
    } else if (!is_quoted) {
      kept += each;
    }
  }
  return kept;
}

outcome<postgres_route> read_url(const std::string& url) {
  char* why = nullptr;
  const std::unique_ptr<PQconninfoOption, free_options> said{PQconninfoParse(url.c_str(), &why)};
  if (!said) {
    const std::string words = why == nullptr ? "out of memory" : without_line_ends(why);
    PQfreemem(why);
    return failure{invalid("is no PostgreSQL address: " + without_quotes(words))};
  }
  postgres_route found;
  for (const PQconninfoOption* each = said.get(); each->keyword != nullptr; ++each) {
    if (each->val != nullptr) {
      found[each->keyword] = each->val;
    }
  }
  if (found.contains("password")) {
    return failure{invalid(
        "has a password in it: write it into the file that PGPASSFILE names (or ~/.pgpass)")};
  }
  if (!found.contains("dbname")) {
    return failure{invalid("names no database: write postgresql://HOST/DATABASE")};
  }
  return found;
}

/// Fills in what the URL leaves open.
void add_defaults(postgres_route& to, const postgres_options& options) {
  to.try_emplace("target_session_attrs", options.read_only ? "any" : "read-write");
  to.try_emplace("connect_timeout", "2");
  to.try_emplace("tcp_user_timeout", "3000");
  to.try_emplace(
      "application_name",
      options.session_name.empty() ? "troupe " + options.capability : options.session_name);
  to["client_encoding"] = "UTF8";
}

bool has(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

/// The cause of a refusal, read from the server's message, since libpq does not pass on the
/// SQLSTATE.
enum class refusal : std::uint8_t { password, database, role, no_room, other };

refusal refusal_of(const failed_attempt& attempt) {
  const std::string& said = attempt.said;
  // The mere use of a password proves nothing: a server may accept it and turn out to be a standby.
  if (attempt.wants_password || (attempt.had_password && has(said, "authentication failed"))) {
    return refusal::password;
  }
  if (has(said, "too many") || has(said, "remaining connection slots")) {
    return refusal::no_room;
  }
  if (has(said, "role \"") && has(said, "does not exist")) {
    return refusal::role;
  }
  return has(said, "database \"") && has(said, "does not exist") ? refusal::database
                                                                 : refusal::other;
}

/// Why no server accepted this session, and so whether a retry can help.
///
/// A refusal is permanent only if every machine refuses. One of several that rejects a password may
/// be outdated or belong to another cluster, while the right one was not ready yet.
refusal refusal_of(const std::vector<failed_attempt>& failures) {
  std::map<std::size_t, refusal> by_machine;
  for (const failed_attempt& each : failures) {
    const refusal one = refusal_of(each);
    const auto found = by_machine.try_emplace(each.machine, one).first;
    if (one != refusal::other && (found->second == refusal::other || one == refusal::no_room)) {
      found->second = one;
    }
  }
  const auto is = [&](refusal what) {
    return std::ranges::any_of(by_machine, [&](const auto& each) { return each.second == what; });
  };
  if (is(refusal::no_room)) {
    return refusal::no_room;
  }
  return is(refusal::other) || by_machine.empty() ? refusal::other : by_machine.begin()->second;
}

/// The error for a failed connection. Only the servers' messages tell whether a retry can help.
database_error no_connection(const std::vector<failed_attempt>& failures, const std::string& url) {
  std::string said;
  for (const failed_attempt& each : failures) {
    said += (said.empty() ? "" : " ") + without_line_ends(each.said);
  }
  switch (refusal_of(failures)) {
  case refusal::password:
    return database_error{
        database_fault::schema,
        fmt::format(
            "the server at {} does not let the user in: {}. Put the right password into the "
            "file that PGPASSFILE names (or ~/.pgpass; mode 0600)",
            url,
            said)};
  case refusal::no_room:
    return database_error{
        database_fault::away,
        fmt::format(
            "the server at {} has no connection left: {}. Raise max_connections there: each "
            "capability takes one in each worker, and two for a moment while it starts",
            url,
            said)};
  case refusal::database:
    return database_error{
        database_fault::schema,
        fmt::format(
            "{}: {}. Make it: CREATE DATABASE name ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C' "
            "TEMPLATE template0",
            url,
            said)};
  case refusal::role:
    return database_error{
        database_fault::schema, fmt::format("{}: {}. Make it with CREATE ROLE", url, said)};
  case refusal::other:
    break;
  }
  return database_error{
      database_fault::away, fmt::format("cannot reach a server at {}: {}", url, said)};
}

postgres_connection
connect(postgres_hosts& hosts, address_book& addresses, const std::string& url) {
  reached_server found = reach_server(hosts.route(), addresses);
  if (found.connection == nullptr) {
    throw no_connection(found.failures, url);
  }
  hosts.found(found.connection.get());
  return postgres_connection{found.connection.release()};
}

/// Refuses a server that is too old, before sending anything it may not understand.
postgres_connection new_enough(postgres_connection made) {
  const int version = PQserverVersion(made.get());
  if (version < oldest_server) {
    throw database_error{
        database_fault::schema,
        fmt::format(
            "the server is PostgreSQL {}.{}, and 13 or newer is needed: update it, or name another",
            version / 10'000,
            version >= 100'000 ? version % 100 : version / 100 % 100)};
  }
  return made;
}

outcome<void>
check(const std::string& url, const std::string& schema, const postgres_options& options) {
  const auto refuse = [&](const std::string& why) -> outcome<void> {
    return failure{invalid(fmt::format("{}: {}", url, why))};
  };
  if (options.capability.empty() && !options.read_only) {
    return refuse("it must be said whose database it is");
  }
  const bool is_name =
      !schema.empty() && schema.size() <= schema_bytes_max
      && std::ranges::all_of(schema, [](unsigned char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
         });
  if (!is_name || schema.substr(0, 3) == "pg_") {
    return refuse(fmt::format(
        "the schema `{}` is no name: 1 to 63 of a-z, 0-9, _ and -, not beginning with pg_",
        schema));
  }
  if (options.statements_max < 1 || options.statements_max > 10'000) {
    return refuse("statements_max is 1 to 10,000");
  }
  using namespace std::chrono_literals;
  if (options.patience < 100ms || options.patience > 1h || options.lock_patience < 1ms
      || options.lock_patience > 60s || options.idle_limit < 1s || options.idle_limit > 480h) {
    return refuse(
        "patience is 100 ms to 1 h, idle_limit 1 s to 20 days, lock_patience 1 ms to 60 s");
  }
  return {};
}

/// The server settings that matter to Troupe.
struct server_facts {
  std::string fsync;
  std::string full_page_writes;
  std::string encoding;
  std::string collation;
  bool sorts_bytes = false;
  std::int64_t backend = 0;
};

server_facts look_at_server(postgres_session& session) {
  server_facts found;
  session.query(
      "SELECT current_setting('fsync'), current_setting('full_page_writes'),"
      " current_setting('server_encoding'),"
      " (SELECT datcollate::text FROM pg_database WHERE datname = current_database()),"
      // Every language-specific collation puts `a` before `B`.
      " 'B' < 'a', pg_backend_pid()",
      [&](const row& row) {
        found = {
            std::string{row.text(0)},
            std::string{row.text(1)},
            std::string{row.text(2)},
            std::string{row.text(3)},
            row.integer(4) != 0,
            row.integer(5)};
      });
  return found;
}

std::int64_t backend_of(postgres_session& session) {
  return session.integer_of("SELECT pg_backend_pid()").value_or(0);
}

/// Whether a pooler runs the transactions of two sessions on one connection, which would make them
/// share settings, prepared statements and locks. A pooler shows itself by the backend's process
/// id, since it makes up one of its own.
bool shares_connections(
    postgres_session& session,
    const server_facts& facts,
    const std::function<std::unique_ptr<postgres_session>()>& another) {
  if (PQbackendPID(session.handle()) == facts.backend) {
    return false;
  }
  const auto other = another();
  for (int tries = 0; tries < 3; ++tries) {
    if (backend_of(session) == backend_of(*other)) {
      return true;
    }
  }
  return false;
}

/// Whether an error of a new session is caused by statements that another session prepared on the
/// same connection.
bool is_of_another_session(const database_error& met) {
  return met.native_code == native_code_of("42P05") || met.native_code == native_code_of("26000");
}

outcome<void> check_server(const server_facts& facts) {
  const auto refuse = [](std::string why) -> outcome<void> {
    return failure{invalid(std::move(why))};
  };
  if (facts.fsync != "on") {
    return refuse("the server runs with fsync=off and would lose what it has confirmed: set "
                  "fsync = on in postgresql.conf and restart it");
  }
  if (facts.full_page_writes != "on") {
    return refuse("the server runs with full_page_writes=off, and power loss would damage its "
                  "pages: set full_page_writes = on in postgresql.conf and reload it");
  }
  if (facts.encoding != "UTF8") {
    return refuse(fmt::format(
        "the database has the encoding {}, not UTF8: make a new one with CREATE DATABASE name "
        "ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0",
        facts.encoding));
  }
  if (!facts.sorts_bytes) {
    return refuse(fmt::format(
        "the database sorts text by the collation {}, not C: order would differ from that of "
        "SQLite, and an update of the system's locales would damage indexes. Make a new one with "
        "CREATE DATABASE name ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0",
        facts.collation));
  }
  return {};
}

/// Contents of a schema.
struct schema_facts {
  bool exists = false;
  std::int64_t tables = 0;
  bool has_meta = false;
  bool has_moves = false;
};

schema_facts look_at_schema(postgres_session& session, const std::string& schema) {
  schema_facts found;
  session.query(
      "SELECT (SELECT COUNT(*) FROM pg_namespace WHERE nspname = $1), COUNT(*),"
      " COALESCE(SUM(CASE WHEN relname = 'troupe_meta' THEN 1 ELSE 0 END), 0),"
      " CASE WHEN to_regclass('troupe_migration.databases') IS NULL THEN 0 ELSE 1 END"
      " FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace"
      " WHERE nspname = $1 AND relkind IN ('r', 'p', 'v', 'm')",
      [&](const row& row) {
        found = {row.integer(0) != 0, row.integer(1), row.integer(2) != 0, row.integer(3) != 0};
      },
      schema);
  return found;
}

struct owner_row {
  std::string capability;
  std::string system;
};

std::optional<owner_row> read_owner(postgres_session& session) {
  std::optional<owner_row> owner;
  session.query("SELECT capability, system, instance FROM troupe_meta", [&](const row& found) {
    owner = owner_row{std::string{found.text(0)}, std::string{found.text(1)}};
    session.set_instance(found.id(2));
  });
  return owner;
}

outcome<void>
check_owner(postgres_session& session, const std::string& schema, const postgres_options& options) {
  const auto owner = read_owner(session);
  if (!owner) {
    auto why = internal_error(fmt::format(
        "the schema {} has an empty troupe_meta; it is left alone. Restore a copy", schema));
    why.details.emplace_back("fault", std::string{name_of(database_fault::corrupt)});
    return failure{std::move(why)};
  }
  if (!options.capability.empty() && owner->capability != options.capability) {
    return failure{invalid(fmt::format(
        "the schema {} belongs to `{}`, not to `{}`",
        schema,
        owner->capability,
        options.capability))};
  }
  if (!options.system.empty() && owner->system != options.system) {
    return failure{invalid(fmt::format(
        "the schema {} belongs to the system `{}`, not to `{}`: give each system a database of "
        "its own",
        schema,
        owner->system,
        options.system))};
  }
  return {};
}

void write_owner(
    postgres_session& session,
    const std::string& schema,
    bool exists,
    const postgres_options& options) {
  const auto now = system_clock{}.wall();
  const uuid instance = options.made_as ? *options.made_as : uuid_source{}.next(now);
  if (!exists) {
    session.script(fmt::format("CREATE SCHEMA \"{}\"", schema));
  }
  session.script(make_meta);
  session.execute(
      "INSERT INTO troupe_meta (one, capability, system, instance, created_at)"
      " VALUES (1, $1, $2, $3, $4)",
      options.capability,
      options.system,
      instance,
      unix_millis(now));
  session.set_instance(instance);
}

outcome<void>
take_schema(postgres_session& session, const std::string& schema, const postgres_options& options) {
  const schema_facts before = look_at_schema(session, schema);
  if (before.has_moves && !options.read_only && !options.is_moving) {
    if (auto obstacle = obstacle_to(schema, move_book{session}.rows()); !obstacle.empty()) {
      return failure{invalid(std::move(obstacle))};
    }
  }
  if (before.has_meta) {
    return check_owner(session, schema, options);
  }
  if (before.tables != 0) {
    return failure{invalid(fmt::format(
        "the schema {} has tables that Troupe did not make; it is left alone", schema))};
  }
  if (options.read_only || !options.create) {
    return failure{
        invalid(fmt::format("there is no schema {} of Troupe, and it is not to be made", schema))};
  }
  transaction writing{session};
  // Another process may have created it before this one got the lock.
  const schema_facts now = look_at_schema(session, schema);
  if (now.has_meta) {
    return check_owner(session, schema, options);
  }
  write_owner(session, schema, now.exists, options);
  writing.commit();
  return {};
}

/// Opens a session with a server that fulfils all requirements.
outcome<std::unique_ptr<postgres_session>> open_session(
    const postgres_route& to,
    const std::string& url,
    const std::string& schema,
    const postgres_options& options) {
  const auto addresses =
      options.addresses != nullptr ? options.addresses : std::make_shared<address_book>();
  const auto make = [&] {
    return std::make_unique<postgres_session>(
        [hosts = postgres_hosts{to, options.first_host}, addresses, url]() mutable {
          return new_enough(connect(hosts, *addresses, url));
        },
        options,
        schema);
  };
  const auto pooled = [] {
    return failure{invalid(
        "a pooler gives the same connection to one session after the other: set its pool_mode to "
        "`session`, or name the server itself")};
  };
  auto session = make();
  try {
    const server_facts facts = look_at_server(*session);
    TROUPE_CHECK(check_server(facts));
    if (shares_connections(*session, facts, make)) {
      return pooled();
    }
  } catch (const database_error& met) {
    if (is_of_another_session(met)) {
      return pooled();
    }
    throw;
  }
  return session;
}

/// Opens a session and, if `owned`, the schema.
outcome<std::unique_ptr<database>> open(
    const std::string& url,
    const std::string& schema,
    const postgres_options& options,
    bool owned) {
  auto to = read_url(url);
  if (!to) { // Leaves the URL out of the message: it may contain a password.
    return failure{invalid("the address of the database " + to.error().message)};
  }
  TROUPE_CHECK(check(url, schema, options));
  add_defaults(*to, options);
  const auto refused = [&](error why) {
    why.message = fmt::format("cannot open {} ({}): {}", url, schema, why.message);
    return failure{std::move(why)};
  };
  try {
    auto session = open_session(*to, url, schema, options);
    if (!session) {
      return refused(std::move(session).error());
    }
    if (owned) {
      if (auto taken = take_schema(**session, schema, options); !taken) {
        return refused(std::move(taken).error());
      }
    }
    return std::move(*session);
  } catch (const database_error& met) {
    auto found = met.to_error();
    // Opening changes no data.
    found.possible = effect::none;
    if (met.kind == database_fault::schema) {
      found.code = errc::invalid;
    }
    return refused(std::move(found));
  }
}

} // namespace

std::string fault_of_postgres_url(const std::string& url) {
  const auto to = read_url(url);
  return to ? std::string{} : to.error().message;
}

outcome<std::unique_ptr<database>>
open_postgres(const std::string& url, const std::string& schema, const postgres_options& options) {
  return open(url, schema, options, true);
}

outcome<std::unique_ptr<database>>
open_postgres_whole(const std::string& url, const postgres_options& options) {
  postgres_options whole = options;
  whole.capability = "database";
  return open(url, "troupe_migration", whole, false);
}

} // namespace troupe::store
