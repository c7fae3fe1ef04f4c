#pragma once

#include "runtime/ids.hpp"

#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <string>

namespace troupe::saga {

/// The lane of one operation: limits how many of its sagas run at once in this process, and holds
/// those that wait for their turn.
///
/// A saga that turns back keeps its place until it is undone, so that no new one begins instead. In
/// memory only, rebuilt from the journal by the process that loads the sagas.
class lane {
public:
  /// @param at_once 0 for any number.
  /// @param queue how many may wait.
  lane(int at_once, int queue)
      : at_once_{static_cast<std::size_t>(at_once)}, queue_{static_cast<std::size_t>(queue)} {}

  /// Whether one more may begin, and none waits.
  bool is_free() const { return has_room() && waiting_.empty(); }

  /// Whether no new saga may wait. Sagas from a takeover may wait all the same.
  bool is_full() const { return !is_free() && waiting() >= queue_; }

  void run(const uuid& saga);
  /// Lets a saga wait; those of the same key wait in the order of their ids.
  void wait(const uuid& saga, const std::string& key);
  /// Removes a saga that neither runs nor waits any more.
  void leave(const uuid& saga);
  void clear();

  /// The saga whose turn it is, in turn by key. Nothing if none waits, or there is no room.
  std::optional<uuid> next();

  std::size_t waiting() const { return keys_.size(); }

private:
  void stop_waiting(const uuid& saga);

  bool has_room() const { return at_once_ == 0 || running_.size() < at_once_; }

  std::size_t at_once_;
  std::size_t queue_;
  std::set<uuid> running_;
  std::map<std::string, std::set<uuid>> waiting_;
  std::map<uuid, std::string> keys_; // The keys of those that wait.
  // The key that had its turn last.
  std::string last_;
};

} // namespace troupe::saga
