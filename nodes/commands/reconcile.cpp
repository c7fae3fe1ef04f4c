#include "nodes/commands/reconcile.hpp"

#include "nodes/actor_types.hpp"
#include "nodes/commands/checked_invariants.hpp"
#include "nodes/commands/output.hpp"
#include "nodes/commands/plan_file.hpp"
#include "nodes/commands/progress_line.hpp"
#include "nodes/connection.hpp"
#include "runtime/reconcile/reconciliation.hpp"
#include "runtime/reconciler/page_pace.hpp"
#include "runtime/time_text.hpp"
#include "runtime/wire/json.hpp"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>
#include <memory>
#include <thread>

namespace troupe {

namespace {

using reconcile::invariant;
using reconcile::pass_report;
using wire::json_object;

struct reconcile_arguments {
  connect_arguments to;
  std::string invariants;
  std::string only;
  std::string behind;
  std::uint64_t page = 500;
  milliseconds pause{10};
  milliseconds recheck{2'000};
};

/// Reads the invariants of a file and checks them against a topology; reports all faults at once.
or_exit<std::vector<invariant>>
load_invariants(const reconcile_arguments& given, const topology::plan& plan) {
  auto read = checked_invariants(given.invariants, plan, actor_types());
  if (read.faults.empty()) {
    return std::move(read.all);
  }
  if (!given.to.json) {
    print_aside(text_of_faults(read));
    return tl::unexpected{exit_code::faults};
  }
  for (const fault& each : read.faults) {
    const std::string at = fmt::format("{}:{}:{}", given.invariants, each.at.line, each.at.column);
    fmt::print(
        "{}\n",
        json_object{}.add("at", at).add("fault", each.what).add("remedy", each.remedy).text());
  }
  return tl::unexpected{exit_code::faults};
}

/// A key as a row contains it, from the user's spelling.
std::string key_in(const std::string& word) {
  if (const auto id = parse_uuid(word)) {
    return reconcile::key_of(*id);
  }
  std::int64_t number = 0;
  const auto read = std::from_chars(word.data(), word.data() + word.size(), number);
  const bool is_number = read.ec == std::errc{} && read.ptr == word.data() + word.size();
  return is_number ? reconcile::key_of(number) : reconcile::key_of(std::string_view{word});
}

class reconciler {
public:
  reconciler(const reconcile_arguments& given, connection& to)
      : given_{given}, to_{to}, pace_{given.pause}, progress_{time_, !given.to.json} {}

  /// Compares one invariant.
  /// @return the exit code.
  int run(const invariant& what);

private:
  outcome<void> pass(const invariant& what, std::string_view behind, pass_report& told);
  void print(
      const invariant& what,
      const pass_report& told,
      const std::vector<reconcile::finding>& findings);
  int tell_failure(const invariant& what, const pass_report& told, const error& why);

