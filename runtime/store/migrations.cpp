#include "runtime/store/migrations.hpp"

#include "runtime/store/lent_session.hpp"
#include "runtime/time_text.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace troupe::store {

namespace {

constexpr std::string_view make_versions = "CREATE TABLE IF NOT EXISTS schema_versions ("
                                           "component TEXT NOT NULL, "
                                           "version INTEGER NOT NULL, "
                                           "name TEXT NOT NULL, "
                                           "digest TEXT NOT NULL, "
                                           "at INTEGER NOT NULL, "
                                           "PRIMARY KEY (component, version))";

struct applied_step {
  std::string name;
  std::string digest;
};

using applied_steps = std::map<int, applied_step>;

std::string digest_text(std::string_view sql) {
  return fmt::format("{:016x}", digest_of(std::as_bytes(std::span{sql.data(), sql.size()})));
}

applied_steps read_applied(database& session, std::string_view component) {
  applied_steps found;
  session.query(
      "SELECT version, name, digest FROM schema_versions WHERE component = $1",
      [&found](const row& line) {
        found[static_cast<int>(line.integer(0))] = {
            std::string{line.text(1)}, std::string{line.text(2)}};
      },
      component);
  return found;
}

outcome<void> check_numbers(std::string_view component, std::span<const migration> steps) {
  int expected = 1;
  for (const auto& step : steps) {
    if (step.version != expected) {
      return failure{invalid(fmt::format(
          "the migrations of {} must be numbered 1, 2, 3 ...: '{}' is {} where {} is due",
          component,
          step.name,
          step.version,
          expected))};
    }
    ++expected;
  }
  return {};
}

/// Checks that the applied steps are the first ones of the program's steps.
outcome<void> check_applied(
    std::string_view component, std::span<const migration> steps, const applied_steps& applied) {
  int expected = 1;
  for (const auto& [version, there] : applied) {
    if (version != expected) {
      return failure{invalid(fmt::format(
          "migration {} of {} is missing from the database, although {} '{}' was applied",
          expected,
          component,
          version,
          there.name))};
    }
    ++expected;
    if (static_cast<std::size_t>(version) > steps.size()) {
      return failure{invalid(fmt::format(
          "the database is newer than the program: {} is at version {} '{}', the program knows {}. "
          "Start a newer program",
          component,
          applied.rbegin()->first,
          applied.rbegin()->second.name,
          steps.size()))};
    }
    const auto& step = steps[static_cast<std::size_t>(version) - 1];
    if (digest_text(step.sql) != there.digest) {
      return failure{invalid(fmt::format(
          "migration {} '{}' of {} was changed after it was applied (as '{}'). Put it back, and "
          "write the change as a new migration",
          version,
          step.name,
          component,
          there.name))};
    }
  }
  return {};
}

enum class step_result { applied, there_already };

/// Where the steps run: each in a transaction of its own, or all in the caller's.
enum class within { one_each, the_callers };

void run(database& session, const clock& time, std::string_view component, const migration& step) {
  session.script(step.sql);
  if (step.fill != nullptr) {
    lent_session for_fill{session, "the `fill` of a migration"};
    lending lent{&for_fill};
    step.fill(*lent.session());
    lent.end();
  }
  session.execute(
      "INSERT INTO schema_versions (component, version, name, digest, at) "
      "VALUES ($1, $2, $3, $4, $5)",
      component,
      step.version,
      step.name,
      digest_text(step.sql),
      unix_millis(time.wall()));
}

/// Applies one step, unless another process has applied it since the check.
step_result
apply(database& session, const clock& time, std::string_view component, const migration& step) {
  transaction writing{session};
  const auto there = session.integer_of(
      "SELECT version FROM schema_versions WHERE component = $1 AND version = $2",
      component,
      step.version);
  if (there) {
    return step_result::there_already;
  }
  run(session, time, component, step);
  writing.commit();
  return step_result::applied;
}

outcome<int> migrate(
    database& session,
    const clock& time,
    std::string_view component,
    std::span<const migration> steps,
    within whose) {
  TROUPE_CHECK(check_numbers(component, steps));
  const migration* current = nullptr;
  try {
    if (whose == within::the_callers) {
      session.execute(make_versions);
    } else if (!session.has_table("schema_versions")) {
      // Takes the writers' lock: when two sessions of a server create a table at once, one of them
      // fails.
      transaction making{session};
      session.execute(make_versions);
      making.commit();
    }
    const auto applied = read_applied(session, component);
    TROUPE_CHECK(check_applied(component, steps, applied));
    int count = 0;
    for (const auto& step : steps.subspan(applied.size())) {
      current = &step;
      if (whose == within::the_callers) {
        run(session, time, component, step);
        ++count;
      } else {
        count += apply(session, time, component, step) == step_result::applied ? 1 : 0;
      }
    }
    return count;
  } catch (const database_error& met) {
    auto found = met.to_error();
    if (current != nullptr) {
      found.message = fmt::format(
          "migration {} '{}' of {} failed: {}",
          current->version,
          current->name,
          component,
          found.message);
    }
    return failure{std::move(found)};
  }
}

outcome<void> migrate_all(
    database& session, const clock& time, std::span<const component> components, within whose) {
  for (const component& each : components) {
    TROUPE_CHECK(migrate(session, time, each.name, each.steps, whose));
  }
  return {};
}

} // namespace

outcome<int> migrate(
    database& session,
    const clock& time,
    std::string_view component,
    std::span<const migration> steps) {
  return migrate(session, time, component, steps, within::one_each);
}

outcome<void> migrate(database& session, const clock& time, std::span<const component> components) {
  return migrate_all(session, time, components, within::one_each);
}

outcome<void>
migrate_within(database& session, const clock& time, std::span<const component> components) {
  return migrate_all(session, time, components, within::the_callers);
}

outcome<void> check_up_to_date(database& session, std::span<const component> components) {
  try {
    if (!session.has_table("schema_versions")) {
      return failure{
          invalid("it has no tables yet: start the system once with this release, and stop it")};
    }
    for (const component& each : components) {
      const auto applied = read_applied(session, each.name);
      TROUPE_CHECK(check_applied(each.name, each.steps, applied));
      if (applied.size() != each.steps.size()) {
        return failure{invalid(fmt::format(
            "{} is at version {}, and this program knows {}: start the system once with this "
            "release, and stop it",
            each.name,
            applied.size(),
            each.steps.size()))};
      }
    }
    std::vector<std::string> unknown;
    session.query("SELECT DISTINCT component FROM schema_versions", [&](const row& found) {
      const auto known = std::ranges::any_of(
          components, [&](const auto& each) { return each.name == found.text(0); });
      if (!known) {
        unknown.emplace_back(found.text(0));
      }
    });
    if (!unknown.empty()) {
      return failure{invalid(fmt::format(
          "it has tables of {}, which this program does not know: use the program that made them",
          fmt::join(unknown, ", ")))};
    }
  } catch (const database_error& met) {
    return failure{met.to_error()};
  }
  return {};
}

} // namespace troupe::store
