#pragma once

#include "nodes/commands/status/questions.hpp"
#include "nodes/system_links.hpp"
#include "runtime/clock.hpp"
#include "topology/plan.hpp"

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace troupe {

/// Asks a system for all that its page shows. Confined to one thread at a time.
class state_reader {
public:
  /// @param gateway the name of who serves the page. @param plan, time outlive this.
  state_reader(const topology::plan& plan, std::string gateway, const clock& time);

  /// Asks brokers and nodes, and, every few seconds, what is read from databases: what waits for a
  /// person, dead letters, traces. @return JSON (nodes/page/README.md).
  std::string read(system_links& links);

private:
  void read_rare(system_links& links, const system_answers& answers);

  const topology::plan& plan_;
  const std::string gateway_;
  /// Of this process: another one is another gateway.
  const std::string incarnation_;
  const clock& time_;
  instant rare_at_{};
  std::vector<waiting_view> waiting_;
  nlohmann::ordered_json sagas_ = nlohmann::ordered_json::array();
  nlohmann::ordered_json letters_ = nlohmann::ordered_json::array();
  nlohmann::ordered_json traces_ = nlohmann::ordered_json::array();
};

} // namespace troupe
