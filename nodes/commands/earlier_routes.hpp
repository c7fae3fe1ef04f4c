#pragma once

#include "runtime/wire/description.hpp"
#include "runtime/wire/message.hpp"
#include "topology/actor_type.hpp"
#include "topology/plan.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// The gateways in the output of `troupe check --json` of an earlier release. Facts that the release
// did not report are absent, and not compared.

namespace troupe {

struct earlier_route {
  std::string method;
  std::string path;
  /// CAPABILITY.OPERATION; otherwise the topics of a stream.
  std::optional<std::string> calls{};
  std::optional<std::vector<std::string>> events{};
  std::optional<std::int32_t> status{};
  std::optional<std::map<std::string, std::int32_t>> rejected{};
  std::optional<bool> wants_key{};
  std::optional<bool> wants_token{};
};

TROUPE_MESSAGE(earlier_route, method, path, calls, events, status, rejected, wants_key, wants_token)

struct earlier_gateway {
  std::string name;
  std::vector<earlier_route> routes;
};

TROUPE_MESSAGE(earlier_gateway, name, routes)

/// The earlier description of a capability; null if unknown.
using earlier_descriptions =
    std::function<const wire::actor_description*(std::string_view capability)>;

/// The changes in `plan` that break clients of an earlier release's gateways, one sentence each.
/// Capabilities that keep their names are compared elsewhere; this compares what the routes
/// themselves define.
std::vector<std::string> broken_routes(
    const std::vector<earlier_gateway>& earlier,
    const earlier_descriptions& described,
    const topology::plan& plan,
    const std::vector<topology::actor_type>& types);

} // namespace troupe
