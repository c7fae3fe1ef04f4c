#pragma once

#include "runtime/config.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace troupe::topology {

/// The address at which a process listens. Two spellings of one address compare equal.
struct endpoint {
  /// "127.0.0.1" (also for localhost), or "::1" without its brackets.
  std::string host;
  int port = 0;

  bool operator==(const endpoint&) const = default;
};

/// Reads a port from 1 to 65535, in digits; nothing if `text` is none.
std::optional<int> read_port(std::string_view text);

/// Reads tcp://HOST:PORT. The caller sets the position of a fault.
///
/// Accepts only loopback addresses: a link without keys does not prove who its peer is, so
/// everybody who can reach the port is trusted.
std::variant<endpoint, fault> read_endpoint(std::string_view text);

/// The same for a broker whose links have keys: any address of its host by which others reach it,
/// but not a wildcard address.
std::variant<endpoint, fault> read_secured_endpoint(std::string_view text);

/// Reads HOST:PORT with the same restriction, since everybody who can reach an admin address may
/// use it.
std::variant<endpoint, fault> read_admin_address(std::string_view text);

/// The address on which a gateway listens, and how.
struct http_endpoint {
  bool uses_tls = false;
  endpoint where;
};

/// Reads http://HOST:PORT, on loopback only, or https://HOST:PORT, at any address of this machine:
/// the topology decides what a gateway lets through, but traffic over a network is encrypted.
std::variant<http_endpoint, fault> read_http_endpoint(std::string_view text);

/// Whether only its own host reaches it.
bool is_loopback(const endpoint& where);

/// "127.0.0.1:9101" or "[::1]:9101".
std::string to_text(const endpoint& where);

} // namespace troupe::topology
