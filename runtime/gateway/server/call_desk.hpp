#pragma once

#include "runtime/client/client.hpp"
#include "runtime/outcome.hpp"

#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>
#include <vector>

namespace troupe::gateway {

/// Makes calls for the HTTP loop, and returns their results to that loop.
///
/// Calls of requests that came in together leave together, and answers that come together are
/// delivered together. Owns a client. `call`, `ask` and the functions given to them run on the
/// loop; everything else is for the thread that made this object.
class call_desk {
public:
  /// Runs a task on the HTTP loop.
  using poster = std::function<void(std::function<void()>)>;
  using listener = std::function<void(const client::completion&)>;

  /// @param to_loop is used until `close` has returned, also by the client's thread.
  static outcome<std::unique_ptr<call_desk>> open(client::options settings, poster to_loop);

  explicit call_desk(poster to_loop) : to_loop_{std::move(to_loop)} {}

  ~call_desk();
  call_desk(const call_desk&) = delete;
  call_desk& operator=(const call_desk&) = delete;

  /// Makes a call; `ended` gets the answer or error, once. `request.token` belongs to the desk.
  /// @errors of `client::submit`; nothing was sent, and `ended` is not called.
  outcome<uuid> call(client::call_request request, listener ended);

  /// Like `call`, for a query that `close` does not wait for.
  outcome<uuid> ask(client::call_request request, listener ended);

  std::size_t under_way() const { return listeners_.size() - free_.size(); }

  const client::client& client() const { return *client_; }

  /// Waits up to `patience`, which is zero while the loop runs, for calls under way, and ends the
  /// rest, including queries.
  void close(milliseconds patience);

private:
  static constexpr int passes_max = 4;

  outcome<uuid> add(client::call_request request, bool is_question, listener ended);
  /// Sends the calls once a pass of the loop adds no more, or after a few passes: requests that
  /// arrive one by one, as their clients get answers, so reach the capability together.
  void leave();
  void take_answers();

  const poster to_loop_;
  std::unique_ptr<client::client> client_;
  /// By place, which is in the token of the call; empty at those in `free_`.
  std::vector<listener> listeners_;
  std::vector<std::size_t> free_;
  std::vector<client::completion> done_;
  /// Since `leave`.
  bool has_more_ = false;
  /// The number of passes of the loop for which added calls have waited.
  int passes_ = 0;
  /// The number of calls that are not queries and have not ended.
  std::atomic<std::size_t> awaited_{0};
};

} // namespace troupe::gateway
