#pragma once

#include <cstdint>
#include <memory>
#include <string>

namespace troupe::store {

/// A file layer under real SQLite that knows what power loss would take.
///
/// Files are real ones, so that locks, shared memory and our own checks work as ever; beside each
/// one it keeps what was synced, and the writes since. crash() stops all I/O; once the sessions are
/// closed, restart() leaves on the disk what a power loss at that moment could have left.
///
/// Used from one thread. Sessions are opened with `sqlite_options::vfs = name()`, and must be gone
/// before this is.
class forgetful_vfs {
public:
  /// What becomes of writes that were not synced.
  enum class unsynced {
    /// None reached the disk.
    lost,
    /// Any of them may have, in any order, the last of them torn: chosen by the seed.
    reordered,
  };

  explicit forgetful_vfs(std::uint64_t seed = 1);
  forgetful_vfs(const forgetful_vfs&) = delete;
  forgetful_vfs& operator=(const forgetful_vfs&) = delete;
  ~forgetful_vfs();

  const std::string& name() const;

  /// From now on every operation fails, as after the power went.
  void crash();

  /// The power goes before the `nth` write, truncation, sync or deletion from now on.
  void crash_before(std::uint64_t nth);

  bool crashed() const;

  /// Leaves on the disk what the crash left. No session may be open.
  void restart(unsynced fate);

  /// Writes, truncations, syncs and deletions so far.
  std::uint64_t operations() const;

  /// Files may not grow by more than `bytes` in all from now on: then the disk is full.
  void limit_growth(std::uint64_t bytes);
  void unlimit_growth();

  /// Whether the disk has no room for more of a WAL's index.
  void set_index_full(bool is_full);

  /// The `nth` sync from now on fails, once; what it was to sync is as good as lost.
  void fail_sync(std::uint64_t nth);

  /// True if that sync has failed.
  bool sync_failed() const;

  struct state;

private:
  std::unique_ptr<state> state_;
};

} // namespace troupe::store
