#include "nodes/commands/transfer/database_copy.hpp"

#include "runtime/store/copy/table_copy.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <map>
#include <string_view>
#include <tuple>
#include <utility>

namespace troupe {

namespace {

using store::table;
using store::table_space;

// The lease belongs to the place of a journal, not to its contents: it is not copied.
constexpr std::string_view lease_component = "troupe.lease";
constexpr std::string_view journal_table = "journal";

bool is_of_lease(const store::column& each) {
  return each.name.substr(0, 5) == "owner" || each.name == "lease_until";
}

/// The tables that are copied row by row.
std::vector<table> content_of(const stored_database& what, const table_space& space) {
  std::vector<table> all = store::tables_of(space);
  all.erase(
      std::remove_if(
          all.begin(),
          all.end(),
          [](const table& each) {
            return each.name == "troupe_meta" || each.name == "schema_versions";
          }),
      all.end());
  for (table& each : all) {
    // The key's column precedes those of the lease, so its index stays valid.
    if (what.is_journal() && each.name == journal_table) {
      each.columns.erase(
          std::remove_if(each.columns.begin(), each.columns.end(), is_of_lease),
          each.columns.end());
    }
  }
  return all;
}

/// The rows of schema_versions by component and version.
using versions = std::
    map<std::pair<std::string, std::int64_t>, std::tuple<std::string, std::string, std::int64_t>>;

versions versions_of(const table_space& space) {
  versions found;
  space.session->query(
      fmt::format(
          "SELECT component, version, name, digest, at FROM {} WHERE component <> $1",
          space.name_of("schema_versions")),
      [&](const store::row& row) {
        found[{std::string{row.text(0)}, row.integer(1)}] = {
            std::string{row.text(2)}, std::string{row.text(3)}, row.integer(4)};
      },
      lease_component);
  return found;
}

void take_versions(const table_space& from, const table_space& to) {
  const versions all = versions_of(from);
  const std::string table = to.name_of("schema_versions");
  to.session->execute(fmt::format("DELETE FROM {} WHERE component <> $1", table), lease_component);
  for (const auto& [step, said] : all) {
    to.session->execute(
        fmt::format(
            "INSERT INTO {} (component, version, name, digest, at) VALUES ($1, $2, $3, $4, $5)",
            table),
        step.first,
        step.second,
        std::get<0>(said),
        std::get<1>(said),
        std::get<2>(said));
  }
}

outcome<std::vector<table>>
tables_to_copy(const stored_database& what, const table_space& from, const table_space& to) {
  auto both = store::shared_tables(content_of(what, from), content_of(what, to));
  if (!both) {
    both.error().message = fmt::format(
        "{}: {}: the tables are not those that this program makes",
        what.owner,
        both.error().message);
  }
  return both;
}

error failed_copy(const stored_database& what, const store::database_error& met) {
  error why = met.to_error();
  why.message = fmt::format("{}: {}", what.owner, why.message);
  return why;
}

error not_equal(const stored_database& what, std::string_view how) {
  return {.code = errc::conflict, .message = fmt::format("{}: {}", what.owner, how)};
}

} // namespace

std::optional<database_identity> identity_of(const table_space& space) {
  const auto tables = space.is_on_server() ? space.session->integer_of(
                          "SELECT COUNT(*) FROM pg_tables WHERE schemaname = $1 AND tablename = "
                          "'troupe_meta'",
                          space.schema)
                                           : std::optional<std::int64_t>{1};
  std::optional<database_identity> found;
  if (tables != 0) {
    space.session->query(
        fmt::format("SELECT instance, created_at FROM {}", space.name_of("troupe_meta")),
        [&](const store::row& row) {
          found = database_identity{row.id(0), row.integer(1)};
        });
  }
  return found;
}

outcome<void> make_ready(
    const stored_database& what,
    const table_space& from,
    const table_space& to,
    const clock& time) {
  TROUPE_CHECK(store::migrate(*to.session, time, what.components(to.is_on_server())));
  try {
    const auto identity = identity_of(from);
    if (!identity) {
      return failure{invalid(what.owner + ": there is no database to copy")};
    }
    store::transaction writing{*to.session};
    for (const table& each : content_of(what, to)) {
      to.session->execute(fmt::format("DELETE FROM {}", to.name_of(each.name)));
    }
    take_versions(from, to);
    to.session->execute(
        fmt::format("UPDATE {} SET instance = $1, created_at = $2", to.name_of("troupe_meta")),
        identity->instance,
        identity->created_at);
    writing.commit();
  } catch (const store::database_error& met) {
    return failure{failed_copy(what, met)};
  }
  return {};
}

outcome<void>
copy_rows(const stored_database& what, const table_space& from, const table_space& to) {
  try {
    TROUPE_TRY(const auto both, tables_to_copy(what, from, to));
    for (const table& each : both) {
      store::copy_table(from, to, each);
    }
  } catch (const store::database_error& met) {
    return failure{failed_copy(what, met)};
  }
  return {};
}

outcome<database_size>
check_equal(const stored_database& what, const table_space& one, const table_space& other) {
  try {
    if (identity_of(one) != identity_of(other)) {
      return failure{not_equal(what, "the two sides are not the same database")};
    }
    if (versions_of(one) != versions_of(other)) {
      return failure{not_equal(what, "the versions of the tables are not the same")};
    }
    TROUPE_TRY(const auto both, tables_to_copy(what, one, other));
    database_size size{both.size(), 0};
    for (const table& each : both) {
      const store::table_comparison found = store::compare_table(one, other, each);
      if (!found.difference.empty()) {
        return failure{not_equal(what, found.difference)};
      }
      size.rows += found.rows;
    }
    return size;
  } catch (const store::database_error& met) {
    return failure{failed_copy(what, met)};
  }
}

outcome<void> check_types(const table_space& file) {
  try {
    for (const table& each : store::tables_of(file)) {
      const auto mixed = store::columns_of_mixed_types(file, each);
      if (!mixed.empty()) {
        return failure{invalid(fmt::format(
            "the column {} of {} holds values of another type than it is declared as, which "
            "PostgreSQL does not take: change them",
            fmt::join(mixed, ", "),
            each.name))};
      }
    }
  } catch (const store::database_error& met) {
    return failure{met.to_error()};
  }
  return {};
}

} // namespace troupe
