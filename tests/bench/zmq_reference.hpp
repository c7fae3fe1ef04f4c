#pragma once

#include "tests/bench/figure.hpp"

namespace troupe::bench {

/// How the reference broker passes frames on.
enum class reference {
  /// By hand from ROUTER to ROUTER: what a broker cannot do without.
  router,
  /// By `zmq_proxy` from ROUTER to DEALER: less than a broker does.
  proxy,
};

/// Bare ZeroMQ with nothing of Troupe: client, broker and worker as three processes (two are forked
/// here and killed at the end), one 128-byte frame a request, over TCP.
/// @param has_curve whether the links are encrypted, by CURVE.
figure measure_reference(reference kind, const load_options& options, bool has_curve);

} // namespace troupe::bench
