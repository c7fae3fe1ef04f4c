#pragma once

#include "runtime/wire/envelope.hpp"
#include "runtime/wire/events.hpp"
#include "runtime/worker/event_assignments.hpp"
#include "runtime/worker/group.hpp"
#include "runtime/worker/message_span.hpp"
#include "runtime/worker/other_handlers.hpp"
#include "runtime/worker/subscribed_partitions.hpp"
#include "runtime/worker/turn_output.hpp"
#include "runtime/worker/write.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace troupe {

/// The events of a turn: handles them, stores those that must wait, and reports to the journal's
/// broker after the commit.
///
/// The turn around them is store_turn's; if there is no store, the runner's. Confined to the
/// runner's thread; borrows everything.
/// @source runtime/wire/FORMAT.md, "Subscribed capabilities".
class event_turn {
public:
  /// @param store null if the capability has none.
  event_turn(group& of, runner_store* store, message_spans& spans);

  /// Handles an event, if it is due. If its handler threw before (`each.threw`), only stores the
  /// failure.
  /// @return false if the turn must be run again, since this event must be undone alone.
  bool run(write& each, turn_output& output, wall_time now);

  /// Requests the data that an event needs from the database, by the session's next await().
  void look_up(const item& what) { partitions_.look_up(what.partition); }

  /// ASSIGN: partitions are assigned to this process, or taken away.
  void assign(const item& what);
  /// BURIED: events have become dead letters.
  void add_dead_letters(const item& what);

  /// The database was reconnected, and may have gone back: no event is handled until the broker
  /// has assigned the partitions again and knows the position of each. Outside a turn.
  void forget_assignments() { partitions_.start_over(); }

  /// Writes the positions at the end of a turn.
  void finish();
  void committed();
  void rolled_back();

  /// Whether handlers of events have asked for effects so far.
  bool asks_for_effects() const { return asks_for_effects_; }

  /// A message to the journal's broker.
  struct report {
    int link = 0;
    wire::kind kind = wire::kind::none;
    std::string body;
  };

  /// The reports of committed turns. The caller empties the list.
  std::vector<report>& reports() { return reports_; }

private:
  using partition = subscribed_partitions::partition;

  struct counts {
    std::uint64_t handled = 0;
    std::uint64_t ignored = 0;
    std::uint64_t postponed = 0;
    std::uint64_t repeats = 0;
    std::uint64_t not_ours = 0;
  };

  bool run_handler(
      write& each, partition& at, std::uint32_t attempts, turn_output& output, wall_time now);
  outcome<void> handle(write& each, std::uint32_t attempts, turn_output& output, wall_time now);
  void succeeded(const item& what, partition& at);
  void failed(const write& each, partition& at, std::string cause, std::string_view text);
  void postpone(partition& at, store::postponed_row row);
  void start_over();

  group& group_;
  runner_store* store_;
  message_spans& spans_;
  bool asks_for_effects_ = false;
  subscribed_partitions partitions_;
  event_assignments assignments_;
  other_handlers others_;

  // The HANDLED of the current turn, and the link over which it is sent.
  wire::handled handled_;
  int link_ = 0;
  std::vector<report> answers_;
  counts counts_;

  std::vector<report> reports_;
};

} // namespace troupe
