#pragma once

#include "runtime/clock.hpp"
#include "runtime/http/server.hpp"
#include "runtime/observe/health.hpp"
#include "runtime/observe/metrics_text.hpp"
#include "runtime/outcome.hpp"

#include <functional>
#include <latch>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace troupe {

/// The report of a node's loop. Both parts are made from the same copy, outside the loop.
struct node_report {
  std::function<observe::health()> health;
  std::function<std::string(observe::metrics_format)> metrics;
};

/// Asks the loop of this process for its report; the given function is called with the answer, on
/// any thread.
using ask_node = std::function<void(std::function<void(node_report)>)>;

/// The admin address of a node: /livez, /readyz, /health and /metrics.
///
/// The loop is asked when a request comes here, at most once a second; requests in between get the
/// same answer. All but the constructor and destructor runs on the HTTP server's thread. Outlives
/// the loop.
class admin_server {
public:
  struct options {
    /// The address, as in the topology.
    std::string address;
    /// A loop that has not answered for this long is not alive.
    milliseconds patience;
  };

  /// @return null if `address` is empty: the node has no admin address.
  /// @errors of `http::server::start`.
  static outcome<std::unique_ptr<admin_server>>
  start(options given, const clock& time, ask_node ask);

  admin_server(options given, const clock& time, ask_node ask);

private:
  /// The last answer of the loop, or that there was none.
  struct finding {
    observe::health health;
    /// The report; nothing if the loop did not answer.
    std::optional<node_report> report;
    std::chrono::nanoseconds took{};
    instant at{};
  };

  struct question {
    http::request asked;
    http::responder answers;
  };

  void handle(http::request asked, const http::responder& answers);
  void ask_loop();
  void note(finding found);
  http::response answer_to(const http::request& asked) const;

  const options options_;
  const clock& time_;
  const ask_node ask_;
  std::optional<finding> found_;
  std::vector<question> waiting_;
  /// The time of the request that the loop has not answered yet.
  std::optional<instant> asked_at_;
  std::latch is_started_{1};
  /// Last member: its thread uses all others.
  std::unique_ptr<http::server> server_;
};

} // namespace troupe
