#pragma once

#include "runtime/security/rules.hpp"
#include "topology/plan.hpp"

#include <memory>

namespace troupe {

/// The table of rights of a topology: what its nodes, gateways and clients may do; null without
/// `security`. A node has the rights of the capabilities that run on it.
std::shared_ptr<const security::rules> access_rules(const topology::plan& plan);

} // namespace troupe
