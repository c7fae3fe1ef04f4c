#include "nodes/commands/migrate/migrate.hpp"

#include "nodes/commands/migrate/abandon.hpp"
#include "nodes/commands/migrate/to_files.hpp"
#include "nodes/commands/migrate/to_server.hpp"
#include "nodes/commands/plan_file.hpp"
#include "nodes/text_table.hpp"
#include "runtime/wire/json.hpp"

#include <fmt/format.h>
#include <memory>

namespace troupe {

namespace {

using wire::json_object;

struct migrate_arguments {
  std::string file;
  std::string from;
  std::string to;
  bool dry_run = false;
  bool abandon = false;
  bool json = false;
};

json_object json_of(const moved_size& one) {
  json_object json;
  json.add("database", one.owner)
      .add("tables", one.size.tables)
      .add("rows", one.size.rows)
      .add("equal", true);
  return json;
}

int abandon(const migrate_arguments& given, const move_plan& moving) {
  TROUPE_TRY_EXIT(const auto undone, or_print(abandon_move(moving), given.json));
  if (given.json) {
    fmt::print("{}\n", json_object{}.add("abandoned", undone).text());
  } else if (undone.empty()) {
    fmt::print("nothing is under way\n");
  } else {
    fmt::print(
        "{}\nthe system is where it was, and may be started there\n", fmt::join(undone, "\n"));
  }
  return exit_code::ok;
}

/// The operator's next steps after a move: change the topology, then start the system.
std::string next_of(const move_plan& moving) {
  const moved_database& one = moving.databases.front();
  return moving.to_server
             ? fmt::format(
                 "next: have the topology say `store: \"{0}\"` and `events: {{journal: \"{0}\"}}`, "
                 "and start the system",
                 one.url)
             : fmt::format(
                 "next: have the topology say where the files are ({} and so on), and start the "
                 "system",
                 one.file);
}

void print(const migrate_arguments& given, const move_plan& moving, const move_result& done) {
  if (given.json) {
    json_object json;
    json.add("done", !given.dry_run)
        .add("databases", done.moved.size())
        .add("passed_over", done.passed_over)
        .add("staying", moving.staying)
        .add("aside", done.aside);
    return fmt::print("{}\n", json.text());
  }
  if (done.was_copied) {
    fmt::print("everything had been copied and compared by an earlier command\n");
  }
  for (const std::string& each : done.passed_over) {
    fmt::print("{}\n", each);
  }
  if (!moving.staying.empty()) {
    fmt::print(
        "not moved, as the topology has them in files: {}\n", fmt::join(moving.staying, ", "));
  }
  if (given.dry_run) {
    return fmt::print("no obstacle was found; nothing was changed\n");
  }
  if (!done.aside.empty()) {
    fmt::print("the files are outdated now, and in {}\n", fmt::join(done.aside, ", "));
  }
  fmt::print("{}\n", next_of(moving));
}

int run(const migrate_arguments& given) {
  TROUPE_TRY_EXIT(const auto plan, load_plan(given.file, given.json));
  const auto moving = move_plan_of(plan, given.from, given.to);
  if (!moving) {
    return print_wrong_usage("migrate", moving.error().message, given.json);
  }
  if (given.abandon) {
    return abandon(given, *moving);
  }
  move_options options;
  options.dry_run = given.dry_run;
  options.tell = [&](const moved_size& one) {
    if (given.json) {
      fmt::print("{}\n", json_of(one).text());
    } else {
      fmt::print(
          "{}: {} tables with {} rows are on both sides, equal in every value\n",
          one.owner,
          one.size.tables,
          one.size.rows);
    }
    std::fflush(stdout);
  };
  const system_clock time;
  const auto done = moving->to_server ? move_to_server(*moving, options, time)
                                      : move_to_files(*moving, options, time);
  if (!done) {
    return print_error(
        done.error(),
        given.json,
        done.error().code == errc::unavailable
            ? "stop the system, make sure that the server can be reached, and run the command again"
            : "the system may still run where it was, unless an unfinished move is told of above; "
              "the command can be run again, and continues where it ended");
  }
  print(given, *moving, *done);
  return exit_code::ok;
}

} // namespace

void add_migrate(command_line& line) {
  const auto given = std::make_shared<migrate_arguments>();
  command one = line.add(
      "migrate", "Moves the databases of a stopped system from SQLite to PostgreSQL, or back");
  one.word("FILE", given->file, "the topology; its system must be stopped")
      .required_option(
          "--from",
          given->from,
          "sqlite or postgresql: where the data are; or the place, as written under `store` in a "
          "topology")
      .required_option("--to", given->to, "postgresql or sqlite: where they go; or the place")
      .flag("--dry-run", given->dry_run, "only checks whether the move is possible")
      .flag("--abandon", given->abandon, "ends an unfinished move: all data stay where they were")
      .flag("--json", given->json, "one JSON object per line")
      .excludes("--dry-run", "--abandon")
      .footer(with_exit_codes("If it is interrupted, the same command continues. Copied data are "
                              "compared value by value before the originals are given up."))
      .runs([given] { return run(*given); });
}

} // namespace troupe
