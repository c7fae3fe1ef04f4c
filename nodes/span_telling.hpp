#pragma once

#include "runtime/client/client.hpp"
#include "runtime/clock.hpp"
#include "runtime/observe/span_ring.hpp"

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

namespace troupe {

/// Stores the newest spans of a gateway, which cannot be asked itself, at a broker once a second,
/// so that `troupe trace` and the pages of other gateways show requests, too.
///
/// Runs on its own thread, for which nothing waits. Spans that a broker does not accept are counted
/// and not sent again; a collector, if there is one, gets all of them.
class span_telling {
public:
  /// @param spans outlive this.
  /// @param how to connect to the brokers, once there is a span.
  span_telling(const observe::span_rings& spans, std::string gateway, client::options how);
  /// Sends the last spans, within 200 ms.
  ~span_telling();

  /// The number of spans that were overwritten before they were sent, or that no broker accepted.
  /// Any thread.
  std::uint64_t untold() const { return untold_; }

  span_telling(const span_telling&) = delete;
  span_telling& operator=(const span_telling&) = delete;

private:
  void work();
  void tell(milliseconds patience);
  void give_up(std::size_t spans);

  const observe::span_rings& spans_;
  const std::string gateway_;
  const client::options how_;
  std::unique_ptr<client::client> calls_;
  std::map<const observe::span_ring*, std::uint64_t> told_up_to_;
  std::atomic<std::uint64_t> untold_{0};
  /// Whether spans were lost since the last message that a broker accepted.
  bool has_gap_ = false;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool is_over_ = false;
  std::thread thread_;
};

} // namespace troupe
