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

/// The messages of a running system, for contracts: replies to calls, and events from the journal
/// that capabilities published. Converted to JSON by their types.
class topology_messages {
public:
  explicit topology_messages(connection over);

  /// Starts counting events: only later ones can answer `event`.
  /// @errors those of the broker that keeps the journal.
  outcome<void> begin();

  /// The first event since `begin` that matches; if there is none until the deadline, the one that
  /// differs least.
  /// @errors `invalid`: the contract does not give a `topic`; `deadline_exceeded`: there was no
  /// event.
  outcome<contract::actual_message> event(const contract::message& expected);

  /// The reply to a call.
  /// @errors `invalid`: the contract does not give an `operation`, or the request does not fit it;
  /// and errors of the capability.
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
