#pragma once

#include "runtime/clock.hpp"
#include "runtime/http/response.hpp"

#include <string>
#include <string_view>

namespace troupe::http {

/// How the body of an answer is delimited.
enum class body_framing : std::uint8_t {
  /// By Content-Length.
  length,
  /// A stream, in chunks.
  chunked,
  /// A stream to HTTP/1.0: by the end of the connection.
  until_close,
};

/// What an answer's head says in addition to the handler's fields.
struct answer_frame {
  body_framing framing = body_framing::length;
  /// For HEAD: only the head is sent.
  bool omits_body = false;
  bool keeps_alive = false;
  bool is_http_1_0 = false;
};

/// `answer` as bytes. Pure.
///
/// An answer that must not be sent (a status that is none, a field whose name is no token, whose
/// value has CR, LF or another control character, or that is the server's to write) becomes a 500.
/// @source RFC 9110, 5.5 and 6.6.1; RFC 9112, 4 and 6.
std::string written_answer(const response& answer, const answer_frame& how, wall_time now);

/// `part`, which is not empty, as a chunk. @source RFC 9112, 7.1.
std::string chunk_of(std::string_view part);

inline constexpr std::string_view last_chunk = "0\r\n\r\n";

} // namespace troupe::http
