#pragma once

#include "runtime/outcome.hpp"
#include "runtime/worker/turn_scope.hpp"

#include <string>

namespace troupe {

// The questions and orders of people about the sagas of a group, each in a turn of its writer
// (runtime/wire/FORMAT.md section 12). Bodies are MessagePack; an order that does not apply is
// refused, and nothing is written.

/// wire::get_standing_sagas. Reads 1,000 sagas at most, and says after which there are more.
outcome<std::string> list_sagas(const item& order, turn_scope& in);

/// wire::get_saga.
outcome<std::string> tell_saga(const item& order, turn_scope& in);

/// wire::resume_saga: as wire::order_saga with the verb `resume`, for consoles of earlier releases.
outcome<std::string> resume_saga(const item& order, turn_scope& in);

/// wire::order_saga.
outcome<std::string> order_saga(const item& order, turn_scope& in);

/// The troubles of the group's sagas, for people: which stand still, need a person or follow
/// earlier steps; empty if none do. Iterates over the running sagas.
std::string sagas_trouble(const saga::coordinators& sagas, store::database& session, wall_time now);

/// Logs, once for each definition, that sagas follow the steps of an earlier one, and which of
/// their calls this program cannot make.
void tell_earlier_steps(saga::coordinators& sagas, const std::string& capability, turn_output& to);

} // namespace troupe
