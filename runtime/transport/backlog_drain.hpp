#pragma once

#include <cstddef>
#include <cstdint>

namespace troupe::transport {

/// Turns away connections that wait at a listening socket while the process has no free descriptor.
///
/// libzmq would try to accept them without end and use up its thread. A spare descriptor is given
/// up for each, so that it can be accepted and closed at once. Belongs to the loop's thread.
class backlog_drain {
public:
  backlog_drain();
  ~backlog_drain();
  backlog_drain(const backlog_drain&) = delete;
  backlog_drain& operator=(const backlog_drain&) = delete;

  /// Takes the listening socket and makes it non-blocking: libzmq's thread may find that a
  /// connection it was told of is gone.
  void listens(int listener);

  /// @param mark no connection is turned away while a descriptor below it is free.
  /// @return how many were turned away, up to 64.
  std::size_t turn_away(std::uint64_t mark);

private:
  int spare_ = -1;
  int listener_ = -1;
};

} // namespace troupe::transport
