#pragma once

#include "runtime/wire/message.hpp"

#include <chrono>
#include <cstdint>
#include <string>

namespace troupe::payments {

/// A card company that behaves as it is told.
struct simulated_options {
  /// Charges above are declined, in cents; 0: none is.
  std::uint32_t decline_over = 0;
  /// Of each operation; 0: none.
  std::chrono::milliseconds latency{0};
  /// Every n-th operation of an instance is carried out and its answer lost; 0: none.
  std::uint32_t fail_every = 0;
  /// Where it writes down what it carried out, relative to the topology's folder; "": nowhere.
  std::string log;
};

TROUPE_MESSAGE(simulated_options, decline_over, latency, fail_every, log)

struct provider_options {
  simulated_options simulated;
};

TROUPE_MESSAGE(provider_options, simulated)

/// The `config` of a capability of type `payments`.
struct payments_options {
  provider_options provider;
};

TROUPE_MESSAGE(payments_options, provider)

} // namespace troupe::payments
