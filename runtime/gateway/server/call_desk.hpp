#pragma once

#include "runtime/client/client.hpp"
#include "runtime/outcome.hpp"

#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>
#include <vector>

namespace troupe::gateway {

/// Calls from the HTTP loop, whose ends come back to that loop.
///
/// Calls of requests that came in together leave together, and answers that are there together are
/// told in one go. Owns a client. `call`, `ask` and what they are given run on the loop; all else
/// from the thread that made it.
class call_desk {
public:
  /// Has a task run on the HTTP loop.
  using poster = std::function<void(std::function<void()>)>;
  using listener = std::function<void(const client::completion&)>;

  /// @param to_loop is used until `close` has returned, also by the client's thread.
  static outcome<std::unique_ptr<call_desk>> open(client::options settings, poster to_loop);

  explicit call_desk(poster to_loop) : to_loop_{std::move(to_loop)} {}

  ~call_desk();
  call_desk(const call_desk&) = delete;
  call_desk& operator=(const call_desk&) = delete;

  /// Calls; `ended` is told the answer or error, once. `request.token` is the desk's own.
  /// @errors of `client::submit`; nothing was sent, and `ended` is told nothing.
  outcome<uuid> call(client::call_request request, listener ended);

  /// Does what `call` does, for a question that `close` does not wait for.
  outcome<uuid> ask(client::call_request request, listener ended);

  std::size_t under_way() const { return listeners_.size() - free_.size(); }

  const client::client& client() const { return *client_; }

  /// Waits up to `patience`, which is none while the loop runs, for calls that are under way, and
  /// ends the rest, questions too.
  void close(milliseconds patience);

private:
  static constexpr int passes_max = 4;

  outcome<uuid> add(client::call_request request, bool is_question, listener ended);
  /// Has the calls leave once a pass of the loop brings no more, or after a few of them: requests
  /// that are sent one by one, as answers come, reach the capability together.
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
  /// For how many passes of the loop added calls have waited.
  int passes_ = 0;
  /// Calls that are no questions, until their ends have come.
  std::atomic<std::size_t> awaited_{0};
};

} // namespace troupe::gateway
