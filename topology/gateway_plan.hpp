#pragma once

#include "runtime/config.hpp"
#include "runtime/gateway/routes.hpp"
#include "runtime/gateway/token_bucket.hpp"
#include "runtime/ids.hpp"
#include "runtime/range.hpp"
#include "topology/endpoint.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace troupe::topology {

/// A route that calls an operation.
struct call_route_plan {
  capability_name capability;
  std::string operation;
  /// The most that a call may take; a request may ask for less.
  std::chrono::milliseconds deadline{5'000};
  /// The status of a successful answer.
  int status = 200;
  /// The status of each reason for which the operation may refuse, where it is not 422.
  std::map<std::string, int, std::less<>> rejected{};
  /// Whether a request must have an Idempotency-Key; it may have one anyway.
  bool wants_key = false;
  /// The field of the request that is the ordering key: calls with the same value go to one
  /// replica. Empty: none.
  std::string key_field{};
  /// The feature by whose flag requests go here or to its legacy system; empty: all come here.
  std::string feature{};

  static constexpr range<std::chrono::milliseconds> deadline_range{
      std::chrono::milliseconds{1}, std::chrono::hours{1}};
};

/// A route that streams events.
struct events_route_plan {
  /// Topics, `PREFIX.*` or `*`, each once.
  std::vector<std::string> patterns;
};

struct route_plan {
  gateway::route_key key;
  std::variant<call_route_plan, events_route_plan> does;
  /// Whether a request must have a service token.
  bool wants_token = false;
  file_position at;
};

/// The readers of the page of the system.
enum class page_readers : std::uint8_t {
  /// The page is not served.
  nobody,
  /// The page is for users on the gateway's machine.
  loopback,
  /// Services that have the right to `troupe.broker.status`, by their token.
  operators,
};

/// A process that serves HTTP.
struct gateway_plan {
  std::string name;
  /// The host, as of a node.
  std::string host;
  /// "http://127.0.0.1:8080", as in the file, and the address in it.
  std::string listen;
  endpoint address{};
  /// The address of health and metrics, as of a broker.
  std::string admin{};

  /// PEM files, joined to the folder of the file; nothing for plain HTTP.
  struct tls_plan {
    std::string certificate;
    std::string key;
  };

  std::optional<tls_plan> tls{};
  /// The origins whose pages may read answers. @source https://fetch.spec.whatwg.org, "CORS".
  std::vector<std::string> origins{};
  /// The Host names that requests may use, without port; empty: any, or on loopback its own names.
  std::vector<std::string> hosts{};
  /// The rate at which each client address may send; absent: as much as it likes.
  std::optional<gateway::rate> rate{};
  /// The addresses (in normal form) of proxies whose X-Forwarded-For and -Proto are trusted.
  std::vector<std::string> proxies{};
  /// The database of the times of keys, such as "sqlite:examples/shop/data/gateway.db"; nothing for
  /// `none`: only keys that carry their time are accepted then.
  std::optional<std::string> store{};
  std::vector<route_plan> routes{};
  /// The feature whose legacy system gets the requests that no route takes; empty: none.
  std::string otherwise{};
  /// The readers of the page at /ui.
  page_readers ui = page_readers::nobody;
  file_position at;

  static constexpr range<std::int64_t> requests_range{1, 1'000'000};
  static constexpr range<std::chrono::milliseconds> within_range{
      std::chrono::milliseconds{1}, std::chrono::hours{24}};
};

} // namespace troupe::topology
