#pragma once

#include "runtime/saga/machine.hpp"

#include <cstdint>
#include <string>

namespace troupe::saga {

// What a command's failure means for its saga. Pure functions.

/// The pause before try `attempt` + 1.
///
/// Up to a quarter less than the doubled back-off, by the saga's id, so that sagas which failed
/// together do not retry together.
milliseconds pause_after(const step& of, const tries& hand, const uuid& saga, const error& why);

/// The number of tries of a command that its participant does not know. Most of the pauses are 2 s,
/// so this takes about ten minutes, longer than a rolling upgrade.
inline constexpr std::uint32_t unknown_max = 300;

/// Whether the participant does not know the command at all. During a rolling upgrade some of its
/// nodes do not know it yet, or no longer.
bool is_unknown_there(errc code);

/// Whether the participant knows another request under the command's id: that one was carried out,
/// or is under way, and its effect is not known. This is not a refusal by the business.
bool is_of_other_request(const error& why);

/// The reason, for a person, why a command that was sent before with another request has stopped.
error other_request(const plan& by, const asked& command, error why);

/// "step `charge` (payments.charge)".
std::string words_for(const plan& by, const asked& command);

/// The answer of a saga that was undone because of `why`.
///
/// The inbox keeps it for the saga's id. A temporary failure is therefore given as a refusal, with
/// its code as the reason: the code itself would say "again, same id".
error last_word_on(error why);

/// Whether a command that must succeed in the end has crashed too often to be retried.
bool is_poison(const plan& by, const state& in, const failed& what);

/// The reason why a saga turns back when its deadline has come.
error time_is_up(const plan& by, const state& current);

} // namespace troupe::saga
