#pragma once

#include "runtime/actor/config_mapping.hpp"
#include "runtime/clock.hpp"
#include "runtime/config.hpp"
#include "runtime/observe/event_log.hpp"

#include <stdexcept>
#include <string>

namespace troupe {

/// What a replica is made from. Borrowed for the constructor; the references live as long as the
/// process.
struct context {
  /// The capability it belongs to, its number there, and the node.
  const std::string& capability;
  int replica = 0;
  const std::string& node;
  /// The folder the topology is in: what relative paths start at.
  const std::string& folder;
  const config_tree& settings;
  const clock& time;
  observe::event_log& log;

  /// The capability's `config`, as a `T` (TROUPE_MESSAGE). It was checked when the topology was.
  template <wire::message T>
  T config() const {
    T value{};
    std::vector<fault> faults;
    read_config(settings, "config", value, faults);
    if (!faults.empty()) {
      throw std::invalid_argument{faults.front().what};
    }
    return value;
  }
};

} // namespace troupe
