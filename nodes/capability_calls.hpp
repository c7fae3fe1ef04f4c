#pragma once

#include "runtime/actor/capability_call.hpp"
#include "runtime/client/client.hpp"

#include <memory>
#include <mutex>
#include <string>

namespace troupe {

/// The calls that effects of a node make to capabilities: a client of the node's brokers, opened
/// with the first call. Any thread.
class capability_calls {
public:
  explicit capability_calls(client::options how) : how_{std::move(how)} {}

  /// See `ask_capability`.
  outcome<std::string> ask(const capability_call& call);

  /// Ends the running calls as `unavailable`, and refuses others, since the node stops.
  void close();

private:
  outcome<std::shared_ptr<client::client>> opened();

  const client::options how_;
  std::mutex mutex_;
  std::shared_ptr<client::client> client_;
  bool is_closed_ = false;
};

} // namespace troupe
