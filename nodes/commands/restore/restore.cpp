#include "nodes/commands/restore/restore.hpp"

#include "nodes/commands/plan_file.hpp"
#include "nodes/commands/restore/from_backup.hpp"
#include "nodes/commands/restore/open_files.hpp"
#include "nodes/text_table.hpp"
#include "runtime/time_text.hpp"
#include "runtime/wire/json.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <memory>

namespace troupe {

namespace {

using wire::json_object;

struct restore_arguments {
  std::string file;
  /// The folder of a backup; empty: compare the existing files.
  std::string from;
  bool accept = false;
  bool json = false;
};

std::string_view name_of(outbox_fit fit) {
  switch (fit) {
  case outbox_fit::fits:
    return "fits";
  case outbox_fit::journal_is_older:
    return "journal_is_older";
  case outbox_fit::database_is_older:
    break;
  }
  return "database_is_older";
}

std::string_view name_of(events_reunion::finding found) {
  switch (found) {
  case events_reunion::finding::fits:
    return "fits";
  case events_reunion::finding::journal_is_older:
    return "journal_is_older";
  case events_reunion::finding::events_deleted:
    return "events_deleted";
  case events_reunion::finding::other_journal:
    break;
  }
  return "other_journal";
}

json_object json_of(const open_database& of) {
  json_object line;
  line.add("capability", of.history.capability)
      .add("outbox", name_of(of.outbox.fit))
      .add("events", name_of(of.events.found));
  if (of.outbox.fit != outbox_fit::fits) {
    line.add("journal_has", of.outbox.now.taken)
        .add("confirmed", of.history.mark.confirmed)
        .add("newest", of.history.newest)
        .add("goes_on_after", of.outbox.then.taken)
        .add("lost", of.outbox.lost);
  }
  if (of.events.found != events_reunion::finding::fits) {
    line.add("handled", of.history.highest)
        .add("shared", of.events.shared)
        .add("lost_retries", of.events.lost.size());
  }
  return line;
}

void print(const open_database& of) {
  const database_history& history = of.history;
  const outbox_reunion& outbox = of.outbox;
  const events_reunion& events = of.events;
  if (of.fits()) {
    return fmt::print("{}: fits\n", history.capability);
  }
  if (outbox.fit == outbox_fit::database_is_older) {
    fmt::print(
        "{}: its database is an older copy: the journal has {} events of its outbox\n"
        "  together: what the outbox has behind number {} goes into the journal, and what is there "
        "already under its id is not taken again\n",
        history.capability,
        outbox.now.taken,
        outbox.then.taken);
  }
  if (outbox.fit == outbox_fit::journal_is_older) {
    fmt::print(
        "{}: the journal is an older copy, or a new one: it has {} events of its outbox, and {} "
        "were confirmed\n"
        "  together: what the outbox still has, from number {} on, goes into the journal; "
        "capabilities that have handled some of it may get it again\n",
        history.capability,
        outbox.now.taken,
        history.mark.confirmed,
        outbox.then.taken + 1);
    if (outbox.lost != 0) {
      fmt::print(
          "  lost: {} events are in no file any more but the newer journal; if there is one, put "
          "it back instead\n",
          outbox.lost);
    }
  }
  if (events.found == events_reunion::finding::events_deleted) {
    fmt::print(
        "{}: its database is an older copy: it has handled events up to position {}, and retention "
        "has deleted events of its topics up to {}\n"
        "  together: it gets again what the journal still has; what is deleted it never gets: put "
        "a "
        "newer copy back instead, if there is one\n",
        history.capability,
        history.highest,
        events.shared);
  } else if (events.found != events_reunion::finding::fits) {
    fmt::print(
        "{}: the journal is {}: {} has handled events up to position {}, and shares those up to {} "
        "with it\n"
        "  together: the events that the journal has behind position {} are handled as new ones\n",
        history.capability,
        events.found == events_reunion::finding::other_journal ? "another one" : "an older copy",
        history.capability,
        history.highest,
        events.shared,
        events.shared);
    if (!events.lost.empty()) {
      fmt::print(
          "  lost: {} events that waited for another try are in the newer journal alone\n",
          events.lost.size());
    }
  }
}

json_object json_of(const absent_database& of) {
  json_object line;
  line.add("capability", of.owner)
      .add("database", of.is_lost ? "lost" : "not_here")
      .add("place", of.place);
  return line;
}

void print(const absent_database& of) {
  fmt::print(
      "{}: {}\n",
      of.owner,
      of.is_lost ? fmt::format(
          "its database is gone: {} was here before. To begin with an empty one, delete what is "
          "left beside it (.lock)",
          of.place)
                 : fmt::format("no database is here: {} is elsewhere, or not made yet", of.place));
}

/// Restores a backup, or says what that would do.
int run_from_backup(const restore_arguments& given, const topology::plan& plan) {
  auto backup = check_backup(plan, given.from);
  if (!backup) {
    return print_error(
        backup.error(),
        given.json,
        backup.error().code == errc::unavailable ? "stop the system first"
                                                 : "nothing was changed; use another backup");
  }
  const auto time = utc_time_text(milliseconds{backup->manifest.taken_at});
  const auto consequences = consequences_of(*backup);
  if (given.json) {
    fmt::print(
        "{}\n",
        json_object{}
            .add("taken_at", time)
            .add("files", backup->files.size())
            .add("accepted", given.accept)
            .add("consequences", consequences)
            .text());
  } else {
    fmt::print("{} as of {}; all files are as they were saved\n", plan.name, time);
    for (const std::string& each : consequences) {
      fmt::print("{}", wrapped(each, terminal_columns(100), "  ", "    "));
    }
  }
  if (!given.accept) {
    if (!given.json) {
      fmt::print(
          "\nnothing was changed. next: `troupe restore {} --from {} --accept` does it\n",
          shell_word(given.file),
          shell_word(given.from));
    }
    return exit_code::error;
  }
  const auto aside = bring_back(*backup, system_clock{});
  if (!aside) {
    return print_error(
        aside.error(),
        given.json,
        aside.error().code == errc::unavailable
            ? "no database was changed: stop the system, if that is said above; else free space "
              "(or get the rights). Then run the command again"
            : "run the command again: it continues where it ended");
  }
  if (!given.json) {
    fmt::print("\nit is back{}\n", aside->empty() ? "" : "; what was there is in:");
    for (const std::string& each : *aside) {
      fmt::print("  {}\n", each);
    }
  }
  return exit_code::ok;
}

int run(const restore_arguments& given) {
  TROUPE_TRY_EXIT(const auto plan, load_plan(given.file, given.json));
  if (!given.from.empty()) {
    if (const int code = run_from_backup(given, plan); code != exit_code::ok) {
      return code;
    }
  }
  const system_clock time;
  const auto print_unopened = [&](const error& why) {
    return print_error(
        why,
        given.json,
        why.code == errc::unavailable
            ? "stop the system first"
            : "put back what is missing or refused, with its -wal, or bring a backup back with "
              "--from");
  };
  auto all = open_all(plan, time, opening::to_look);
  if (!all) {
    return print_unopened(all.error());
  }
  for (const open_database& each : all->databases) {
    if (given.json) {
      fmt::print("{}\n", json_of(each).text());
    } else {
      print(each);
    }
  }
  for (const absent_database& each : all->absent) {
    if (given.json) {
      fmt::print("{}\n", json_of(each).text());
    } else {
      print(each);
    }
  }
  const bool fits =
      std::ranges::all_of(all->databases, [](const auto& each) { return each.fits(); });
  const bool is_whole =
      std::ranges::none_of(all->absent, [](const auto& each) { return each.is_lost; });
  if (!is_whole) {
    if (!given.json) {
      print_aside(
          "nothing was changed. next: put back what is gone, with its -wal, or bring a backup back "
          "with --from\n");
    }
    return exit_code::error;
  }
  if (fits || !given.accept) {
    if (!given.json) {
      fmt::print(
          "\n{}\n",
          !fits ? "nothing was changed. next: put the newer files back; or let them go on together "
                  "as said above: `troupe restore FILE --accept`"
          : all->absent.empty()
              ? "the journal and all databases belong to one history"
              : "the journal and the databases that are here belong to one history");
    }
    return fits ? exit_code::ok : exit_code::error;
  }
  *all = {}; // Releases the locks.
  all = open_all(plan, time, opening::to_write);
  if (!all) {
    return print_unopened(all.error());
  }
  if (auto done = accept(plan, *all, time); !done) {
    return print_error(
        done.error(), given.json, "run the command again: it continues where it ended");
  }
  if (!given.json) {
    fmt::print(
        "\nthey go on together. next: start the system; what an older copy lacks is missing, and "
        "`troupe reconcile`\n      shows where the data of capabilities disagree now\n");
  }
  return exit_code::ok;
}

} // namespace

void add_restore(command_line& line) {
  const auto given = std::make_shared<restore_arguments>();
  command one = line.add(
      "restore",
      "Restores a backup; or compares the journal and the databases after one of them was");
  one.word("FILE", given->file, "the topology; its system must be stopped")
      .option("--from", given->from, "a folder of `troupe backup`, which is restored first")
      .flag("--accept", given->accept, "does what the command announces without it")
      .flag("--json", given->json, "one JSON object per line")
      .footer(with_exit_codes())
      .runs([given] { return run(*given); });
}

} // namespace troupe
