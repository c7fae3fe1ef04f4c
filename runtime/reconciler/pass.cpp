#include "runtime/reconciler/pass.hpp"

#include "runtime/contains.hpp"

#include <algorithm>

namespace troupe::reconcile {

namespace {

/// Whether the first look had the same finding.
bool is_among(const std::vector<case_change>& all, const case_change& what) {
  return std::ranges::any_of(all, [&](const case_change& each) {
    return each.opens == what.opens && each.what.is_same_case(what.what);
  });
}

void end_at(slice& seen, const std::string& to) {
  seen.to.bytes = to;
  seen.is_last = false;
  const auto is_beyond = [&](const wire::binary_value& key) { return key.bytes > to; };
  std::erase_if(seen.findings, [&](const sighting& each) { return is_beyond(each.key); });
  std::erase_if(seen.young, is_beyond);
}

} // namespace

bool is_due(wall_time due, wall_time now, const pass_times& times) {
  return due <= now || due > now + std::max({times.every, times.recheck, times.again});
}

void shorten(slice& seen, const std::string& to) {
  if (!to.empty() && (seen.is_last || seen.to.bytes > to)) {
    end_at(seen, to);
  }
  if (seen.findings.size() > slice_findings_max) {
    end_at(seen, std::string{seen.findings[slice_findings_max - 1].key.bytes});
  }
  if (seen.young.size() > slice_young_max) {
    end_at(seen, std::string{seen.young[slice_young_max - 1].bytes});
  }
}

std::vector<case_change>
differences(const slice& seen, std::string_view behind, const std::vector<sighting>& open) {
  const auto is_same = [](const sighting& one) {
    return [&one](const sighting& each) { return each.is_same_case(one); };
  };
  std::vector<case_change> found;
  for (const sighting& each : seen.findings) {
    if (std::ranges::none_of(open, is_same(each))) {
      found.push_back({each, true});
    }
  }
  for (const sighting& each : open) {
    const bool is_within =
        each.key.bytes > behind && (seen.is_last || each.key.bytes <= seen.to.bytes);
    const bool is_young = contains(seen.young, each.key);
    if (is_within && !is_young && std::ranges::none_of(seen.findings, is_same(each))) {
      found.push_back({each, false});
    }
  }
  return found;
}

pass_state by_rule(pass_state pass, std::int64_t rule) {
  if (pass.rule.value_or(rule) != rule) {
    // Keys of the changed rule may be of another kind, and earlier suspicions may not concern it.
    pass.behind.clear();
    pass.suspected = {};
  }
  pass.rule = rule;
  return pass;
}

pass_step after_look(
    const pass_state& before,
    slice seen,
    const std::vector<sighting>& open,
    wall_time now,
    const pass_times& times) {
  pass_step step{before};
  step.next.trouble = seen.trouble;
  const suspicion& suspected = before.suspected;
  const bool is_second = !suspected.changes.empty();
  shorten(seen, is_second && !suspected.is_last ? suspected.to.bytes : std::string{});
  if (!seen.is_last && seen.to.bytes <= before.behind) {
    step.next.due = now + times.again;
    return step;
  }
  const std::vector<case_change> changes = differences(seen, before.behind, open);
  if (!is_second && !changes.empty()) {
    step.next.suspected = {seen.to, seen.is_last, changes};
    step.next.due = now + times.recheck;
    return step;
  }
  std::ranges::copy_if(changes, std::back_inserter(step.changes), [&](const case_change& each) {
    return is_among(suspected.changes, each);
  });
  const bool is_first_slice = before.behind.empty();
  step.next.suspected = {};
  step.next.judged = (is_first_slice ? 0 : before.judged) + seen.judged;
  step.next.in_flight = (is_first_slice ? 0 : before.in_flight) + seen.in_flight;
  step.is_over = seen.is_last;
  step.next.behind = seen.is_last ? std::string{} : seen.to.bytes;
  step.next.due = now
                  + (seen.is_last           ? times.every
                     : seen.trouble.empty() ? milliseconds{0}
                                            : times.again);
  return step;
}

} // namespace troupe::reconcile
