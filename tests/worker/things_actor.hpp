#pragma once

#include "runtime/actor/actor.hpp"
#include "runtime/actor/registry.hpp"

#include <atomic>
#include <functional>
#include <mutex>
#include <set>
#include <string>
#include <vector>

namespace troupe::test {

struct thing {
  std::string name;
};

TROUPE_MESSAGE(thing, name)

struct count {
  std::int64_t value = 0;
};

TROUPE_MESSAGE(count, value)

/// How a test watches the actors of one type and tells them what to do.
struct probe {
  std::atomic<int> made{0};
  std::atomic<int> handled{0};
  std::atomic<int> settled{0};
  /// How often the constructor throws.
  std::atomic<int> make_fails{0};
  /// Called by the constructor.
  std::function<void()> on_make;
  std::atomic<int> noted{0};
  std::atomic<int> settle_throws{0};
  /// The settlement writes what only the commit refuses.
  std::atomic<bool> settles_against_rules{false};
  /// Called by the settlement, which fails as it says.
  std::function<outcome<void>()> on_settle;
  /// Called by every handler.
  std::function<void(const thing&)> on_handle;
  /// The result of an event's handler; by default success.
  std::function<outcome<void>(const thing&, turn&, const event_info&)> on_event;
  /// Whether handlers of events write into the database: not without a store.
  bool writes_events = true;
  /// A command that asks for an effect publishes an event, and so does the settlement.
  bool publishes_twice = false;
  /// What the command `do` does; what the settlement does first.
  std::function<void(turn&)> in_command;
  std::function<void(turn&)> in_settle;
  /// How often the settlement asks for another effect of its own name.
  std::atomic<int> settle_asks_again{0};
  /// The result of an effect; by default success.
  std::function<outcome<count>(const effect_call&)> on_effect;
  std::mutex mutex;
  std::vector<uuid> effect_keys;
};

/// An actor that stores names, and fails in each possible way. `remembered` is memory that a
/// rollback cannot undo.
class things_actor : public actor {
public:
  explicit things_actor(probe& seen);

private:
  count put(const thing& request, turn& turn);

  probe& seen_;
  std::int64_t remembered_ = 0;
  std::set<std::string> names_;
};

/// The type of those actors; `seen` outlives them.
actor_type things_type(probe& seen);

} // namespace troupe::test
