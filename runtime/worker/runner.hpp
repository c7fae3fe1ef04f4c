#pragma once

#include "runtime/supervision/group_messages.hpp"
#include "runtime/wire/batch.hpp"
#include "runtime/worker/effect_pool.hpp"
#include "runtime/worker/event_turn.hpp"
#include "runtime/worker/group.hpp"
#include "runtime/worker/outbox_relay.hpp"
#include "runtime/worker/store_turn.hpp"

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace troupe {

/// Runs the replicas of a group on one thread: all of them where there is a store, whose writer
/// this is; else one. It takes items from its work_queue and works on them in turns.
///
/// Knows no CAF: a shell calls `run` on the thread that owns the runner. Everything belongs to that
/// thread but the watchdog's view.
class runner {
public:
  /// How many messages a turn takes at most.
  static constexpr std::size_t turn_messages_max = 1024;

  runner(
      group& of,
      work_queue& from,
      const std::vector<int>& replicas,
      std::unique_ptr<runner_store> store);
  ~runner();
  runner(const runner&) = delete;
  runner& operator=(const runner&) = delete;

  void on_event(std::function<void(supervision::group_event)> tell) { tell_ = std::move(tell); }

  /// One turn. True if there may be more to do; else whoever pushes into the work_queue wakes it.
  bool run();

  /// Makes a replica, or ends one; the supervisor hears how it went.
  void start(supervision::child_id child, std::uint64_t generation);
  void stop(supervision::child_id child, std::uint64_t generation);

  /// The supervisor gave the group up for now: what waits is refused, so that brokers try
  /// elsewhere.
  void set_down(bool down) { down_ = down; }

  /// For the watchdog, from any thread: since when a handler or commit has been running, in
  /// nanoseconds of the monotonic clock; 0 if none is.
  std::int64_t busy_since() const { return busy_since_.load(std::memory_order_relaxed); }

private:
  struct replica {
    int number = 0;
    std::uint64_t generation = 0;
    std::unique_ptr<actor> instance;
  };

  bool fill_hand();
  void work();
  /// Notes that what was being done is done, and when.
  instant::duration lap();
  void refuse(std::size_t end);
  void triage(item& each, const supervision::admitted& admitted);
  void run_query(
      item& each, const handlers::query& query, replica& by, const supervision::admitted& admitted);
  void run_without_store(
      item& each,
      const handlers::command& command,
      replica& by,
      const supervision::admitted& admitted);
  void
  answer_with(item& each, const supervision::admitted& admitted, const error* why, effect possible);
  void crash(
      item& each,
      replica& by,
      const supervision::admitted& admitted,
      std::string_view reason,
      effect possible);
  void run_writes();
  void settle_write(write& each);
  void answer_order(write& each);
  void send_answers();
  void take_back(std::size_t from);

  // host_events.cpp
  static bool is_of_events(const item& each);
  void take_own(item& each);
  void take_while_down(item& each);
  void take_event(item& each);
  void run_event_without_store(item& each);
  void settle_event(write& each);
  void hold(item&& one);
  void drop_held();
  void wake_for_held();
  void report_events();
  void set_alarm();
  bool has_to_relay() const;
  void take_relay_order(const item& what);
  void announce_outbox();
  void relay_failed(const store::database_error& fault);
  void relay_committed();
  void relay_from_table();
  void relay(const store::outbox_view& event);
  void close_if_full(std::size_t link);

  void reply(const item& to, answer::kind is, std::string_view bytes);
  void reply_with(const item& to, const answer& result);
  void reply_error(const item& to, const error& why);
  void note(const supervision::admitted& call, std::optional<errc> failed, instant::duration took);
  void send();

  bool has_instance() const;
  replica* replica_for(std::string_view key);
  std::unique_ptr<actor> make_instance(int number);
  /// A handler threw: the instance goes, the supervisor decides.
  void discard(replica& broken, std::string reason, const std::optional<uuid>& message);
  /// Makes the instances anew whose turn was not committed: no failure of theirs.
  void rebuild_spoilt(std::size_t settled);

  group& group_;
  work_queue& queue_;
  std::vector<replica> replicas_;
  std::size_t next_replica_ = 0;
  std::unique_ptr<runner_store> store_;
  std::unique_ptr<effect_pool> effects_;
  event_turn events_;
  std::unique_ptr<store_turn> turn_;
  std::function<void(supervision::group_event)> tell_;
  bool down_ = false;
  std::atomic<std::int64_t> busy_since_{0};
  // When what was last done was done.
  instant now_{};

  // What has been taken from the work_queue and not been worked on: from `head_` on.
  std::vector<item> hand_;
  std::size_t head_ = 0;
  // Events, assignments and burials that could not be worked on now. While there are any, whatever
  // comes of that kind joins them, since a partition's events must stay in order.
  std::vector<item> held_;
  bool is_held_due_ = false;
  bool is_held_alarm_set_ = false;
  // The earliest timer for which an alarm has been set.
  wall_time alarm_at_ = wall_time::max();

  outbox_relay relay_;
  int journal_link_ = 0;

  // Reused from turn to turn.
  std::vector<supervision::admission> admissions_;
  std::vector<group::result> results_;
  std::vector<write> writes_;
  turn_output output_;
  std::string bytes_;
  std::vector<wire::batch_writer> replies_;
  wire::batch_writer everywhere_;
  std::string header_;
  outbound out_;
};

} // namespace troupe
