#pragma once

#include "nodes/commands/contract/topology_messages.hpp"
#include "runtime/contract/comparison.hpp"
#include "runtime/contract/interaction.hpp"

#include <optional>
#include <string>

namespace troupe {

/// The addresses at which a provider is asked.
struct provider_addresses {
  /// The base URL of its HTTP, such as "https://shop.example:8443".
  std::string url{};
  /// The URL of a hook that returns the message of a description, with the protocol that other
  /// verifiers of Pact files use.
  std::string messages{};
  /// The URL or command that brings it into a state.
  std::string states{};
  milliseconds deadline{5'000};
};

/// The outcome of one interaction.
struct verdict_on_interaction {
  std::string title;
  bool is_pending = false;
  contract::differences found{};
  /// Why it could not be checked at all.
  std::optional<error> trouble{};

  bool holds() const { return found.empty() && !trouble; }
};

/// Sets up the states of an interaction, sends its request to the provider, and compares the
/// answer.
/// @param system the running system that answers calls and publishes events; null if `messages` is
/// used.
verdict_on_interaction verify(
    const contract::interaction& which,
    const provider_addresses& provider,
    topology_messages* system);

} // namespace troupe
