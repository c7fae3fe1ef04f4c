#include "nodes/capability_calls.hpp"

#include <utility>

namespace troupe {

outcome<std::string> capability_calls::ask(const capability_call& call) {
  return opened().and_then([&](const std::shared_ptr<client::client>& calls) {
    return calls->call(
        {.capability = call.capability,
         .operation = call.operation,
         .body = call.body,
         .deadline = call.deadline,
         .id = call.id});
  });
}

void capability_calls::close() {
  std::shared_ptr<client::client> open;
  {
    const std::lock_guard lock{mutex_};
    is_closed_ = true;
    open = client_;
  }
  if (open) {
    open->close(milliseconds{0});
  }
}

outcome<std::shared_ptr<client::client>> capability_calls::opened() {
  const std::lock_guard lock{mutex_};
  if (is_closed_) {
    return failure{error{.code = errc::unavailable, .message = "this node stops"}};
  }
  if (!client_) {
    TROUPE_TRY(client_, client::client::open(how_));
  }
  return client_;
}

} // namespace troupe
