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
/// @errors of its projections, or it cannot travel.
outcome<void> ask(const coordinator& which, const call& wanted, outgoing& out);

/// Whether this program can make the commands in hand of a saga that is taken up. Its former owner
/// made it, or there would be no record of it: if that fails now, the author's functions are
/// others, or read other messages.
outcome<void> can_make_commands(const plan& by, const state& current);

} // namespace troupe::saga
