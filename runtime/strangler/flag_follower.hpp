#pragma once

#include "runtime/observe/event_log.hpp"
#include "runtime/strangler/flag_record.hpp"

#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

namespace troupe::strangler {

/// Keeps the values of flags in a long-running process: follows the journal, and stores the values
/// in a file, from which the next process starts while no broker answers.
///
/// Owns a thread. A change is known as soon as it is in the journal and the broker answers. Logs
/// `flag.changed` for each, and also when it loses and regains the journal.
class flag_follower {
public:
  /// @param ask may block as long as its request waits, 1 s; used by one thread at a time.
  /// @param path the file; its folder is made.
  flag_follower(journal_question ask, std::string path, observe::event_log& log);
  /// Waits for the request under way.
  ~flag_follower();
  flag_follower(const flag_follower&) = delete;
  flag_follower& operator=(const flag_follower&) = delete;

  /// The known values: from the journal, else from the file. Null if neither could be read yet. Any
  /// thread.
  std::shared_ptr<const flag_values> values() const;

private:
  void run();
  bool follow();
  void heard(const flag_state& state);
  void publish(const flag_values& values);
  bool is_stopping() const;

  const journal_question ask_;
  const std::string path_;
  observe::event_log& log_;
  /// The thread's own: the position of the change it heard of last.
  std::optional<std::uint64_t> heard_position_{};
  bool is_in_touch_ = true;

  mutable std::mutex mutex_; // Guards what follows.
  std::condition_variable stops_;
  bool is_stopping_ = false;
  std::shared_ptr<const flag_values> values_;

  std::thread thread_;
};

} // namespace troupe::strangler
