#pragma once

#include "runtime/outcome.hpp"
#include "tests/bench/figure.hpp"
#include "tests/bench/troupe_load.hpp"

#include <string>

namespace troupe::bench {

/// Publishes with a full window for the time measured, without warm-up, then waits until the
/// capability has handled all.
///
/// The rate is that of events from the first publish until `troupe.events` `topics` shows that
/// nothing is left: handled, its effect committed, and the broker told.
/// @errors what the first question was answered; `internal`: `notes` does not hold each once.
outcome<std::string> measure_handled(
    const target& whom,
    const load_options& options,
    const std::string& capability,
    std::uint64_t count);

/// Publishes `count` events with a full window and waits for nothing but the confirmations.
/// @return one JSON object.
outcome<std::string> fill(const target& whom, const load_options& options, std::uint64_t count);

/// Publishes `rate` events a second to `notes`, each at its moment whatever became of those before,
/// and follows the topic `noted` with which `notes` tells of each in the turn that keeps it.
///
/// What is measured is from before the publish until a follower has the event that tells of it, so
/// that it was handled and committed, with all that this takes: the journal's flush of the event,
/// the turn's, the journal's of what it tells, all hops, and the follower's next question if it had
/// none waiting. Also until the publish was confirmed.
/// @return one JSON object.
outcome<std::string>
measure_latency(const target& whom, const load_options& options, std::uint32_t rate);

} // namespace troupe::bench
