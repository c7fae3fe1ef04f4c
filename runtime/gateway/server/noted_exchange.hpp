#pragma once

#include "runtime/clock.hpp"
#include "runtime/http/responder.hpp"
#include "runtime/observe/histogram.hpp"

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>

namespace troupe::gateway {

/// The counts and measurements of the requests of a route. Any thread.
class answer_counts {
public:
  struct reading {
    /// The number of answers by the first digit of the status, from 2 on.
    std::array<std::uint64_t, 4> by_class{};
    /// The time from a request until its answer was given to the server, or its stream began.
    observe::histogram took;
    /// The number of requests not answered yet.
    std::uint64_t in_flight = 0;
  };

  void begun();
  void answered(int status, std::chrono::nanoseconds took);
  /// Notes that the request ended, answered or not.
  void ended();
  reading read() const;

private:
  mutable std::mutex mutex_;
  reading counts_;
};

/// Adds fields to the answer of a request, counts it and measures its time. Does not change who
/// answers, or when.
class noted_exchange final : public http::exchange {
public:
  /// @param time outlives this.
  noted_exchange(
      http::responder to,
      http::field_list more,
      std::shared_ptr<answer_counts> counts,
      const clock& time);
  noted_exchange(const noted_exchange&) = delete;
  noted_exchange& operator=(const noted_exchange&) = delete;

  ~noted_exchange() override { counts_->ended(); }

  bool respond(http::response answer) override;
  http::stream open_stream(http::response head, http::stream_listener listener) override;

private:
  void note(http::response& answer);

  const http::responder to_;
  const http::field_list more_;
  const std::shared_ptr<answer_counts> counts_;
  const clock& time_;
  const instant began_;
};

} // namespace troupe::gateway
