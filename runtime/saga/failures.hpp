#pragma once

#include "runtime/saga/machine.hpp"

#include <cstdint>
#include <string>

namespace troupe::saga {

// The meaning of a command's failure for its saga. Pure.

/// The time before try `attempt` + 1.
///
/// Up to a quarter less than the doubled back-off, by the saga's id, so that sagas which failed
/// together do not come back together.
milliseconds pause_after(const step& of, const tries& hand, const uuid& saga, const error& why);

/// The tries of a command that its participant does not know, at a pause of 2 s most of the time:
/// about ten minutes, which is longer than a rolling upgrade takes.
inline constexpr std::uint32_t unknown_max = 300;

/// Whether the participant does not know the command at all. During a rolling upgrade some of its
/// nodes do not, yet or any more.
bool is_unknown_there(errc code);

/// Whether the participant knows another request under the command's id: that was carried out, or
/// is under way, and what it did is not known. No refusal by the business.
bool is_of_other_request(const error& why);

/// The reason for a person why a command stands still that was sent with another request before.
error other_request(const plan& by, const asked& command, error why);

/// "step `charge` (payments.charge)".
std::string words_for(const plan& by, const asked& command);

/// The answer of a saga that was undone because of `why`.
///
/// The inbox keeps it for the saga's id. A failure that had its moment is therefore told as a
/// refusal, with its code as the reason: the code itself would say "again, same id".
error last_word_on(error why);

/// Whether a command that must succeed in the end crashed too often to be asked again.
bool is_poison(const plan& by, const state& in, const failed& what);

/// The reason why a saga turns back whose deadline has come.
error time_is_up(const plan& by, const state& current);

} // namespace troupe::saga
