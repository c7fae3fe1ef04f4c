#include "runtime/reconciler/look.hpp"

#include "runtime/reconcile/rows.hpp"
#include "runtime/reconciler/page_pace.hpp"
#include "runtime/time_text.hpp"

#include <fmt/format.h>
#include <string>
#include <utility>

namespace troupe::reconcile {

namespace {

slice slice_of(pass_report told) {
  slice seen{.to = {std::move(told.compared_to)}};
  seen.judged = static_cast<std::int64_t>(told.judged);
  seen.in_flight = static_cast<std::int64_t>(told.in_flight);
  for (finding& each : told.findings) {
    seen.findings.push_back({{std::move(each.key)}, each.type, std::move(each.details)});
  }
  for (std::string& each : told.young) {
    seen.young.push_back({std::move(each)});
  }
  return seen;
}

} // namespace

slice look(
    const invariant& what,
    std::string_view behind,
    std::string_view until,
    const look_bounds& bounds,
    const clock& time,
    const ask_capability& ask) {
  const instant began = time.now();
  int pages = 0;
  bool is_enough = false;
  page_pace pace{bounds.pause};
  pass_report told;
  const auto fetch = [&](const source& from, std::string_view after) -> outcome<std::string> {
    // A look that has compared nothing yet continues, however slow the pages or long the pauses
    // are: the next look would come no further.
    const bool is_late = time.now() - began > bounds.time_max && !told.compared_to.empty();
    if (pages >= bounds.pages_max || is_late) {
      is_enough = true;
      return failure{error{}};
    }
    ++pages;
    pace.wait();
    const std::string body = page_request(after, bounds.page);
    return ask(
        {.capability = from.capability,
         .operation = from.query,
         .body = body,
         .deadline = bounds.page_deadline});
  };
  const auto done = reconcile(
      what,
      unix_millis(time.wall()),
      behind,
      fetch,
      told,
      {.until = until, .findings_max = slice_findings_max, .young_max = slice_young_max});
  const bool is_cut = told.is_cut;
  slice seen = slice_of(std::move(told));
  seen.rule = rule_of(what);
  seen.is_last = done.has_value() && !is_cut;
  if (done || (is_enough && !seen.to.bytes.empty())) {
    return seen;
  }
  seen.trouble = fmt::format(
      "not compared behind {}: {}",
      seen.to.bytes.empty() ? behind.empty() ? "the beginning" : key_text(behind)
                            : key_text(seen.to.bytes),
      is_enough ? "one key has more rows than a look may ask for" : done.error().message);
  return seen;
}

} // namespace troupe::reconcile
