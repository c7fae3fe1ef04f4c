#pragma once

#include "runtime/clock.hpp"
#include "runtime/outcome.hpp"
#include "tests/bench/figure.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace troupe::bench {

inline constexpr milliseconds first_call_within{20'000};
inline constexpr milliseconds call_within{30'000};

/// The operation that a load calls, on a system that runs already.
struct target {
  std::string broker;
  /// Of `echo`, `notes`, `order_saga`; or `troupe.publish`, whose operation is the topic.
  std::string capability;
  std::string operation;
  /// The number of different ordering keys, used in turn; 0: calls have no key.
  std::uint32_t keys = 0;
  /// The folder with the keys of `bench` and of the broker `b1`; empty: links have none.
  std::string link_keys{};
};

/// The bodies to ask with, in turn.
std::vector<std::string> bodies_for(const target& whom);

/// The keys to ask with, in turn: all of the same length; one that is empty if there are none.
std::vector<std::string> keys_for(const target& whom);

/// A client that knows nothing of Troupe but FORMAT.md: a DEALER socket, two frames a message, one
/// thread, each answer followed by the next question.
/// @errors what the first call was answered, before anything was measured.
outcome<figure> measure_plain(const target& whom, const load_options& options);

/// The C++ client, which puts many calls into one frame.
outcome<figure> measure_client(const target& whom, const load_options& options);

} // namespace troupe::bench
