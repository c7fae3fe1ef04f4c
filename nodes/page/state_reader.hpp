#pragma once

#include "nodes/commands/status/system_reader.hpp"
#include "nodes/gateway_features.hpp"
#include "nodes/system_links.hpp"
#include "runtime/clock.hpp"
#include "topology/plan.hpp"

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace troupe {

/// Reads everything from a system that its page shows. Confined to one thread at a time.
class state_reader {
public:
  /// @param gateway the name of the gateway that serves the page.
  /// @param orders the kinds of orders that it passes on.
  /// @param features of it; null if it has none.
  /// @param plan, features, time outlive this.
  state_reader(
      const topology::plan& plan,
      std::string gateway,
      std::vector<std::string> orders,
      const gateway_features* features,
      const clock& time);

  /// @return JSON (nodes/page/README.md).
  std::string read(system_links& links);

private:
  const topology::plan& plan_;
  const std::string gateway_;
  const std::vector<std::string> orders_;
  /// The incarnation of this process, by which the page notices a restart.
  const std::string incarnation_;
  const gateway_features* const features_;
  const clock& time_;
  system_reader system_;
  nlohmann::ordered_json traces_ = nlohmann::ordered_json::array();
  nlohmann::ordered_json moving_;
};

} // namespace troupe
