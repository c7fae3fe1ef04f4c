#pragma once

#include "runtime/saga/machine.hpp"
#include "runtime/saga/plan_book.hpp"

#include <cstdint>
#include <optional>
#include <string_view>

namespace troupe::saga {

/// A message for a step that waits, of sagas of one operation: an approval, for instance.
struct word {
  std::string_view operation;
  const step& waits;
  /// The message, which says for which saga it is.
  std::string_view body;
};

/// Stores a message for the owner of its saga.
/// @return the saga. @errors those of reading it; `rejected`, with the reason `no_saga`, `over`,
/// `undoing` or `answered`; `unavailable` if this program cannot read the saga.
outcome<uuid> tell_step(store::database& session, plan_book& plans, const word& to, wall_time now);

/// The answer to a step that waits: takes the message stored for it. Nothing if there is none, or
/// it is taken.
std::optional<event>
word_to(store::database& session, const plan& by, const state& current, std::uint32_t step);

} // namespace troupe::saga
