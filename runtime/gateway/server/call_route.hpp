#pragma once

#include "runtime/clock.hpp"
#include "runtime/gateway/idempotency.hpp"
#include "runtime/gateway/json_codec.hpp"
#include "runtime/gateway/problem_of.hpp"
#include "runtime/gateway/request_message.hpp"
#include "runtime/gateway/server/call_book.hpp"
#include "runtime/gateway/server/call_desk.hpp"
#include "runtime/gateway/server/key_book.hpp"
#include "runtime/gateway/server/request_traces.hpp"
#include "runtime/gateway/server/route_handler.hpp"
#include "runtime/observe/trace_context.hpp"

#include <functional>
#include <memory>
#include <string>

namespace troupe::gateway {

/// The options of a route: what it calls, and the form of requests and answers.
struct call_route_options {
  /// "POST /api/orders", and "/api/orders" alone.
  std::string name;
  std::string path;
  std::string capability;
  std::string operation;
  /// False for a query, which may be repeated freely.
  bool changes = false;
  milliseconds deadline{5'000};
  /// The status of a successful answer.
  int status = 200;
  reason_statuses rejected{};
  /// Whether a request must have an Idempotency-Key.
  bool wants_key = false;
  std::string key_field{};
  /// The time for which the capability remembers answers.
  milliseconds inbox_kept{};
  /// The types of the operation, and the names of two of them.
  types all{};
  std::string request{};
  std::string reply{};
  /// Chooses which requests without a trace are recorded.
  observe::sampling sampling{};
};

/// A route that calls an operation: JSON to a message, its answer or error to a response.
///
/// Confined to the HTTP loop; borrows all but its options.
class call_route final : public route_handler {
public:
  /// @param keys null: only keys that carry their time are taken.
  call_route(
      call_route_options options,
      const clock& time,
      request_traces& traces,
      call_desk& calls,
      call_book& book,
      key_book* keys);

  void handle(route_request request, const http::responder& answers) override;

private:
  /// A request that has become a message.
  struct wish {
    request_message message;
    std::shared_ptr<const traced_request> trace;
    wait_preference preferred;
    http::responder answers;
    /// The service that asks, where a token is required.
    std::string service;
    /// The address of the client.
    std::string client;
    /// Its span is one within the request, not that of the request.
    bool is_inner = false;
  };

  /// Receives the answer to a call.
  using answered = std::function<void(const uuid& call, http::response answer)>;

  void change(const wish& wanted, const std::optional<uuid>& id);
  void ask(const wish& wanted);
  void change_under(const wish& wanted, const idempotency_key& key);
  void begin(const wish& wanted, const idempotency_key& key, wall_time born);
  outcome<uuid> call(const wish& wanted, const std::optional<uuid>& id, answered ended);
  void end_trace(
      const traced_request& which,
      bool is_inner,
      const uuid& call,
      int status,
      const error* why) const;
  http::response answer_to(const client::completion& ended) const;
  void refuse(const wish& wanted, const error& why) const;

  const call_route_options options_;
  const clock& time_;
  request_traces& traces_;
  call_desk& calls_;
  call_book& book_;
  key_book* const keys_;
};

} // namespace troupe::gateway
