#include "runtime/reconciler/case_tables.hpp"

#include "runtime/reconcile/rows.hpp"
#include "runtime/store/blobs.hpp"
#include "runtime/time_text.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace troupe::reconcile {

namespace {

constexpr std::int64_t listed_usually = 100;
constexpr std::int64_t listed_max = 1'000;

using store::bytes_of;

std::string text_in(store::blob bytes) {
  return std::string{store::text_of(bytes)};
}

finding_type type_in(std::string_view word) {
  for (const auto& [name, type] : troupe_words(finding_type{})) {
    if (name == word) {
      return type;
    }
  }
  return finding_type::differs;
}

wall_time time_in(std::int64_t millis) {
  return wall_time{milliseconds{millis}};
}

/// The id in a key, if the key is one.
std::optional<uuid> id_in(const std::string& key) {
  return parse_uuid(key_text(key));
}

} // namespace

std::vector<pass_row> case_tables::passes() const {
  std::vector<pass_row> all;
  session_.query("SELECT invariant, due_at, looking FROM passes", [&](const store::row& row) {
    pass_row& pass = all.emplace_back();
    pass.invariant = row.text(0);
    pass.due = time_in(row.integer(1));
    if (row.integer(2) != 0) {
      pass.looking_since = time_in(row.integer(2));
    }
  });
  return all;
}

void case_tables::add_pass(const std::string& invariant, wall_time due) {
  session_.execute(
      "INSERT INTO passes (invariant, behind, suspected, due_at, judged, in_flight, trouble, "
      "compared_at, looking) VALUES ($1, $2, $2, $3, 0, 0, '', 0, 0)",
      invariant,
      store::blob{},
      unix_millis(due));
}

std::optional<pass_state> case_tables::state(const std::string& invariant) const {
  std::optional<pass_state> found;
  session_.query(
      "SELECT behind, suspected, due_at, judged, in_flight, trouble FROM passes WHERE invariant = "
      "$1",
      [&](const store::row& row) {
        pass_state& state = found.emplace();
        state.behind = text_in(row.bytes(0));
        // Findings stored by another release that cannot be read are found again by the next look.
        state.suspected =
            wire::checked_decode<suspicion>(text_in(row.bytes(1))).value_or(suspicion{});
        state.rule = state.suspected.rule;
        state.due = time_in(row.integer(2));
        state.judged = row.integer(3);
        state.in_flight = row.integer(4);
        state.trouble = row.text(5);
      },
      invariant);
  return found;
}

void case_tables::begin_look(const std::string& invariant, wall_time now) {
  session_.execute(
      "UPDATE passes SET looking = $2 WHERE invariant = $1",
      invariant,
      std::max<std::int64_t>(unix_millis(now), 1));
}

void case_tables::give_up_look(const std::string& invariant) {
  session_.execute("UPDATE passes SET looking = 0 WHERE invariant = $1", invariant);
}

void case_tables::save(const std::string& invariant, const pass_step& step, wall_time now) {
  const pass_state& next = step.next;
  suspicion kept = next.suspected;
  kept.rule = next.rule;
  const std::string suspected = wire::encoded(kept);
  session_.execute(
      "UPDATE passes SET behind = $2, suspected = $3, due_at = $4, judged = $5, in_flight = $6, "
      "trouble = $7, compared_at = CASE WHEN $8 = 0 THEN compared_at ELSE $8 END, looking = 0 "
      "WHERE invariant = $1",
      invariant,
      bytes_of(next.behind),
      bytes_of(suspected),
      unix_millis(next.due),
      next.judged,
      next.in_flight,
      next.trouble,
      step.is_over ? unix_millis(now) : 0);
}

void case_tables::run_now(const std::string& invariant, wall_time now) {
  session_.execute(
      "UPDATE passes SET due_at = $2 WHERE invariant = $1", invariant, unix_millis(now));
}

std::vector<sighting> case_tables::open_cases(
    const std::string& invariant, std::string_view behind, std::string_view to) const {
  std::vector<sighting> found;
  session_.query(
      "SELECT key, type, details FROM cases WHERE invariant = $1 AND key > $2 AND state = 'open' "
      "AND ($4 = 0 OR key <= $3) ORDER BY key",
      [&](const store::row& row) {
        found.push_back({{text_in(row.bytes(0))}, type_in(row.text(1)), std::string{row.text(2)}});
      },
      invariant,
      bytes_of(behind),
      bytes_of(to),
      to.empty() ? 0 : 1);
  return found;
}

