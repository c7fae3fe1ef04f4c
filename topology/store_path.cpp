#include "topology/store_path.hpp"

#include "runtime/contains.hpp"

#include <algorithm>
#include <array>
#include <filesystem>
#include <fmt/format.h>
#include <utility>

namespace troupe::topology {

namespace {

constexpr std::string_view sqlite_scheme = "sqlite:";
constexpr std::string_view placeholder = "{capability}";
constexpr std::size_t schema_bytes_max = 63;
constexpr std::string_view moves_schema = "troupe_migration";
constexpr std::string_view postgres_scheme = "postgresql://";
constexpr std::string_view example =
    "write sqlite:data/{capability}.db, a file per capability, postgresql://HOST/DATABASE, where "
    "each capability has a schema, or none";
constexpr std::string_view postgres_example =
    "write postgresql://USER@HOST:PORT,HOST:PORT/DATABASE";

// The options allowed in a URL: how the server is reached. The runtime decides how sessions behave.
constexpr std::array<std::string_view, 15> postgres_options{
    "channel_binding",
    "connect_timeout",
    "gssencmode",
    "host",
    "hostaddr",
    "passfile",
    "port",
    "sslcert",
    "sslcrl",
    "sslkey",
    "sslmode",
    "sslrootcert",
    "tcp_user_timeout",
    "user",
    "krbsrvname"};

std::optional<fault> wrong_place(std::string what, std::string_view remedy = postgres_example) {
  return fault{{}, std::move(what), std::string{remedy}};
}

fault has_password() {
  return {
      {},
      "has a password in it",
      "write the password into the file that PGPASSFILE names for the workers (or ~/.pgpass)"};
}

/// An unexpected `@`: it ends a password that contains `/`, `?` or `#`, so nothing of it may be
/// repeated in a message.
fault has_stray_at() {
  return {
      {},
      "has an `@` behind its hosts: is there a password in it?",
      "write a password into the file that PGPASSFILE names for the workers (or ~/.pgpass), and an "
      "`@` of a name as %40"};
}

/// Whether the alleged name of an option may be repeated in a message.
bool is_word(std::string_view name) {
  return !name.empty() && std::ranges::all_of(name, [](unsigned char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
  });
}

bool is_port(std::string_view text) {
  return text.empty() || (text.size() <= 5 && std::ranges::all_of(text, [](char c) {
                            return c >= '0' && c <= '9';
                          }));
}

/// Whether each port in HOST[:PORT][,HOST[:PORT] ...] is a number.
bool have_ports(std::string_view hosts) {
  while (!hosts.empty()) {
    const std::string_view one = hosts.substr(0, hosts.find(','));
    hosts.remove_prefix(std::min(one.size() + 1, hosts.size()));
    const std::size_t bracket = one.find(']'); // End of an IPv6 address.
    const std::size_t colon = one.find(':', bracket == std::string_view::npos ? 0 : bracket);
    if (colon != std::string_view::npos && !is_port(one.substr(colon + 1))) {
      return false;
    }
  }
  return true;
}

std::optional<fault> check_postgres_options(std::string_view options) {
  const bool has_at = options.find('@') != std::string_view::npos;
  while (!options.empty()) {
    const std::string_view one = options.substr(0, options.find('&'));
    options.remove_prefix(std::min(one.size() + 1, options.size()));
    const std::string_view name = one.substr(0, one.find('='));
    if (name == "password") {
      return has_password();
    }
    if (!contains(postgres_options, name)) {
      if (has_at) {
        return has_stray_at();
      }
      const std::string which = is_word(name) ? fmt::format("the option `{}`", name) : "an option";
      return wrong_place(
          fmt::format("has {}, which is none of how its server is reached", which),
          fmt::format("the options are {}", fmt::join(postgres_options, ", ")));
    }
  }
  return std::nullopt;
}

/// postgresql://[USER@]HOST[:PORT][,HOST[:PORT] ...]/DATABASE[?OPTIONS]
std::optional<fault> check_postgres(std::string_view store) {
  std::string_view rest = store.substr(postgres_scheme.size());
  const std::size_t asked = rest.find('?');
  if (asked != std::string_view::npos) {
    if (auto wrong = check_postgres_options(rest.substr(asked + 1))) {
      return wrong;
    }
    rest = rest.substr(0, asked);
  }
  const std::size_t slash = rest.find('/');
  std::string_view hosts = rest.substr(0, slash);
  const std::string_view database =
      slash == std::string_view::npos ? std::string_view{} : rest.substr(slash + 1);
  if (database.find('@') != std::string_view::npos) {
    return has_stray_at();
  }
  if (database.empty() || database.find('/') != std::string_view::npos) {
    return wrong_place("names no database");
  }
  if (store.find_first_of("{}") != std::string_view::npos) {
    return wrong_place("has braces", "leave them out: each capability has the schema of its name");
  }
  if (const std::size_t at = hosts.find('@'); at != std::string_view::npos) {
    if (hosts.substr(0, at).find(':') != std::string_view::npos) {
      return has_password();
    }
    hosts.remove_prefix(at + 1);
    if (hosts.find('@') != std::string_view::npos) {
      return has_stray_at();
    }
  }
  if (!have_ports(hosts)) {
    return wrong_place("has a port that is no number (or a password)");
  }
  const bool has_host_option = store.find("host=", asked) != std::string_view::npos;
  if (hosts.empty() && (asked == std::string_view::npos || !has_host_option)) {
    return wrong_place("names no host");
  }
  return std::nullopt;
}

std::string without_placeholders(std::string text) {
  for (std::size_t at = text.find(placeholder); at != std::string::npos;
       at = text.find(placeholder, at)) {
    text.erase(at, placeholder.size());
  }
  return text;
}

} // namespace

std::optional<fault> check_store(std::string_view store) {
  const auto wrong = [](std::string what, std::string_view remedy = example) {
    return fault{{}, std::move(what), std::string{remedy}};
  };
  if (store == "none") {
    return std::nullopt;
  }
  if (is_on_server(store)) {
    return check_postgres(store);
  }
  if (store.substr(0, 8) == "postgres") {
    return wrong_place("is not how the place of a PostgreSQL database is written");
  }
  if (store.substr(0, sqlite_scheme.size()) != sqlite_scheme) {
    return wrong("names no kind of store that this release knows");
  }
  const std::string path{store.substr(sqlite_scheme.size())};
  if (path.empty() || path.back() == '/') {
    return wrong("names no file");
  }
  if (path == ":memory:") {
    return wrong("would lose its data, and every promise, with its process");
  }
  // SQLite reads the text after a question mark as options, which the runtime chooses.
  if (path.find('?') != std::string::npos) {
    return wrong("has a `?` in its path", "remove the `?`: the options are fixed");
  }
  if (without_placeholders(path).find_first_of("{}") != std::string::npos) {
    return wrong("has braces that are not {capability}", "only {capability} is filled in");
  }
  return std::nullopt;
}

std::string path_in(std::string_view store) {
  return std::string{store.substr(store.find(':') + 1)};
}

std::string told_of_store(std::string_view store, std::string_view what) {
  return store.find("://") != std::string_view::npos || store.starts_with("postgres")
             ? std::string{what}
             : fmt::format("(`{}`) {}", store, what);
}

bool is_on_server(std::string_view store) {
  return store.substr(0, postgres_scheme.size()) == postgres_scheme;
}

std::string fault_of_schema(std::string_view name) {
  if (name.size() > schema_bytes_max) {
    return fmt::format("is longer than {} characters", schema_bytes_max);
  }
  if (name.starts_with("pg_") || name == "information_schema") {
    return "is one of the server's own";
  }
  // The books of `troupe migrate`: the schema is dropped after a move.
  return name == moves_schema ? "is that of the books of `troupe migrate`" : "";
}

std::optional<fault> check_is_file(std::string_view store, std::string_view remedy) {
  if (!is_on_server(store)) {
    return std::nullopt;
  }
  return wrong_place(
      "is on a PostgreSQL server, where this release keeps the stores of capabilities only",
      remedy);
}

std::optional<std::string>
store_for(std::string_view store, const capability_name& capability, const std::string& folder) {
  if (store == "none") {
    return std::nullopt;
  }
  if (is_on_server(store)) {
    return std::string{store};
  }
  std::string path{store.substr(sqlite_scheme.size())};
  for (std::size_t at = path.find(placeholder); at != std::string::npos;
       at = path.find(placeholder, at + capability.value.size())) {
    path.replace(at, placeholder.size(), capability.value);
  }
  // Has no effect on an absolute path. The normal form gives each file a single spelling.
  const auto joined = (std::filesystem::path{folder} / path).lexically_normal();
  return std::string{sqlite_scheme} + joined.string();
}

} // namespace troupe::topology
