#pragma once

#include <cstddef>

namespace troupe::transport {

/// Turns away connections that wait at a listening socket while the process has no descriptor left.
///
/// libzmq would try to accept them without end and use up its thread. A spare descriptor is given
/// up for each, so that it can be accepted and closed at once. Belongs to the loop's thread.
class backlog_drain {
public:
  backlog_drain();
  ~backlog_drain();
  backlog_drain(const backlog_drain&) = delete;
  backlog_drain& operator=(const backlog_drain&) = delete;

  /// @param listener a socket that does not block; -1: none is known.
  /// @return how many were turned away, up to 64.
  std::size_t turn_away(int listener);

private:
  int spare_ = -1;
};

} // namespace troupe::transport
