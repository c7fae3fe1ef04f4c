#pragma once

#include "runtime/actor/capability_call.hpp"
#include "runtime/actor/config_mapping.hpp"
#include "runtime/clock.hpp"
#include "runtime/config.hpp"
#include "runtime/observe/event_log.hpp"

#include <stdexcept>
#include <string>

namespace troupe {

/// The environment of a new replica: its capability, node and settings. Borrowed for the
/// constructor of the actor, which may keep the references `time` and `log`: they live as long
/// as the process.
struct context {
  /// The capability that the replica belongs to, its number there (from 0), and the node.
  const std::string& capability;
  int replica = 0;
  const std::string& node;
  /// The folder of the topology file, from which relative paths start.
  const std::string& folder;
  const config_tree& settings;
  const clock& time;
  observe::event_log& log;
  /// The actor is made only to learn its declarations (`type_of`): there is no `config`, and no
  /// handler will be called. The constructor must not open files or connections then.
  bool is_trial = false;
  /// The function with which its effects call other capabilities.
  ask_capability ask{};

  /// The capability's `config` as a `T` (TROUPE_MESSAGE), which was checked with the topology. In a
  /// trial, `T` with its defaults. Throws std::invalid_argument if `config` is no `T`.
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
