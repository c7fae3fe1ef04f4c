#pragma once

#include "runtime/actor/handlers.hpp"
#include "runtime/clock.hpp"
#include "runtime/ids.hpp"
#include "runtime/saga/coordinators.hpp"
#include "runtime/store/database.hpp"
#include "runtime/store/writers.hpp"
#include "runtime/wire/message.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace troupe {

/// What a turn wants done once it is committed. Emptied when the turn is rolled back.
struct turn_output : saga::outgoing {
  std::vector<store::effect_row> effects;

  /// How much there is, to come back to when one message of the turn is undone.
  struct mark {
    std::size_t calls = 0;
    std::size_t timers = 0;
    std::size_t answers = 0;
    std::size_t parked = 0;
    std::size_t effects = 0;
  };

  mark here() const {
    return {calls.size(), timers.size(), answers.size(), parked_sagas.size(), effects.size()};
  }

  void back_to(const mark& to) {
    calls.resize(to.calls);
    timers.resize(to.timers);
    answers.resize(to.answers);
    parked_sagas.resize(to.parked);
    effects.resize(to.effects);
  }

  void clear() { back_to({}); }
};

/// The transaction a handler works in, and the message it works on.
///
/// Everything written through it is kept or undone together with the message's inbox row. Lives for
/// one handler call.
class turn {
public:
  turn(
      store::database* database,
      std::int64_t writer,
      const uuid& id,
      std::string_view key,
      wall_time now,
      turn_output& output)
      : database_{database}, writer_{writer}, id_{id}, key_{key}, now_{now}, output_{output} {}

  /// The capability's database. Throws std::logic_error if the topology gives it none.
  store::database& database();

  /// The id of the call: the same for every repeat.
  const uuid& id() const { return id_; }

  /// The ordering key the caller gave; may be empty.
  std::string_view key() const { return key_; }

  /// When the turn began.
  wall_time now() const { return now_; }

  /// The number under which this process writes the database (store/writers.hpp).
  std::int64_t writer() const { return writer_; }

  /// Asks for an effect; it runs once the turn is committed, and its `settle` answers the call.
  /// Return what this returns. One per command.
  template <wire::message Request>
  pending effect(std::string_view name, const Request& request) {
    return add_effect(name, wire::encoded(request));
  }

  /// Publishes an event: it leaves after the commit, at least once, in the order of commits.
  template <wire::message Event>
  void publish(std::string_view topic, const Event& event, std::string_view key = {}) {
    add_event(topic, key, wire::encoded(event));
  }

  turn_output& output() { return output_; }

private:
  pending add_effect(std::string_view name, std::string request);
  void add_event(std::string_view topic, std::string_view key, std::string body);

  store::database* database_;
  std::int64_t writer_;
  uuid id_;
  std::string_view key_;
  wall_time now_;
  turn_output& output_;
  int events_ = 0;
};

} // namespace troupe
