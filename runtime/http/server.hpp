#pragma once

#include "runtime/clock.hpp"
#include "runtime/http/http_options.hpp"
#include "runtime/http/request.hpp"
#include "runtime/http/responder.hpp"
#include "runtime/http/server_counts.hpp"
#include "runtime/outcome.hpp"

#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace troupe::http {

/// Receives each request that the gate accepts, on the server's thread, and must not block: work
/// that takes time is done elsewhere and answers from there. An exception is answered with 500.
using request_handler = std::function<void(request, responder)>;

/// Receives what a handler threw, on the server's thread, for the log.
using fault_listener = std::function<void(std::string_view what)>;

/// An HTTP/1.1 server: one address, one thread, plain or TLS.
///
/// All members may be called from any thread except the server's own, unless said otherwise. Owns
/// its thread; its destructor cuts what is left.
class server {
public:
  /// @errors `unavailable`: the address cannot be listened on, and why. `invalid`: it is no
  /// address,
  ///         or the certificate and key cannot be used.
  static outcome<std::unique_ptr<server>>
  start(const server_options& options, request_handler handler, fault_listener faults = {});

  ~server();
  server(const server&) = delete;
  server& operator=(const server&) = delete;

  /// The address it listens on, with the port that the system chose for 0.
  std::string address() const;

  /// Reads certificate and key again, for new connections. For SIGHUP.
  ///
  /// @errors `invalid`: they cannot be used, and why; the old ones stay in use. Or there is no TLS.
  outcome<void> reload_certificates();

  /// Accepts no more connections, closes idle ones, and ends the others after their current answer
  /// (`Connection: close`) or stream. Returns when none is left.
  ///
  /// @return whether all ended by themselves `within` that time; else they were cut.
  bool drain(milliseconds within);

  /// Runs `task` on the server's thread, at once or after a delay; not at all if the server ends
  /// before. Also from the server's thread.
  void post(std::function<void()> task);
  void post_after(milliseconds time, std::function<void()> task);

  server_counts counts() const;

private:
  struct state;
  explicit server(std::unique_ptr<state> made);

  std::unique_ptr<state> state_;
};

} // namespace troupe::http
