#pragma once

#include "runtime/http/fields.hpp"

#include <chrono>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::http {

/// The size limits of a request, and the time limits of its phases. Each time is for the whole
/// phase, so that no peer holds a connection by sending or reading a byte now and then.
struct limits {
  /// The request line with its CRLF. Answered with 414.
  std::size_t request_line_bytes_max = 8 * 1'024;
  /// The request line and all fields, with the empty line. Answered with 431.
  std::size_t head_bytes_max = 16 * 1'024;
  /// Answered with 431.
  std::size_t fields_max = 100;
  /// The content, without its chunk headers. Answered with 413.
  std::size_t body_bytes_max = 1'024 * 1'024;
  /// From the first byte of a request (of the first one: from the connection, TLS handshake and
  /// all) to the end of its head. Answered with 408.
  std::chrono::milliseconds head{10'000};
  /// From the end of the head to the end of the body. Answered with 408.
  std::chrono::milliseconds body{30'000};
  /// From the request to the handler's answer. Answered with 503.
  std::chrono::milliseconds handler{60'000};
  /// From an answer, or from any part of a stream, until the peer has read it. After that the
  /// connection is cut.
  std::chrono::milliseconds write{30'000};
  /// Between two requests of a connection. Then it is closed.
  std::chrono::milliseconds idle{30'000};
  /// From the last answer of a connection until the peer closes it; what it sends is discarded.
  std::chrono::milliseconds farewell{2'000};
  /// What a stream keeps for a peer that reads slowly; or one part, if that is larger.
  std::size_t stream_bytes_max = 256 * 1'024;
};

/// The most connections at once. Those over it get 503 and are closed.
struct connection_limits {
  std::size_t all = 1'024;
  /// Of one address; of one /64 for IPv6.
  std::size_t per_address = 256;
  /// The most content of incomplete bodies, over all connections. One address, or /64, may have as
  /// much as is left for others; more is answered with 503.
  std::size_t bodies_bytes_max = std::size_t{256} * 1'024 * 1'024;
  /// How many may be getting a 503 at once; any more are closed without an answer.
  std::size_t refusals = 16;
  /// File descriptors that are left to the rest of the process.
  std::size_t files_reserved = 64;
};

/// PEM files: the certificate with its chain, and its key, which others must not be able to read.
struct tls_files {
  std::string certificate;
  std::string key;
};

struct server_options {
  /// An address and a port: "127.0.0.1:9101", "[::1]:9101". Port 0 lets the system choose.
  std::string address;
  /// Plain HTTP if absent.
  std::optional<tls_files> tls{};
  /// The names that a request's Host may have, without port; any other is answered with 421. Any
  /// name is right if this is empty, and on HTTP/1.0 none.
  std::vector<std::string> hosts{};
  /// The fields to add to answers that are given before a handler gets the request, by the
  /// request's Origin (empty if there is none): a page of another site may read an answer only if
  /// the answer allows it. Called on the server's thread.
  std::function<field_list(std::string_view origin)> fields_of_refusals{};
  limits request{};
  connection_limits connections{};
};

} // namespace troupe::http
