#pragma once

namespace troupe::shop {

/// Whether somebody wishes this process to end: SIGTERM asks a client to begin nothing new, and to
/// end when all that is under way is answered.
///
/// Made before any thread, which then all leave the signal to it.
class stop_wish {
public:
  stop_wish();

  /// Whether the signal has come; once it has, always.
  bool has_come();

private:
  bool has_come_ = false;
};

} // namespace troupe::shop
