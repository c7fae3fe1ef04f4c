#pragma once

#include "runtime/clock.hpp"
#include "runtime/ids.hpp"
#include "runtime/store/database.hpp"
#include "runtime/wire/limits.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace troupe::saga {

/// The actions of coordinators, to be carried out once the turn is committed.
struct outgoing {
  /// A call to make; its answer goes to `answered` under `saga` and `token`.
  struct call {
    uuid saga;
    std::uint64_t token = 0;
    uuid id;
    std::string capability;
    std::string operation;
    std::string key;
    std::string body;
    milliseconds timeout{};
    /// The trace of the saga (observe/trace_context.hpp); may be empty.
    std::string trace{};
  };

  /// A timer that goes to `timer_due` under `saga` and `token` after `delay`, unless the saga stops
  /// before. It replaces the timer of the saga that has the same `slot`.
  struct timer {
    uuid saga;
    std::uint64_t token = 0;
    milliseconds delay{};
    std::uint32_t slot = 0;
  };

  /// The answer to a pending call.
  struct answer {
    uuid call;
    bool failed = false;
    /// The reply's body, or the error's MessagePack map.
    std::string bytes;
  };

  /// A parked saga: only a person can let it go on.
  struct parked {
    uuid saga;
    std::string reason;
    /// Whether it is not parked but left alone: this program cannot continue it, and has written
    /// nothing.
    bool is_left_alone = false;
    /// Whether it is not parked but retried without end, and has failed for so long that a person
    /// should look.
    bool needs_person = false;
    /// The trace of the call that started it; may be empty.
    std::string trace{};
  };

  /// A saga that is over, whose trace is recorded.
  struct ended {
    uuid saga;
    std::string operation;
    /// The trace of the call that started it.
    std::string trace;
    bool is_compensated = false;
  };

  /// The settled time (runtime/settled_time.hpp) when the turn began. Set by the caller, as is the
  /// next one.
  wall_time settled{};
  /// A saga that was started before then may be over and forgotten (`sagas_kept`). Set by the
  /// caller.
  wall_time sagas_from = wall_time::min();
  /// `limits.body` of the topology: the largest body of a call or an answer.
  std::size_t body_bytes_max = wire::body_bytes_max;
  std::vector<call> calls;
  std::vector<timer> timers;
  std::vector<answer> answers;
  std::vector<parked> parked_sagas;
  std::vector<ended> traced;
  /// Sagas that do not run here any more, or were loaded again: their timers of earlier turns are
  /// void and are removed. Set by `committed`.
  std::vector<uuid> stopped;
  /// All timers of earlier turns are void: the sagas of this process were loaded again.
  bool all_stopped = false;

  /// The sizes of the lists, so that what was added since can be removed.
  struct sizes {
    std::size_t calls = 0;
    std::size_t timers = 0;
    std::size_t answers = 0;
    std::size_t parked = 0;
    std::size_t traced = 0;
  };

  sizes here() const {
    return {calls.size(), timers.size(), answers.size(), parked_sagas.size(), traced.size()};
  }

  void back_to(const sizes& to) {
    calls.resize(to.calls);
    timers.resize(to.timers);
    answers.resize(to.answers);
    parked_sagas.resize(to.parked);
    traced.resize(to.traced);
  }
};

/// The writing turn at hand, for the sagas that move in it.
struct saga_turn {
  store::database& session;
  /// The number under which this process writes.
  std::int64_t writer;
  wall_time now;
  /// When it began.
  instant time;
  outgoing& out;
};

} // namespace troupe::saga
