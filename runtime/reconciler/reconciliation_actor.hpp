#pragma once

#include "runtime/actor/actor.hpp"
#include "runtime/actor/registry.hpp"
#include "runtime/reconcile/invariant.hpp"
#include "runtime/reconciler/look.hpp"
#include "runtime/reconciler/messages.hpp"
#include "runtime/reconciler/options.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace troupe::reconcile {

/// A capability that compares what others say of the same things, again and again: it publishes
/// `data.inconsistency.detected` when a case is opened and `data.inconsistency.resolved` when it is
/// closed, each in the turn that writes the case down.
///
/// One look at a time, whatever the number of its processes and invariants; a look is an effect,
/// which another process takes over.
class reconciliation_actor final : public actor {
public:
  /// Throws std::invalid_argument if the file of invariants has faults, or `correct` names an
  /// invariant that is not there.
  explicit reconciliation_actor(const context& context);

private:
  const invariant* find(const std::string& name) const;
  void begin_what_is_due(turn& turn);
  void take(const std::string& invariant, std::string_view behind, slice seen, turn& turn);
  void tell(const std::string& invariant, const case_change& change, turn& turn);
  outcome<run_begun> handle(const run_now& request, turn& turn) const;
  pass_list list_passes_of(store::database& session) const;

  reconciliation_options options_;
  const clock& time_;
  ask_capability ask_;
  std::string file_;
  std::vector<invariant> invariants_;
};

/// The actor type of such capabilities, for `registered_types()`.
actor_type reconciliation_type(std::string name = "reconciliation");

} // namespace troupe::reconcile
