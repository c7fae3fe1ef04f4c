#pragma once

#include "runtime/http/request.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::gateway {

/// An IP address in its normal form ("::1" for "0:0::1"), or nothing if `text` is not an address.
/// An IPv4 address mapped into IPv6 becomes the IPv4 address.
std::optional<std::string> normal_address(std::string_view text);

/// The address of the client that sent a request: the peer's, or, if the peer is a trusted proxy,
/// that of the client it forwards for.
///
/// X-Forwarded-For is read from its end, where the nearest proxy wrote the address it heard from:
/// the first address that is not a trusted proxy is the client. Entries before it come from the
/// client itself. An entry that is not an address (perhaps with a port) ends the search at the
/// proxy that wrote it. Pure.
///
/// @param proxies normal addresses.
std::string client_address(const http::request& asked, const std::vector<std::string>& proxies);

/// Whether the peer that sent a request is one of `proxies`.
bool is_of_proxy(const http::request& asked, const std::vector<std::string>& proxies);

/// Whether the client came over TLS: by the peer's connection or, if the peer is a trusted proxy,
/// by the last X-Forwarded-Proto, which the nearest proxy wrote. Pure.
bool client_uses_tls(const http::request& asked, const std::vector<std::string>& proxies);

} // namespace troupe::gateway
