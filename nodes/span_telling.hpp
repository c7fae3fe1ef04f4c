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

/// Stores the spans of a gateway, which cannot be asked, with a broker: once a second, the newest.
/// So `troupe trace` and the page of another gateway show requests, too.
///
/// A thread of its own, for which nobody waits. Spans that a broker does not accept are counted and
/// not sent again: the collector, if there is one, gets all of them.
class span_telling {
public:
  /// @param spans outlive this. @param how to reach the brokers, once there is a span.
  span_telling(const observe::span_rings& spans, std::string gateway, client::options how);
  /// Sends the last ones, within 200 ms.
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
  /// Since the last message that a broker took.
  bool has_gap_ = false;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool is_over_ = false;
  std::thread thread_;
};

} // namespace troupe
