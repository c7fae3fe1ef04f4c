#pragma once

#include "runtime/actor/turn.hpp"
#include "runtime/store/turn/subscriptions.hpp"
#include "runtime/wire/envelope.hpp"
#include "runtime/wire/events.hpp"
#include "runtime/worker/group.hpp"
#include "runtime/worker/runner_store.hpp"

#include <array>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace troupe {

struct write;

/// What a turn does with events: which are run, which were handled before or have to wait, and what
/// is written down of each. The turn around them is store_turn's; where there is no store, the
/// runner's, and all is kept in memory.
///
/// Of each partition that is assigned to this process it knows in memory what is postponed. That is
/// true as long as nobody else was assigned it, which each turn asks the database; and it is read
/// again after a turn that was undone.
/// Confined to the thread of its runner; borrows group and store.
/// @source DESIGN 6 and 7; runtime/wire/FORMAT.md, "Subscribed capabilities".
class event_turn {
public:
  /// @param store null if the capability has none.
  event_turn(group& of, runner_store* store);

  /// A turn begins, or begins anew.
  void begin();

  /// Runs an event, if it is to be run. One whose handler threw before (`each.threw`) is written
  /// down as failed instead.
  /// @return false if the turn must be run again, since this one has to be undone by itself.
  bool run(write& each, turn_output& output, wall_time now);

  /// ASSIGN and BURIED.
  void assign(const item& what);
  void bury(const item& what);

  /// What is to be written at the end of a turn.
  void finish();
  void committed();
  void rolled_back();

  /// What is to be told to the journal's broker, now that it is committed. The caller empties it.
  struct report {
    int link = 0;
    wire::kind kind = wire::kind::none;
    std::string body;
  };

  std::vector<report>& reports() { return reports_; }

private:
  struct partition {
    /// Under which it was assigned to this process; 0: it was not.
    std::uint64_t epoch = 0;
    std::uint64_t handled = 0;
    std::map<std::uint64_t, store::postponed_row> waiting;
    std::map<std::string, std::set<std::uint64_t>, std::less<>> waiting_of_key;
    /// `waiting` is as in the database.
    bool is_loaded = false;
    // Of the turn `touched_in`:
    std::uint64_t touched_in = 0;
    bool is_ours = false;
    bool is_changed = false;
  };

  struct counts {
    std::uint64_t handled = 0;
    std::uint64_t ignored = 0;
    std::uint64_t postponed = 0;
    std::uint64_t repeats = 0;
    std::uint64_t not_ours = 0;
  };

  /// What a message says of errors.
  struct texts {
    std::size_t bytes = 0;
    std::size_t count = 0;

    void add(const std::vector<wire::postponed>& rows);
  };

  partition& touch(std::uint32_t number);
  void load(std::uint32_t number, partition& into);
  void load_graves();
  bool run_handler(
      write& each, partition& at, std::uint32_t attempts, turn_output& output, wall_time now);
  outcome<void> handle(write& each, std::uint32_t attempts, turn_output& output, wall_time now);
  void succeeded(const item& what, partition& at);
  void failed(const write& each, partition& at, std::string cause, std::string_view text);
  void postpone(partition& at, store::postponed_row row);
  void forget(partition& at, std::uint64_t position);
  static bool is_behind(const partition& at, const item& what);
  static void advance(partition& at, std::uint64_t position);
  bool is_of_our_journal(const wire::assign& order, wire::assigned& answer);
  void
  assign_partition(const wire::assign& order, const wire::progress& from, wire::assigned& answer);
  void
  assign_in_memory(const wire::assign& order, const wire::progress& from, wire::assigned& answer);
  static void cut(std::vector<wire::postponed>& rows, const texts& all);
  static void describe(std::uint32_t number, const partition& at, wire::assigned& answer);
  std::uint64_t least_handled() const;

  group& group_;
  runner_store* store_;
  std::array<partition, wire::partition_count> partitions_{};
  /// Positions that became dead letters before they were seen here.
  std::set<std::uint64_t> graves_;
  bool are_graves_loaded_ = false;

  // Of the turn at hand.
  std::uint64_t turn_ = 0;
  std::vector<std::uint32_t> touched_;
  std::vector<std::pair<std::uint32_t, std::uint64_t>> assigned_;
  wire::handled handled_;
  int link_ = 0;
  std::vector<report> answers_;
  counts counts_;

  std::vector<report> reports_;
};

} // namespace troupe
