#pragma once

#include "runtime/saga/machine.hpp"
#include "runtime/saga/outgoing.hpp"
#include "runtime/saga/running_sagas.hpp"

#include <cstdint>

namespace troupe::saga {

// The commands of a saga as calls that leave, and the tokens by which their answers and timers come
// back.

/// The token of the timer that watches a saga's deadline.
inline constexpr std::uint64_t deadline_token = std::uint64_t{1} << 63U;

/// The timers of a saga: that of its deadline, and one of each step.
outgoing::timer timer_of(const uuid& saga, const watch_deadline& watch);
outgoing::timer timer_of(const uuid& saga, const timer& wait);

std::uint64_t token_of(const asked& as);

/// The timer of a step, or the try, that a token names.
timer_due timer_of(std::uint64_t token);
asked asked_of(std::uint64_t token);

/// Makes the call of a step.
/// @param body its request, or why that cannot be made.
/// @errors of its projections, or it cannot travel.
outcome<void>
ask(const coordinator& which, const call& wanted, outcome<std::string> body, outgoing& out);

/// The data that the intent of `wanted` keeps of its request; empty if that cannot be made.
std::string intent_data_of(const plan& by, const call& wanted, const outcome<std::string>& request);

/// Whether this program can make the commands in hand of a saga that is taken up. Its former owner
/// made them, or there would be no record of them: if that fails now, or gives other bytes, the
/// author's functions are others, or read other messages. Under their ids participants would refuse
/// other bytes, whatever they have done.
outcome<void> can_make_commands(const plan& by, const state& current);

} // namespace troupe::saga
