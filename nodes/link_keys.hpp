#pragma once

#include "runtime/observe/event_log.hpp"
#include "runtime/outcome.hpp"
#include "runtime/security/key_ring.hpp"
#include "runtime/transport/peer_options.hpp"
#include "topology/plan.hpp"

#include <memory>
#include <string>
#include <vector>

namespace troupe {

/// Opens the keys of a process, which from then on leaves no core file and cannot gain rights; null
/// if the links of `plan` have none.
/// @param owner the name of the node, broker, gateway, operator or client.
/// @errors of key_ring::open.
outcome<std::shared_ptr<security::key_ring>>
open_keys(const topology::plan& plan, const std::string& owner);

/// The keys of links to `brokers`, which are addresses of brokers in `plan`; none if `ring` is
/// null.
/// @param log receives why a token cannot be renewed; null for short-lived links. Outlives all.
transport::link_key_source link_keys(
    const topology::plan& plan,
    std::shared_ptr<const security::key_ring> ring,
    const std::vector<std::string>& brokers,
    observe::event_log* log = nullptr);

/// Reads the keys again, as SIGHUP requests, and logs the result.
/// @return whether the keys in use are those of the folder.
bool reread_keys(security::key_ring& ring, observe::event_log& log);

} // namespace troupe
