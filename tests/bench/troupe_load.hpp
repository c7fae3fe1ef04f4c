#pragma once

#include "runtime/outcome.hpp"
#include "tests/bench/figure.hpp"

#include <string>

namespace troupe::bench {

/// What is asked of a system that runs already.
struct target {
  std::string broker;
  /// "echo.echo", "notes.add" or "order_saga.place".
  std::string operation = "echo.echo";
};

/// A client that knows nothing of Troupe but FORMAT.md: a DEALER socket, two frames a message, one
/// thread, each answer followed by the next question.
/// @errors what the first call was answered, before anything was measured.
outcome<figure> measure_plain(const target& whom, const load_options& options);

/// The C++ client, which puts many calls into one frame.
outcome<figure> measure_client(const target& whom, const load_options& options);

} // namespace troupe::bench
