#pragma once

#include "topology/plan.hpp"

#include <cstdint>

namespace troupe::topology {

/// The digest of all that a broker and its workers must have in common: the system's name, its
/// brokers and nodes, its limits, and of each capability what runs it, where and how. Comments, the
/// order of keys, quotes, defaults that are spelled out, hosts, addresses of admins, gateways, and
/// what only one process goes by change nothing.
///
/// Paths count from the folder of the file, which may be another one on each machine.
std::uint64_t digest_of_plan(const plan& of);

} // namespace troupe::topology
