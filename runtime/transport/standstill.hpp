#pragma once

#include "runtime/clock.hpp"

#include <algorithm>

namespace troupe::transport {

/// The standstill of a thread that reads a socket, and so how long a message that it reads may have
/// waited uncounted.
///
/// A process that was stopped, or had no CPU, finds in its sockets what came meanwhile, and
/// libzmq's thread goes on delivering it: until the socket is found empty some time later, each
/// message may be as old as the standstill. Pure.
class standstill {
public:
  /// A shorter one is ignored: no deadline is that precise.
  static constexpr milliseconds least{50};
  /// libzmq needs this long to read what the system holds for it, or half of the standstill if that
  /// is longer: the longer it was, the more came meanwhile, and a machine that gave this thread no
  /// CPU gives libzmq's none either.
  static constexpr milliseconds settles_within{100};
  /// The time after which everything that came before is read, under a load that never lets the
  /// socket run empty.
  static constexpr milliseconds over_after{2'000};

  /// The thread was last seen at work at `since`, and goes on now.
  void ended(instant since, instant now) {
    // Several in a row count as one, and no message has waited for longer than the limit.
    since_ = is_over_ ? since : std::min(since, std::max(since_, now - over_after));
    ended_ = now;
    is_over_ = false;
  }

  /// Notes that there was nothing to read.
  void found_empty(instant now) {
    const instant::duration stood = ended_ - since_;
    is_over_ = is_over_ || now - ended_ >= std::max<instant::duration>(settles_within, stood / 2);
  }

  /// The time that a message read now may have waited; 0 without a standstill.
  instant::duration waited(instant now) const {
    return is_over_ || now - ended_ >= over_after ? instant::duration{0} : now - since_;
  }

private:
  bool is_over_ = true;
  instant since_{};
  instant ended_{};
};

} // namespace troupe::transport
