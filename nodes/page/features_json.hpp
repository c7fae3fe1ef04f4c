#pragma once

#include "nodes/gateway_features.hpp"
#include "nodes/system_links.hpp"
#include "runtime/clock.hpp"
#include "topology/plan.hpp"

#include <nlohmann/json_fwd.hpp>

namespace troupe {

/// The features of `strangler`: each with its flag, who set it, and this gateway's counts; and the
/// newest differences between answers. Empty if the topology has no features.
/// @param here the features of this gateway; null if its routes have none.
nlohmann::ordered_json features_json(
    const topology::plan& plan,
    system_links& links,
    const gateway_features* here,
    milliseconds patience);

} // namespace troupe
