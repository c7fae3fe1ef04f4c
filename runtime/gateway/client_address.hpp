#pragma once

#include "runtime/http/request.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::gateway {

/// An IP address in its one form ("::1" for "0:0::1"), or nothing if `text` is none. An IPv4
/// address that was mapped into IPv6 is the IPv4 address.
std::optional<std::string> normal_address(std::string_view text);

/// The address of the client that sent a request: the peer, or whom it speaks for if it is a proxy
/// that is trusted.
///
/// X-Forwarded-For is read from its end, where the nearest proxy wrote whom it heard: the first
/// address that is no trusted proxy is the client. What stands in front of it is the client's own
/// word. An entry that is no address (perhaps with a port) ends the search at the proxy that wrote
/// it. Pure.
///
/// @param proxies normal addresses.
std::string client_address(const http::request& asked, const std::vector<std::string>& proxies);

/// Whether the peer that sent a request is one of `proxies`.
bool is_of_proxy(const http::request& asked, const std::vector<std::string>& proxies);

/// Whether the client came over TLS: as the peer's connection or, if the peer is a proxy that is
/// trusted, as the last X-Forwarded-Proto says, which the nearest proxy wrote. Pure.
bool client_uses_tls(const http::request& asked, const std::vector<std::string>& proxies);

} // namespace troupe::gateway
