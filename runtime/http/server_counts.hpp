#pragma once

#include <array>
#include <atomic>
#include <cstdint>

namespace troupe::http {

/// What a server did since it started.
struct server_counts {
  /// Connections that were taken; those over a limit are `refused`.
  std::uint64_t accepted = 0;
  std::uint64_t ended = 0;
  /// Connections over a limit, which heard 503 or nothing.
  std::uint64_t refused = 0;
  /// Accepts that failed, as for want of file descriptors.
  std::uint64_t accepts_failed = 0;
  /// TLS handshakes that failed or took too long.
  std::uint64_t handshakes_failed = 0;
  /// Requests that the gate let through.
  std::uint64_t requests = 0;
  /// Requests that the gate, or a limit of time, answered with an error.
  std::uint64_t gate_refusals = 0;
  /// Requests whose peer left in the middle of them.
  std::uint64_t aborted = 0;
  /// Connections that were cut while something was still to be written.
  std::uint64_t cut = 0;
  /// Streams that were cut, as their peer took nothing for the time of a write.
  std::uint64_t slow_readers = 0;
  /// Answers by the first digit of their status; those of the gate too.
  std::array<std::uint64_t, 6> answers{};

  std::uint64_t open() const { return accepted - ended; }
};

/// One of `server_counts`, which the server's thread adds to and any thread reads.
class shared_count {
public:
  void add() { value_.store(read() + 1, std::memory_order_relaxed); }

  std::uint64_t read() const { return value_.load(std::memory_order_relaxed); }

private:
  std::atomic<std::uint64_t> value_{0};
};

/// `server_counts` as they are counted.
struct shared_counts {
  shared_count accepted;
  shared_count ended;
  shared_count refused;
  shared_count accepts_failed;
  shared_count handshakes_failed;
  shared_count requests;
  shared_count gate_refusals;
  shared_count aborted;
  shared_count cut;
  shared_count slow_readers;
  std::array<shared_count, 6> answers;

  server_counts read() const;
};

} // namespace troupe::http
