#pragma once

#include "runtime/clock.hpp"
#include "runtime/error.hpp"
#include "runtime/wire/login.hpp"

#include <memory>
#include <string_view>

namespace troupe::transport {

/// A received frame, kept alive by those who still refer to it.
using frame_ref = std::shared_ptr<const void>;

/// The worker's or client's side of a peer_loop, which calls it on its own thread only. Links have
/// the numbers of their brokers in the options.
class peer_handler {
public:
  peer_handler() = default;
  peer_handler(const peer_handler&) = delete;
  peer_handler& operator=(const peer_handler&) = delete;
  virtual ~peer_handler() = default;

  /// The HELLO for an open connection.
  virtual wire::hello hello(int link) = 0;
  /// The broker accepted the login: the link is up.
  virtual void welcomed(int link, const wire::welcome& welcome, instant now) = 0;
  /// The broker refused it. The loop tries again later, with back-off.
  virtual void refused(int link, const error& why, instant now) = 0;
  /// A link that was up no longer is; messages sent on it may be lost.
  virtual void lost(int link, std::string_view why, instant now) = 0;
  /// One envelope on a link that is up. The views live as long as `frame`.
  ///
  /// @param now when it came; after a late wake-up of this thread, when that wait began.
  virtual void received(
      int link,
      std::string_view header,
      std::string_view body,
      const frame_ref& frame,
      instant now) = 0;
  /// All envelopes of a frame have been handed over.
  virtual void frame_done(instant now) = 0;
  /// The inlet rang: another thread has commands.
  virtual void commands(instant now) = 0;
  /// The progress that the loop reports to each broker at every heartbeat.
  virtual wire::pong progress(instant now) = 0;
  /// The time at which `due` wants to be called next.
  virtual instant next_due() const = 0;
  virtual void due(instant now) = 0;
};

} // namespace troupe::transport
