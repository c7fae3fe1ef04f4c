#include "runtime/saga/commands.hpp"

#include "runtime/observe/trace_context.hpp"
#include "runtime/saga/failures.hpp"
#include "runtime/saga/transition.hpp"
#include "runtime/wire/departure.hpp"
#include "runtime/wire/envelope.hpp"

#include <fmt/format.h>
#include <utility>

namespace troupe::saga {

namespace {

/// The trace of a saga's calls: below the saga's own span, if that is recorded.
std::string trace_below(const uuid& saga, const std::string& trace) {
  if (!observe::says_recorded(trace)) {
    return trace;
  }
  const auto above = observe::read_trace(trace);
  return above ? observe::trace_text({above->trace, observe::span_of_saga(saga), true}, trace)
               : std::string{};
}

} // namespace

outgoing::timer timer_of(const uuid& saga, const watch_deadline& watch) {
  return {saga, deadline_token, watch.delay, static_cast<std::uint32_t>(steps_max)};
}

outgoing::timer timer_of(const uuid& saga, const timer& wait) {
  return {saga, std::uint64_t{wait.step} << 32U | wait.token, wait.delay, wait.step};
}

// A token names a try: 32 bits of attempt, 23 of round, undo, 8 of step.
std::uint64_t token_of(const asked& as) {
  return std::uint64_t{as.attempt} << 32U | std::uint64_t{as.round & 0x7fffffU} << 9U
         | std::uint64_t{as.undo} << 8U | as.step;
}

timer_due timer_of(std::uint64_t token) {
  return {
      .step = static_cast<std::uint32_t>(token >> 32U), .token = static_cast<std::uint32_t>(token)};
}

asked asked_of(std::uint64_t token) {
  return {
      .step = static_cast<std::uint32_t>(token & 0xffU),
      .undo = (token >> 8U & 1U) != 0,
      .round = static_cast<std::uint32_t>(token >> 9U & 0x7fffffU),
      .attempt = static_cast<std::uint32_t>(token >> 32U)};
}

std::string
intent_data_of(const plan& by, const call& wanted, const outcome<std::string>& request) {
  return request ? request_data_of(wire::digest_of_request(operation_of(by, wanted), *request))
                 : "";
}

outcome<void>
ask(const coordinator& which, const call& wanted, outcome<std::string> body, outgoing& out) {
  const state& current = which.current;
  auto key = key_of(*which.by, current, wanted);
  if (!body || !key) {
    return failure{!body ? body.error() : key.error()};
  }
  const step& step = which.by->at(wanted.as.step);
  const std::string& operation = operation_of(*which.by, wanted);
  const wire::departure made{
      .what = wanted.as.undo ? "the undo of step" : "the call of step",
      .name = step.name,
      .to = step.capability,
      .op = operation,
      .key = *key,
      .body_bytes = body->size()};
  TROUPE_CHECK(wire::check_departure(made, out.body_bytes_max));
  out.calls.push_back(
      {.saga = current.saga,
       .token = token_of(wanted.as),
       .id = wanted.id,
       .capability = step.capability,
       .operation = operation,
       .key = std::move(*key),
       .body = std::move(*body),
       .timeout = wanted.timeout,
       .trace = trace_below(current.saga, which.trace)});
  return {};
}

outcome<void> can_make_commands(const plan& by, const state& current) {
  for (const std::uint32_t step : open_steps(current)) {
    if (!by.is_call(step)) {
      continue;
    }
    const call in_hand = command_of(by, current, step, current.now == phase::undoing);
    const auto request = body_of(by, current, in_hand);
    for (const auto& made : {request, key_of(by, current, in_hand)}) {
      if (!made) {
        return failure{error{
            .code = errc::conflict,
            .message = fmt::format(
                "this program cannot make the command in hand of step `{}` ({}); the saga goes on "
                "in one that can",
                by.at(step).name,
                made.error().message)}};
      }
    }
    const auto sent = current.steps[step].hand.request;
    if (sent && *sent != wire::digest_of_request(operation_of(by, in_hand), *request)) {
      return failure{error{
          .code = errc::conflict,
          .message = fmt::format(
              "this program makes another request of {} than the one that was sent; the saga goes "
              "on in the release that sent it, or as a person orders once it is known what that "
              "one did",
              words_for(by, in_hand.as))}};
    }
  }
  return {};
}

} // namespace troupe::saga
