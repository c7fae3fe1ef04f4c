#pragma once

#include "runtime/transport/context.hpp"
#include "runtime/worker/worker_loop.hpp"
#include "runtime/worker/worker_options.hpp"

#include <memory>

namespace troupe {

/// A worker node: the socket loop, the groups of its capabilities and a watchdog.
///
/// `run` occupies the calling thread until the worker is drained, or has been refused by the
/// brokers for too long.
class worker {
public:
  /// Makes a worker and starts its groups. Groups whose store was refused for good are shut, as
  /// long as another group can run.
  /// @errors with the capability's name; nothing runs: its type is unknown, its store cannot be
  /// opened now, or all stores were refused for good (the first one's reason).
  static outcome<std::unique_ptr<worker>> make(
      transport::context& zmq,
      const clock& time,
      observe::event_log& log,
      const registry& types,
      worker_options options);

  ~worker();
  worker(const worker&) = delete;
  worker& operator=(const worker&) = delete;

  worker_end run();

  /// Refuses new calls, finishes those in hand, and leaves. From any thread.
  void drain();

  /// Makes the socket loop report the state of the node, while `run` runs. From any thread.
  void ask_snapshot(observe::loop_question<worker_snapshot>::receiver answered);

  /// The spans that its threads have recorded. From any thread.
  const observe::span_rings& spans() const;

private:
  struct state;
  explicit worker(std::unique_ptr<state> made);

  std::unique_ptr<state> state_;
};

} // namespace troupe
