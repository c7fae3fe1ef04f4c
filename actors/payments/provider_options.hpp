#pragma once

#include "runtime/wire/message.hpp"

#include <chrono>
#include <cstdint>
#include <string>

namespace troupe::payments {

/// The behaviour of a simulated card company.
struct simulated_options {
  /// Charges above this many cents are declined; 0: none is.
  std::uint32_t decline_over = 0;
  /// The time that each operation takes.
  std::chrono::milliseconds latency{0};
  /// Every n-th operation of an instance is carried out but its answer is lost; 0: none is.
  std::uint32_t fail_every = 0;
  /// The file that lists the operations carried out, relative to the topology's folder; "": none.
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
