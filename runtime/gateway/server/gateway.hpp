#pragma once

#include "runtime/clock.hpp"
#include "runtime/gateway/client_rates.hpp"
#include "runtime/gateway/cors.hpp"
#include "runtime/gateway/server/call_book.hpp"
#include "runtime/gateway/server/call_desk.hpp"
#include "runtime/gateway/server/http_loop.hpp"
#include "runtime/gateway/server/key_book.hpp"
#include "runtime/gateway/server/noted_exchange.hpp"
#include "runtime/gateway/server/route_handler.hpp"
#include "runtime/http/server.hpp"
#include "runtime/outcome.hpp"

#include <functional>
#include <latch>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace troupe::gateway {

/// The state of a gateway, as reported by its HTTP loop.
struct gateway_snapshot {
  /// The links by broker, in the order of the client's options.
  std::vector<bool> links;
  bool is_draining = false;
  std::uint64_t calls_under_way = 0;
  http::server_counts connections;

  /// Requests refused because their peer had sent too many.
  std::uint64_t rate_limited = 0;

  struct route_counts {
    std::string route;
    answer_counts::reading answers{};
  };

  /// In the order of the routes; the last is for requests that no route took.

  std::vector<route_counts> routes;
};

/// Serves HTTP: finds the route of each request, and keeps what all routes share (rates, other
/// origins, answers kept after 202).
///
/// Life cycle: construct, add routes, start, drain. Owns the HTTP server and the client; what it
/// hands out lives as long.
class gateway final : public http_loop {
public:
  struct options {
    http::server_options server;
    client::options calls;
    /// Sites whose pages may read answers.
    std::vector<std::string> origins{};
    std::optional<rate> each_client{};
    /// Addresses of proxies that are trusted to name their clients (`client_address`).
    std::vector<std::string> proxies{};
    /// Whether every request may ask for its trace to be recorded, and not only those that come by
    /// a proxy or have a token.
    bool trusts_traces = false;
    /// The database of keys that do not carry their time; empty: such keys are refused.
    std::string keys{};
    /// The time for which such a key is known.
    milliseconds keys_kept{};
  };

  /// @errors of `client::open` and `key_book::open`.
  static outcome<std::unique_ptr<gateway>> make(options given, const clock& time);
  gateway(options given, const clock& time);
  ~gateway() override;

  /// Makes calls, for the routes.
  call_desk& calls() { return *calls_; }

  call_book& book() { return book_; }

  key_book* keys() { return keys_.get(); }

  /// Sets what finds the service that a request's token proves, for answers that are for one
  /// service. Before `start`; without it no route may require tokens.
  using service_reader = std::function<outcome<std::string>(const http::request&)>;

  void set_services(service_reader reader) { services_ = std::move(reader); }

  /// Adds a route, before `start`.
  void add(route one);

  /// Gives requests that no route takes to `handler`, instead of answering 404 or 405. Before
  /// `start`.
  void set_otherwise(std::unique_ptr<route_handler> handler) { otherwise_ = std::move(handler); }

  /// @errors of `http::server::start`.
  outcome<void> start(http::fault_listener faults);

  /// The address at which it listens, once started.
  std::string address() const { return server_->address(); }

  outcome<void> reload_certificates() { return server_->reload_certificates(); }

  /// Accepts nothing new, ends streams, and finishes what is under way. From outside the loop,
  /// once.
  /// @return whether all was finished `within` that time.
  bool drain(milliseconds within);

  /// Asks the loop for its state; `answered` is called on the loop.
  void ask_snapshot(std::function<void(gateway_snapshot)> answered);

  void post(std::function<void()> task) override;
  void post_after(milliseconds time, std::function<void()> task) override;

private:
  void handle(http::request asked, const http::responder& answers);
  void answer_call(const http::request& asked, const http::responder& answers);
  bool is_over_rate(const http::request& asked, const http::responder& answers);
  gateway_snapshot snapshot() const;
  http::responder noted(
      const http::request& asked,
      const http::responder& answers,
      const std::shared_ptr<answer_counts>& counts) const;

  const options options_;
  const clock& time_;
  const cors cors_;
  call_book book_;
  std::optional<client_rates> rates_;
  std::vector<route_key> routes_;
  std::vector<std::unique_ptr<route_handler>> handlers_;
  std::unique_ptr<route_handler> otherwise_;
  service_reader services_;
  /// The counts by route, and the last for requests that have none.
  std::vector<std::shared_ptr<answer_counts>> counts_;
  std::uint64_t rate_limited_ = 0;
  bool is_draining_ = false;
  std::latch is_started_{1};
  std::unique_ptr<call_desk> calls_;
  std::unique_ptr<key_book> keys_;
  /// Last member: its thread uses all others.
  std::unique_ptr<http::server> server_;
};

} // namespace troupe::gateway
