#pragma once

#include "runtime/client/client.hpp"
#include "runtime/outcome.hpp"

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <unordered_map>
#include <vector>

namespace troupe::gateway {

/// Calls from the HTTP loop, whose ends come back to that loop.
///
/// Owns a client and a thread that waits for its answers. `call` and what it is given run on the
/// loop; all else from the thread that made it.
class call_desk {
public:
  /// Has a task run on the HTTP loop.
  using poster = std::function<void(std::function<void()>)>;
  using listener = std::function<void(const client::completion&)>;

  static outcome<std::unique_ptr<call_desk>> open(const client::options& settings, poster to_loop);
  call_desk(std::unique_ptr<client::client> calls, poster to_loop);
  ~call_desk();
  call_desk(const call_desk&) = delete;
  call_desk& operator=(const call_desk&) = delete;

  /// Calls; `ended` is told the answer or error, once. `request.token` is the desk's own.
  /// @errors of `client::submit`; nothing was sent, and `ended` is told nothing.
  outcome<uuid> call(client::call_request request, listener ended);

  /// Does what `call` does, for a question that `close` does not wait for.
  outcome<uuid> ask(client::call_request request, listener ended);

  std::size_t under_way() const { return listeners_.size(); }

  const client::client& client() const { return *client_; }

  /// Waits up to `patience` for calls that are under way, and ends the rest, questions too.
  void close(milliseconds patience);

private:
  outcome<uuid> submit(client::call_request request, std::uint64_t token, listener ended);
  void wait_for_answers();

  std::unique_ptr<client::client> client_;
  const poster to_loop_;
  std::unordered_map<std::uint64_t, listener> listeners_;
  std::uint64_t last_token_ = 0;
  std::atomic<bool> is_closing_{false};
  std::mutex mutex_;
  std::condition_variable answered_;
  /// Calls that are no questions, until their ends have come; guarded by `mutex_`.
  std::size_t awaited_ = 0;
  std::thread waiter_;
};

} // namespace troupe::gateway
