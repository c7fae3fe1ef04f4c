#pragma once

#include "runtime/actor/actor.hpp"
#include "runtime/store/turn/writers.hpp"
#include "runtime/worker/group.hpp"

#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <thread>
#include <vector>

namespace troupe {

/// Runs a group's effects: after the commit that asked for them, outside every lock, each under its
/// stable key, until it has a result. The result goes back to the group as an item.
///
/// A technical error, or a throw, is tried again with back-off and without end: whether the outside
/// was reached is unknown until it answers, so nothing else would be true. The call that waits ends
/// by its deadline meanwhile, and attaches when it is asked again. What is not finished when the
/// process dies is in the database.
class effect_pool {
public:
  /// @param make an instance for each thread; its handlers run on that thread only.
  effect_pool(group& of, std::function<std::unique_ptr<actor>()> make);
  ~effect_pool();
  effect_pool(const effect_pool&) = delete;
  effect_pool& operator=(const effect_pool&) = delete;

  /// Whether another effect may be begun; else calls that want one are `overloaded`.
  bool has_room() const;

  /// Takes effects over that were committed. Those it has already are passed over.
  void submit(std::vector<store::effect_row>& rows);

  /// The result of the effect `key` has been written down: its place is free.
  void settled(const uuid& key);

  /// Forgets what has not begun: this process may not write any more.
  void forget_waiting();

private:
  struct job {
    store::effect_row row;
    int attempt = 1;
  };

  void run();
  outcome<std::string> run_one(const actor& instance, const job& which);
  std::optional<job> next();
  void finish(job&& done, const outcome<std::string>& result);
  void try_again(job&& failed);
  void log_failure(const job& failed, const error& why);

  group& group_;
  std::function<std::unique_ptr<actor>()> make_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool is_stopped_ = false;
  std::size_t idle_ = 0; // Threads that wait.
  std::deque<job> ready_;
  std::multimap<instant, job> later_;
  // Waiting, running, or with a result that is still to be written down.
  std::set<uuid> known_;
  std::vector<std::jthread> threads_;
};

} // namespace troupe
