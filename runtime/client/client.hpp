#pragma once

#include "runtime/client/call.hpp"
#include "runtime/client/client_options.hpp"
#include "runtime/wire/operation.hpp"

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace troupe::client {

/// Calls capabilities from outside the system, over several brokers. Every call ends by its
/// deadline in one answer or one typed error, and is sent again under its id when a broker is lost.
///
/// Owns a thread and a ZeroMQ context. Its functions are thread-safe.
class client {
public:
  /// Returns at once; calls wait for the first broker to be reachable, within their deadlines.
  /// @errors `invalid`: no broker is given.
  static outcome<std::unique_ptr<client>> open(const options& settings);

  /// As `close`, without waiting.
  ~client();
  client(const client&) = delete;
  client& operator=(const client&) = delete;

  /// Sends a call whose answer is taken with `completions`. Returns its id.
  /// @errors `overloaded`: too many are outstanding; `invalid`: a field is out of bounds;
  /// `unavailable`: the client is closed. Nothing was sent then.
  outcome<uuid> submit(const call_request& call);

  /// As `submit`, but the call waits for `flush` or for a later `submit`: calls made in a row
  /// are sent in one batch, and wake the client's thread once.
  outcome<uuid> add(const call_request& call);
  void flush();

  /// Sends calls in order until one is refused; cheaper than one by one. @return how many were
  /// accepted.
  /// @param ids if given, the ids of the accepted calls are appended. @param why if given, receives
  /// the reason of the refusal.
  std::size_t submit(
      std::span<const call_request> calls, std::vector<uuid>* ids = nullptr, error* why = nullptr);

  /// Replaces `into` by the calls that have ended, waiting up to `patience` for the first. @return
  /// how many.
  std::size_t completions(std::vector<completion>& into, milliseconds patience);

  /// Calls and waits for the answer, which is MessagePack.
  /// @errors those of `submit`, `deadline_exceeded`, and those of the capability.
  outcome<std::string> call(const call_request& call);

  /// Calls with typed messages. `options` gives key, deadline and id.
  /// @errors as above; `internal`, effect unknown: the answer is no `Reply`.
  template <wire::message Reply, wire::message Request>
  outcome<Reply> call(
      std::string_view capability,
      std::string_view operation,
      const Request& request,
      call_request options = {}) {
    const std::string body = wire::encoded(request);
    options.capability = capability;
    options.operation = operation;
    options.body = body;
    return call(options).and_then(
        [](const std::string& reply) { return wire::decode_answer<Reply>(reply); });
  }

  /// The same by the operation's declaration, which gives capability and types.
  template <wire::message Request, wire::message Reply>
  outcome<Reply> call(
      const wire::operation<Request, Reply>& what,
      const std::type_identity_t<Request>& request,
      const call_request& options = {}) {
    return call<Reply>(what.capability, what.name, request, options);
  }

  /// The brokers at which the client is logged in, in the order of the options.
  std::vector<bool> links() const;

  /// The reason why the last link went down or did not come up, as "tcp://...: reason"; "" if none
  /// did.
  std::string last_trouble() const;

  /// Refuses new calls, waits up to `patience` for those outstanding, ends the rest as
  /// `unavailable`, logs out and joins the thread. Completions can still be taken.
  void close(milliseconds patience);

private:
  struct state;
  explicit client(std::unique_ptr<state> made);

  bool is_inherited() const;

  std::unique_ptr<state> state_;
};

} // namespace troupe::client
