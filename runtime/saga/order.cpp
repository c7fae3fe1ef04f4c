#include "runtime/saga/order.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <utility>

namespace troupe::saga {

namespace {

failure refused(std::string reason, std::string message) {
  return failure{rejected(std::move(reason), std::move(message))};
}

/// The step that was parked at, or is open.
std::uint32_t step_of(const state& current) {
  const auto open = open_steps(current);
  return open.empty() || is_open(current, current.current) ? current.current : open.front();
}

std::string word_for(const plan& by, const state& current, std::uint32_t index) {
  const step& named = by.at(index);
  switch (named.act) {
  case step_act::wait:
    return "await " + named.name;
  case step_act::timer:
    return "let " + named.name + " pass";
  case step_act::call:
    break;
  }
  return (is_turned_back(current) ? "undo " : "do ") + named.name;
}

outcome<void> may_go_on(const plan& by, const state& current, const order& wanted) {
  const std::string id = to_string(current.saga);
  if (current.now != phase::parked) {
    if (wanted.what == verb::resume) {
      return refused(
          "not_waiting",
          fmt::format("saga {} does not wait for a person: it is {}", id, name_of(current.now)));
    }
    const auto open = open_steps(current);
    const bool all_out = std::ranges::all_of(
        open, [&](std::uint32_t each) { return current.steps[each].hand.in_flight; });
    if (all_out) {
      return refused(
          "in_flight",
          open.empty() ? fmt::format("saga {} waits for its turn", id)
                       : fmt::format(
                           "saga {} has asked `{}` and waits for the answer",
                           id,
                           step_in_hand(by, current)));
    }
    return {};
  }
  if (!wanted.vouched && current.why_parked->is_final
      && current.why_parked->possible == effect::unknown) {
    return refused(
        "needs_anew",
        fmt::format(
            "saga {} would get the same answer again: its step may have happened, and `{}` is the "
            "last word on its id. Find out whether it happened; if not, resume it anew",
            id,
            name_of(current.why_parked->code)));
  }
  return {};
}

outcome<void> may_skip(const plan& by, const state& current, const order& wanted) {
  const auto open = open_steps(current);
  const auto found = std::ranges::find_if(
      open, [&](std::uint32_t each) { return by.at(each).name == wanted.step; });
  if (found == open.end()) {
    return refused(
        "other_step",
        fmt::format(
            "saga {} is not at `{}` but at `{}`",
            to_string(current.saga),
            wanted.step,
            step_in_hand(by, current)));
  }
  const step& in_hand = by.at(*found);
  if (!is_turned_back(current) && in_hand.kind != step_kind::compensatable && !wanted.vouched) {
    return refused(
        "past_pivot",
        fmt::format(
            "`{}` cannot be undone and must happen: have it retried, or vouch that what it is for "
            "was done by hand",
            in_hand.name));
  }
  return {};
}

outcome<void> may_turn_back(const plan& by, const state& current, const order& wanted) {
  const std::uint32_t index = step_of(current);
  const step& in_hand = by.at(index);
  if (is_turned_back(current)) {
    return refused(
        "undoing", fmt::format("saga {} has turned back already", to_string(current.saga)));
  }
  if (in_hand.kind == step_kind::retriable && !is_queued(current)) {
    return refused(
        "past_pivot",
        fmt::format(
            "saga {} is past its point of no return, at `{}`: it only goes forward",
            to_string(current.saga),
            in_hand.name));
  }
  if (in_hand.kind == step_kind::pivot && in_hand.undo.empty() && may_be_done(by, current, index)
      && !wanted.vouched) {
    return refused(
        "pivot_unknown",
        fmt::format(
            "`{}` may have happened and has no undo: find out, and vouch that it did not",
            in_hand.name));
  }
  return {};
}

} // namespace

bool is_paused(const state& current) {
  return current.now == phase::parked && current.why_parked
         && current.why_parked->detail("reason") == wire::word_of(verb::pause);
}

std::string step_in_hand(const plan& by, const state& current) {
  std::string words;
  for (const std::uint32_t each : open_steps(current)) {
    words += (words.empty() ? "" : ", ") + word_for(by, current, each);
  }
  return words;
}

bool is_in_hand(const plan& by, const state& current, std::string_view step) {
  const auto open = open_steps(current);
  return std::ranges::any_of(open, [&](std::uint32_t each) { return by.at(each).name == step; });
}

std::vector<std::string> standing_effects(const plan& by, const state& current) {
  std::vector<std::string> names;
  for (std::uint32_t i = 0; i < by.step_count(); ++i) {
    const step_status status = current.steps[i].status;
    const bool is_asked = status == step_status::asked && may_be_done(by, current, i);
    if (!by.is_call(i)) {
      continue;
    }
    if (status == step_status::done || status == step_status::undo_asked || is_asked) {
      names.push_back(by.at(i).name);
    }
  }
  return names;
}

outcome<void> may_obey(const plan& by, const state& current, const order& wanted) {
  if (current.is_over() || current.next_seq == 1) {
    return refused(
        "over", fmt::format("saga {} is over: {}", to_string(current.saga), name_of(current.now)));
  }
  switch (wanted.what) {
  case verb::resume:
  case verb::retry:
    return may_go_on(by, current, wanted);
  case verb::pause:
  case verb::park:
    if (current.now == phase::parked) {
      return refused(
          "standing", fmt::format("saga {} stands still already", to_string(current.saga)));
    }
    return {};
  case verb::skip:
    return may_skip(by, current, wanted);
  case verb::compensate:
    return may_turn_back(by, current, wanted);
  }
  return refused("over", "no such order");
}

} // namespace troupe::saga
