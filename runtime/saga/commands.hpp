#pragma once

#include "runtime/saga/machine.hpp"
#include "runtime/saga/outgoing.hpp"
#include "runtime/saga/running_sagas.hpp"

#include <cstdint>

namespace troupe::saga {

// The commands of a saga as outgoing calls, and the tokens that relate their answers and timers to
// it.

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
/// @param body its request, or the reason why that cannot be made.
/// @errors those of its projections, or of a request that cannot be sent.
outcome<void>
ask(const coordinator& which, const call& wanted, outcome<std::string> body, outgoing& out);

/// The data about the request of `wanted` that its intent keeps; empty if the request cannot be
/// made.
std::string intent_data_of(const plan& by, const call& wanted, const outcome<std::string>& request);

/// Whether this program can make the open commands of a saga that is taken over. The former owner
/// made them, or there would be no record of them: if that fails now, or gives other bytes, the
/// author's functions or messages have changed. Participants would refuse other bytes under the
/// same ids, whatever they have done.
outcome<void> can_make_commands(const plan& by, const state& current);

} // namespace troupe::saga
