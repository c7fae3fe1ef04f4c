#pragma once

#include "topology/plan.hpp"

#include <cstdint>

namespace troupe::topology {

/// The digest of everything that must be the same for a broker and its workers: the system's name,
/// its brokers and nodes, its limits, and of each capability what runs it, where and how. Comments,
/// the order of keys, quotes, defaults that are spelled out, hosts, admin addresses, gateways, and
/// settings used by only one process change nothing.
///
/// Paths in the folder of the file count relative to it, as it may differ between machines, and may
/// be named in several ways on one.
std::uint64_t digest_of_plan(const plan& of);

} // namespace troupe::topology
