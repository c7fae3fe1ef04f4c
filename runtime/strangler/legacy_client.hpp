#pragma once

#include "runtime/http/problem.hpp"
#include "runtime/http/request.hpp"
#include "runtime/http/response.hpp"
#include "runtime/observe/event_log.hpp"
#include "runtime/outcome.hpp"
#include "runtime/strangler/forwarding.hpp"
#include "runtime/strangler/legacy_options.hpp"

#include <cstddef>
#include <functional>
#include <memory>
#include <tl/expected.hpp>
#include <vector>

namespace troupe::strangler {

/// A legacy system, and how to reach it.
struct legacy_system {
  base_url at;
  legacy_options how{};
};

/// The end of a request: the system's answer, or why there is none. Statuses of the problem:
///
/// | code | status |
/// |---|---|
/// | `legacy_unreachable` | 502: no connection; nothing was sent |
/// | `legacy_broken` | 502: the connection was lost, or the answer is no HTTP that may be passed on
/// | | `legacy_answer_too_large` | 502 | | `legacy_timeout` | 504 | | `legacy_overloaded` | 503:
/// too many wait, or too many of this client; nothing was sent | | `stopping` | 503 |
///
/// Its member `effect` is `none` if the system never got the request or the method changes
/// nothing, else `unknown`.
using legacy_answer = tl::expected<http::response, http::problem>;

/// Forwards requests to legacy systems over persistent connections. HTTP/1.1; follows no redirects,
/// uses no proxy, and repeats only idempotent requests.
///
/// Owns a thread. Answers are bounded and complete.
class legacy_client {
public:
  /// Receives the outcome of a request, once, on the client's thread; must not block.
  using receiver = std::function<void(legacy_answer)>;

  /// @param log receives why a system has not answered; outlives this.
  /// @errors `internal`: libcurl cannot be used.
  static outcome<std::unique_ptr<legacy_client>>
  start(std::vector<legacy_system> systems, observe::event_log& log);

  /// Ends what is under way with `stopping`.
  ~legacy_client();
  legacy_client(const legacy_client&) = delete;
  legacy_client& operator=(const legacy_client&) = delete;

  /// Sends `what` to a system, by its number. From any thread; `to` may be called before it
  /// returns, if too many wait.
  ///
  /// Requests under way and waiting are shared by clients: one address, or /64, has as many as are
  /// left for others (`shares`), and clients take turns.
  ///
  /// @param client the address of whoever asks.
  void ask(std::size_t system, const http::request& what, std::string_view client, receiver to);

private:
  class loop;
  explicit legacy_client(std::unique_ptr<loop> made);

  std::unique_ptr<loop> loop_;
};

} // namespace troupe::strangler