inconsistency case_tables::open(
    const std::string& invariant,
    const sighting& what,
    const uuid& id,
    wall_time now,
    std::string_view correction) {
  session_.execute(
      "INSERT INTO cases (invariant, key, type, case_id, state, details, opened_at, closed_at, "
      "times, correction) VALUES ($1, $2, $3, $4, 'open', $5, $6, 0, 1, $7) "
      "ON CONFLICT (invariant, key, type) DO UPDATE SET state = 'open', details = "
      "excluded.details, opened_at = excluded.opened_at, closed_at = 0, times = cases.times + 1, "
      "correction = excluded.correction",
      invariant,
      bytes_of(what.key.bytes),
      wire::word_of(what.type),
      id,
      what.details,
      unix_millis(now),
      correction);
  return told(invariant, what);
}

inconsistency
case_tables::close(const std::string& invariant, const sighting& what, wall_time now) {
  session_.execute(
      "UPDATE cases SET state = 'closed', closed_at = $4, correction = CASE WHEN correction = "
      "'wanted' THEN '' ELSE correction END WHERE invariant = $1 AND key = $2 AND type = $3",
      invariant,
      bytes_of(what.key.bytes),
      wire::word_of(what.type),
      unix_millis(now));
  return told(invariant, what);
}

inconsistency case_tables::told(const std::string& invariant, const sighting& what) const {
  inconsistency made{{}, invariant, key_text(what.key.bytes), what.type, what.details};
  session_.query(
      "SELECT case_id, times FROM cases WHERE invariant = $1 AND key = $2 AND type = $3",
      [&](const store::row& row) {
        made.case_id = row.id(0);
        made.times = row.integer(1);
      },
      invariant,
      bytes_of(what.key.bytes),
      wire::word_of(what.type));
  return made;
}

std::optional<wanted_correction> case_tables::take_wanted() {
  std::optional<wanted_correction> taken;
  session_.query(
      "SELECT case_id, invariant, key, type, details, times FROM cases WHERE correction = 'wanted' "
      "ORDER BY case_id LIMIT 1",
      [&](const store::row& row) {
        const std::string key = text_in(row.bytes(2));
        taken = {
            {row.id(0),
             std::string{row.text(1)},
             key_text(key),
             id_in(key),
             type_in(row.text(3)),
             std::string{row.text(4)}},
            row.integer(5)};
      });
  if (taken) {
    note_correction(taken->what.case_id, taken->times, "asked");
  }
  return taken;
}

void case_tables::note_correction(const uuid& case_id, std::int64_t times, std::string_view what) {
  session_.execute(
      "UPDATE cases SET correction = $3 WHERE case_id = $1 AND times = $2", case_id, times, what);
}

void case_tables::forget(wall_time before) {
  session_.execute(
      "DELETE FROM cases WHERE state = 'closed' AND closed_at < $1", unix_millis(before));
}

case_list case_tables::list(const list_cases& request) const {
  case_list page;
  session_.query(
      "SELECT case_id, invariant, key, type, details, opened_at, closed_at, times, correction "
      "FROM cases WHERE case_id > $1 AND state = $2 AND ($3 = '' OR invariant = $3) "
      "ORDER BY case_id LIMIT $4",
      [&](const store::row& row) {
        page.cases.push_back(
            {row.id(0),
             std::string{row.text(1)},
             key_text(text_in(row.bytes(2))),
             std::string{row.text(3)},
             std::string{row.text(4)},
             row.integer(5),
             row.integer(6),
             row.integer(7),
             std::string{row.text(8)}});
      },
      request.after.value_or(uuid{}),
      request.closed.value_or(false) ? "closed" : "open",
      request.invariant.value_or(""),
      std::clamp<std::int64_t>(request.count.value_or(listed_usually), 1, listed_max));
  return page;
}

open_matters case_tables::open_now() const {
  open_matters open;
  std::string by_invariant;
  session_.query(
      "SELECT invariant, COUNT(*) FROM cases WHERE state = 'open' GROUP BY invariant ORDER BY "
      "invariant",
      [&](const store::row& row) {
        open.count += static_cast<std::uint64_t>(row.integer(1));
        by_invariant += fmt::format(
            "{}{} of {}", by_invariant.empty() ? "" : ", ", row.integer(1), row.text(0));
      });
  open.what = fmt::format("open {}: {}", open.count == 1 ? "case" : "cases", by_invariant);
  open.operation = "cases";
  return open;
}

pass_list case_tables::list() const {
  pass_list all;
  session_.query(
      "SELECT invariant, compared_at, due_at, judged, in_flight, trouble, (SELECT COUNT(*) FROM "
      "cases WHERE cases.invariant = passes.invariant AND state = 'open') FROM passes ORDER BY "
      "invariant",
      [&](const store::row& row) {
        all.passes.push_back(
            {std::string{row.text(0)},
             row.integer(6),
             row.integer(1),
             row.integer(2),
             row.integer(3),
             row.integer(4),
             std::string{row.text(5)}});
      });
  return all;
}

} // namespace troupe::reconcile
