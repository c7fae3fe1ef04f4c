#pragma once

#include "runtime/tally.hpp"

#include <array>
#include <cstdint>

namespace troupe::http {

/// Counters of a server since its start.
struct server_counts {
  /// Connections that were accepted; those over a limit are `refused`.
  std::uint64_t accepted = 0;
  std::uint64_t ended = 0;
  /// Connections over a limit, which got 503 or nothing.
  std::uint64_t refused = 0;
  /// Accepts that failed, for lack of file descriptors for instance.
  std::uint64_t accepts_failed = 0;
  /// TLS handshakes that failed or took too long.
  std::uint64_t handshakes_failed = 0;
  /// Requests that the gate accepted.
  std::uint64_t requests = 0;
  /// Requests that the gate, or a time limit, answered with an error.
  std::uint64_t gate_refusals = 0;
  /// Requests whose peer left in the middle of them.
  std::uint64_t aborted = 0;
  /// Connections that were cut while something was still to be written to them.
  std::uint64_t cut = 0;
  /// Streams that were cut because their peer read nothing for the time limit of a write.
  std::uint64_t slow_readers = 0;
  std::uint64_t streams = 0;
  /// Of requests, and of answers and streams; without TLS.
  std::uint64_t bytes_read = 0;
  std::uint64_t bytes_written = 0;
  /// Answers by the first digit of their status, including those of the gate.
  std::array<std::uint64_t, 6> answers{};

  std::uint64_t open() const { return accepted - ended; }
};

/// `server_counts` as the server's thread counts them.
struct shared_counts {
  tally accepted;
  tally ended;
  tally refused;
  tally accepts_failed;
  tally handshakes_failed;
  tally requests;
  tally gate_refusals;
  tally aborted;
  tally cut;
  tally slow_readers;
  tally streams;
  tally bytes_read;
  tally bytes_written;
  std::array<tally, 6> answers;

  server_counts read() const;
};

} // namespace troupe::http
