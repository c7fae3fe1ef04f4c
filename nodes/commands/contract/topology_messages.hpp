#pragma once

#include "nodes/connection.hpp"
#include "runtime/contract/comparison.hpp"
#include "runtime/contract/interaction.hpp"
#include "runtime/outcome.hpp"
#include "topology/actor_type.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace troupe {

/// The messages of a running system, for contracts: replies to calls, and events from the journal,
/// which come from the outboxes of the capabilities that published them. In JSON by their types.
class topology_messages {
public:
  explicit topology_messages(connection over);

  /// Begins to count events: only those from now on answer `event`.
  /// @errors those of the broker that keeps the journal.
  outcome<void> begin();

  /// The first event since `begin` that is as expected; or, when the deadline comes without one,
  /// that which differs least.
  /// @errors `invalid`: the contract does not say its `topic`; `deadline_exceeded`: there was none.
  outcome<contract::actual_message> event(const contract::message& expected);

  /// The reply to a call.
  /// @errors `invalid`: the contract does not say its `operation`, or the request is none for it;
  /// and what the capability answers.
  outcome<contract::actual_message> reply(const contract::message& request);

private:
  const wire::actor_description* described(std::string_view capability) const;
  std::string
  json_of_event(const std::string& source, std::string_view topic, const std::string& body) const;

  connection over_;
  std::vector<topology::actor_type> types_;
  std::uint64_t position_ = 0;
};

} // namespace troupe
