#pragma once

#include "nodes/connection.hpp"
#include "nodes/system_links.hpp"
#include "runtime/clock.hpp"
#include "runtime/gateway/route_path.hpp"
#include "runtime/ids.hpp"
#include "runtime/outcome.hpp"
#include "topology/plan.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace troupe {

/// What an order of the page may be about.
enum class ordered_thing : std::uint8_t { letter, breaker, saga };

/// "letters", "breakers", "sagas": used in paths and in the state of the page.
std::string_view name_of(ordered_thing which);

/// An order that an operator gives at the page: what is sent to whom, the same as the command does.
struct page_order {
  ordered_thing of = ordered_thing::letter;
  /// "dead letter 0199...", "breaker of orders", "saga 0199... of order_saga".
  std::string about;
  std::string verb;
  std::string why;
  uuid id;
  std::vector<question> questions;
};

/// Reads the order in a request: `{"why": ...}`, for a breaker optionally `"node"` for a single
/// node. Pure.
///
/// @param variables of the path.
/// @param body JSON.
/// @param who gives the order.
/// @param request the id of the order.
/// @errors `invalid`: an unknown verb or capability, no reason.
outcome<page_order> order_of(
    ordered_thing which,
    const topology::plan& plan,
    const gateway::route_path::variables& variables,
    const std::string& body,
    const std::string& who,
    const uuid& request);

/// The operations that an order of this kind may call, with their capabilities.
std::vector<std::pair<std::string, std::string>>
operations_of(ordered_thing which, const topology::plan& plan);

/// Carries the order out.
/// @return the result, in words.
/// @errors of the component that refuses it; `rejected` or `conflict` if the order no longer fits.
outcome<std::string> carry_out(const page_order& order, system_links& links, milliseconds patience);

} // namespace troupe
