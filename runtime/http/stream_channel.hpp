#pragma once

#include "runtime/http/responder.hpp"
#include "runtime/http/response_writer.hpp"

#include <cstddef>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>

namespace troupe::http {

/// The queue between the writer of a stream, on any thread, and the connection that sends it.
class stream_channel {
public:
  /// @param wake makes the connection call `take` soon; called from any thread.
  stream_channel(
      body_framing framing,
      std::size_t bytes_max,
      std::function<void()> wake,
      stream_listener listener);

  /// As in `stream`.
  written write(std::string_view part);
  void finish(std::string_view last);

  /// The writer is gone: without `finish`, the stream is to be cut.
  void abandon();

  /// What the connection does next.
  struct step {
    /// To be sent; what was taken before has been sent. Only a piece of a part that is much larger
    /// than `bytes_max`: the next `take` has more.
    std::string bytes;
    /// Nothing follows `bytes`: the stream ends normally.
    bool is_finished = false;
    bool is_abandoned = false;
  };

  /// Calls `room` if the last `write` found none and there is some again.
  step take();

  /// The peer is gone. Calls `gone` the first time, if the stream was not finished.
  void end();

private:
  void append(std::string_view part);
  /// Whether the connection must be woken. With `mutex_` held.
  bool wants_wake();

  const body_framing framing_;
  const std::size_t bytes_max_;
  const std::function<void()> wake_;
  const stream_listener listener_;

  std::mutex mutex_;
  std::string waiting_;
  /// What the last `take` returned.
  std::size_t in_hand_ = 0;
  bool is_awake_ = false;
  bool is_full_ = false;
  bool is_finished_ = false;
  bool is_abandoned_ = false;
  bool has_ended_ = false;
};

} // namespace troupe::http
