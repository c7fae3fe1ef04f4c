#pragma once

#include "runtime/error.hpp"
#include "runtime/observe/histogram.hpp"
#include "runtime/tally.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace troupe {

/// The outcome of a call at a worker, as a label: "ok", "pending" (the answer comes later), or the
/// name of an error.
struct call_outcome {
  static constexpr std::size_t count = 15;
  static constexpr std::size_t ok = 0;
  static constexpr std::size_t pending = 14;

  static constexpr std::size_t of(errc code) {
    const auto number = static_cast<std::size_t>(code);
    return number > ok && number < pending ? number : static_cast<std::size_t>(errc::internal);
  }

  static std::string_view name(std::size_t outcome) {
    return outcome == ok        ? "ok"
           : outcome == pending ? "pending"
                                : name_of(static_cast<errc>(outcome));
  }
};

/// The measurements of one operation.
struct operation_metrics {
  /// The time that its handler ran; for a saga, the turn's part that began it.
  observe::histogram handler;
  std::array<tally, call_outcome::count> outcomes;
};

/// The reason why an instance of a replica was made again.
enum class restart_cause : std::uint8_t {
  handler_threw,
  constructor_threw,
  /// Its turn was not committed, which was not its failure.
  turn_undone,
  /// The supervisor's strategy restarts it with another one, or its group is down.
  stopped,
};

/// The measurements of a runner. Only its thread writes, any thread reads a copy. All are made
/// before the runner starts: one for each declared operation, and one for calls whose operation is
/// unknown or was not read.
struct runner_metrics {
  static constexpr std::size_t restart_causes = 4;

  explicit runner_metrics(std::size_t operation_count) : operations(operation_count + 1) {}

  /// @param number in the order of the declarations; any other stands for no operation.
  operation_metrics& operation(std::size_t number) {
    return operations[std::min(number, operations.size() - 1)];
  }

  void count_restart(restart_cause cause) { restarts[static_cast<std::size_t>(cause)].add(); }

  /// Adds the measurements of another runner of the same group.
  void add(const runner_metrics& other) {
    for (std::size_t i = 0; i < operations.size(); ++i) {
      operations[i].handler.add(other.operations[i].handler);
      for (std::size_t j = 0; j < call_outcome::count; ++j) {
        operations[i].outcomes[j].add(other.operations[i].outcomes[j].value());
      }
    }
    queue.add(other.queue);
    event_handler.add(other.event_handler);
    lock.add(other.lock);
    turn.add(other.turn);
    commit.add(other.commit);
    checkpoint.add(other.checkpoint);
    for (std::size_t i = 0; i < restart_causes; ++i) {
      restarts[i].add(other.restarts[i].value());
    }
    fenced.add(other.fenced.value());
  }

  std::vector<operation_metrics> operations;
  /// The time from a call's arrival at the worker until the runner takes it up.
  observe::histogram queue;
  observe::histogram event_handler;
  /// The wait for the database's fair lock, and then the parts of a turn: its messages, the commit
  /// with its fsync, and the copying back of the WAL.
  observe::histogram lock;
  observe::histogram turn;
  observe::histogram commit;
  observe::histogram checkpoint;
  std::array<tally, restart_causes> restarts;
  /// The number of times that others had taken over this writer's work, so that its turn wrote
  /// nothing.
  tally fenced;
};

} // namespace troupe
