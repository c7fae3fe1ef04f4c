#pragma once

#include "runtime/http/loop_mailbox.hpp"
#include "runtime/http/responder.hpp"

#include <atomic>
#include <cstddef>
#include <memory>

namespace troupe::http {

class connection;

/// The exchange of a request that a connection has handed over. Any thread; may outlive connection
/// and server.
class connection_exchange final : public exchange {
public:
  /// @param is_answered shared with the connection; the one that sets it gives the answer.
  connection_exchange(
      std::weak_ptr<connection> whose,
      std::shared_ptr<loop_mailbox> mailbox,
      std::shared_ptr<std::atomic<bool>> is_answered,
      bool is_http_1_0,
      std::size_t stream_bytes_max);
  /// Answers with 500 if nobody did.
  ~connection_exchange() override;

  bool respond(response answer) override;
  stream open_stream(response head, stream_listener listener) override;

private:
  const std::weak_ptr<connection> whose_;
  const std::shared_ptr<loop_mailbox> mailbox_;
  const std::shared_ptr<std::atomic<bool>> is_answered_;
  const bool is_http_1_0_;
  const std::size_t stream_bytes_max_;
};

} // namespace troupe::http
