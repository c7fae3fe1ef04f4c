#pragma once

namespace troupe::shop {

/// Whether this process was asked to end: on SIGTERM a client starts nothing new, and ends when
/// everything in progress is answered.
///
/// Create it before any thread starts, so that all threads leave the signal to it.
class stop_wish {
public:
  stop_wish();

  /// Whether the signal has arrived; stays true.
  bool has_come();

private:
  bool has_come_ = false;
};

} // namespace troupe::shop
