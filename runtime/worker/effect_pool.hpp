#pragma once

#include "runtime/actor/actor.hpp"
#include "runtime/store/turn/writers.hpp"
#include "runtime/worker/effect_breaker.hpp"
#include "runtime/worker/effect_metrics.hpp"
#include "runtime/worker/effect_spans.hpp"
#include "runtime/worker/group.hpp"
#include "runtime/worker/known_effects.hpp"

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

namespace troupe {

/// The item with the result of the effect `key`.
item result_of(const uuid& key, store::unsettled_result result);

/// Runs a group's effects on threads of its own: after the commit that asked for them, outside
/// every lock, each under its stable key, until it has a result. The result goes back to the group
/// as an item.
///
/// An effect that fails for a technical reason, or throws, is tried again with back-off and without
/// end: whether the outside was reached is unknown until it answers, so no other answer would be
/// correct. The waiting call ends by its deadline in the meantime; a repeat of the call waits for
/// the same effect. Effects that are unfinished when the process dies are in the database.
///
/// An overdue attempt (`effect_limit`) counts as failed for the breaker, since otherwise nothing
/// would notice an outside that never answers; the constructor of a thread's instance is part of
/// the attempt. A thread cannot be ended from outside, and a second attempt beside the first could
/// reach the outside twice: so the attempt goes on, another thread takes its place, and its result
/// counts whenever it arrives.
///
/// Any thread, under one mutex.
class effect_pool {
public:
  /// @param make makes an instance for one thread; its handlers run on that thread only.
  effect_pool(group& of, std::function<std::unique_ptr<actor>()> make);
  ~effect_pool();
  effect_pool(const effect_pool&) = delete;
  effect_pool& operator=(const effect_pool&) = delete;

  /// Whether another effect may be accepted; if not, calls that might ask for one are `overloaded`.
  bool has_room() const;

  /// Takes committed effects, except those that the pool has already. An effect whose result could
  /// not be settled yet is not run again: its result goes back to the group.
  void submit(std::vector<store::effect_row>& rows);

  /// The result of the effect `key` is in the database: its place is free. It stays in hand until
  /// it is `told`.
  /// @return how many effects have ended by this: one, or none if the pool does not know it.
  std::int64_t settled(const uuid& key);

  /// The result of the effect `key` is kept, and settled later: no drain waits for it.
  void put_off(const uuid& key);

  /// The socket loop has the answers to this many results.
  void told(std::int64_t count);

  /// The effects that a drain waits for: those that run or can begin now, and those whose result
  /// has not been sent. Not those that wait for another attempt, nor overdue ones.
  std::int64_t in_hand() const;

  /// Starts no more effects, as the process is about to end: its heir does.
  void begin_no_more();

  /// Counts overdue attempts as failed. Called about every 10 ms.
  void tick(instant now);

  /// Forgets effects that have not begun: this process no longer owns them. A running one finishes,
  /// and is not tried again unless it is submitted again.
  void forget_waiting();

  effect_metrics look() const;

  /// The running attempts, as text, with the keys of their effects.
  std::vector<std::string> under_way() const;

  /// The calls and events whose effects are here.
  std::vector<uuid> calls() const;

private:
  /// Ending: no effect is begun. Stopped: the threads end.
  enum class phase : std::uint8_t { works, ending, stopped };

  struct job {
    store::effect_row row;
    int attempt = 1;
  };

  /// An attempt that an effect thread runs.
  struct attempt_under_way {
    uuid key;
    uuid call;
    std::string name;
    int attempt = 1;
    instant began{};
    std::optional<supervision::admitted> admitted{};
    /// Whether it is overdue and the breaker has been told.
    bool is_overdue = false;
    /// Whether the actor's constructor is running.
    bool is_making = false;
    /// The trace in the effect's row.
    std::string trace{};
  };

  struct lane {
    std::jthread thread{};
    bool is_over = false;
  };

  void add_lane();
  void run(lane& self);
  outcome<std::string> run_one(std::unique_ptr<actor>& instance, const job& which);
  outcome<void> make(std::unique_ptr<actor>& instance, std::list<attempt_under_way>::iterator of);
  std::optional<job> next();
  void finish(job&& done, const outcome<std::string>& result);
  void try_again(job&& failed);
  void judge(const attempt_under_way& overdue, instant now);

  group& group_;
  effect_breaker breaker_;
  std::function<std::unique_ptr<actor>()> make_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  phase phase_ = phase::works;
  std::size_t idle_ = 0; // Threads that wait.
  std::deque<job> ready_;
  std::multimap<instant, job> later_;

  known_effects known_;
  std::list<attempt_under_way> under_way_;
  int overdue_ = 0; // The number of those in `under_way_` whose time is up.
  int lanes_alive_ = 0;
  std::list<lane> lanes_;
  effect_spans spans_;
  effect_metrics measured_; // The measurements, without the numbers that the lists above have.
};

} // namespace troupe