  const reconcile_arguments& given_;
  connection& to_;
  reconcile::page_pace pace_;
  const system_clock time_;
  progress_line progress_;
};

outcome<void> reconciler::pass(const invariant& what, std::string_view behind, pass_report& told) {
  // One page at a time, so that the capabilities have time for other work.
  const auto fetch = [&](const reconcile::source& from, std::string_view after) {
    pace_.wait();
    progress_.show(fmt::format(
        "{}: {} and {} rows read, {} findings",
        what.name,
        told.left_rows,
        told.right_rows,
        told.findings.size()));
    const std::string body =
        reconcile::page_request(after, static_cast<std::uint32_t>(given_.page));
    return to_.ask({.capability = from.capability, .operation = from.query, .body = body});
  };
  auto done = reconcile::reconcile(what, unix_millis(time_.wall()), behind, fetch, told);
  progress_.clear();
  return done;
}

int reconciler::run(const invariant& what) {
  const std::string behind = given_.behind.empty() ? "" : key_in(given_.behind);
  pass_report told;
  if (const auto done = pass(what, behind, told); !done) {
    return tell_failure(what, told, done.error());
  }
  std::vector<reconcile::finding> findings;
  if (!told.findings.empty()) {
    // Messages in transit during the first pass have arrived by then.
    std::this_thread::sleep_for(given_.recheck);
    pass_report again;
    if (const auto done = pass(what, behind, again); !done) {
      return tell_failure(what, told, done.error());
    }
    findings = reconcile::confirmed(told.findings, again.findings);
    told.more = std::min(told.more, again.more);
  }
  print(what, told, findings);
  return findings.empty() ? exit_code::ok : exit_code::faults;
}

void reconciler::print(
    const invariant& what,
    const pass_report& told,
    const std::vector<reconcile::finding>& findings) {
  for (const reconcile::finding& each : findings) {
    const std::string key = reconcile::key_text(each.key);
    if (given_.to.json) {
      fmt::print(
          "{}\n",
          json_object{}
              .add("invariant", what.name)
              .add("key", key)
              .add("type", wire::word_of(each.type))
              .add("details", each.details)
              .text());
    } else {
      fmt::print("{}: {} {}: {}\n", what.name, key, wire::word_of(each.type), each.details);
    }
  }
  if (given_.to.json) {
    fmt::print(
        "{}\n",
        json_object{}
            .add("invariant", what.name)
            .add("holds", findings.empty())
            .add("left_rows", told.left_rows)
            .add("right_rows", told.right_rows)
            .add("judged", told.judged)
            .add("in_flight", told.in_flight)
            .add("findings", findings.size())
            .add("more", told.more)
            .text());
    return;
  }
  fmt::print(
      "{}: {}; {} keys judged ({} and {} rows), {} in flight{}\n",
      what.name,
      findings.empty() ? std::string{"holds"} : fmt::format("{} findings", findings.size()),
      told.judged,
      told.left_rows,
      told.right_rows,
      told.in_flight,
      told.more == 0 ? "" : fmt::format("; at least {} more findings are not listed", told.more));
}

int reconciler::tell_failure(const invariant& what, const pass_report& told, const error& why) {
  const std::string key = reconcile::key_text(told.compared_to);
  std::string next = key.empty()
                         ? std::string{"run the command again once the capability answers"}
                         : fmt::format("continue with `--only {} --behind {}`", what.name, key);
  if (!why.detail("bytes_max").empty()) {
    next = fmt::format(
        "ask for fewer rows at once, `--page {}`", std::max(given_.page / 10, std::uint64_t{1}));
    if (given_.page <= 10) {
      next = "the query returns more rows than it is asked for: make it respect `count`";
    }
  }
  return print_error(
      error{
          .code = why.code,
          .message = fmt::format(
              "`{}` was not compared {}: {}",
              what.name,
              key.empty() ? std::string{"at all"}
                          : fmt::format("behind {} ({} keys were judged)", key, told.judged),
              message_of(why))},
      given_.to.json,
      next);
}

int run(const reconcile_arguments& given) {
  TROUPE_TRY_EXIT(const auto plan, load_plan(given.to.file, given.to.json));
  TROUPE_TRY_EXIT(const auto all, load_invariants(given, plan));
  TROUPE_TRY_EXIT(auto to, connection::open("reconcile", given.to, needs::any_broker));
  reconciler each_one{given, to};
  int code = exit_code::ok;
  bool any = false;
  for (const invariant& each : all) {
    if (given.only.empty() || given.only == each.name) {
      any = true;
      code = std::max(code, each_one.run(each));
    }
  }
  if (!any) {
    return print_error(
        invalid(fmt::format("{} has no invariant `{}`", given.invariants, given.only)),
        given.to.json);
  }
  return code;
}

} // namespace

void add_reconcile(command_line& line) {
  const auto given = std::make_shared<reconcile_arguments>();
  command made = line.add("reconcile", "Checks invariants between the data of capabilities");
  made.word("FILE", given->to.file, "the topology")
      .word("INVARIANTS", given->invariants, "the file of invariants")
      .option("--only", given->only, "only this invariant")
      .option(
          "--behind",
          given->behind,
          "only keys after this one, to continue where an earlier run ended")
      .option(
          "--page",
          given->page,
          "rows per question; fewer if an answer exceeds `limits.body` [500]",
          1,
          100'000)
      .option(
          "--pause",
          given->pause,
          "pause between questions, for the capabilities' other work [10ms]")
      .option("--recheck", given->recheck, "how long a finding must persist to be reported [2s]")
      .option("--deadline", given->to.deadline, "how long to wait for each page [5s]")
      .flag("--json", given->to.json, "one JSON object for each finding and each invariant")
      .footer(with_exit_codes(
          "Ends with 1 if an invariant does not hold, with 4 or 5 if something could not be "
          "compared."))
      .runs([given] { return run(*given); });
}

} // namespace troupe
