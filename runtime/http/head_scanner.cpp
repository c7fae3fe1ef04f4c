#include "runtime/http/head_scanner.hpp"

#include <string>
#include <utility>

namespace troupe::http {

namespace {

tl::unexpected<problem> refused_head(int status, std::string code, std::string detail) {
  return tl::unexpected<problem>{{status, std::move(code), std::move(detail)}};
}

/// The type of a TLS record with a handshake. @source RFC 8446, 5.1.
constexpr char tls_handshake = 0x16;

} // namespace

tl::expected<std::size_t, problem> head_scanner::scan(std::string_view bytes) {
  if (!bytes.empty() && bytes.front() == tls_handshake) {
    return refused_head(400, "tls_on_plain_port", "this port speaks plain HTTP: use http://");
  }
  while (seen_ < bytes.size()) {
    const auto fine = see(bytes[seen_]);
    ++seen_;
    if (!fine) {
      return tl::unexpected<problem>{fine.error()};
    }
    if (is_complete_) {
      return seen_;
    }
    if (seen_ >= most_.head_bytes_max) {
      return refused_head(
          431,
          "head_too_large",
          "a request's head may have " + std::to_string(most_.head_bytes_max) + " bytes");
    }
  }
  return 0;
}

tl::expected<void, problem> head_scanner::see(char letter) {
  const auto byte = static_cast<unsigned char>(letter);
  if (after_cr_ != (letter == '\n')) {
    return refused_head(
        400, "malformed_head", "a line of the head ends with something else than CRLF");
  }
  if (letter == '\n') {
    return end_line();
  }
  if (letter == '\r') {
    after_cr_ = true;
    return {};
  }
  if ((byte < 0x20 && letter != '\t') || byte == 0x7f) {
    return refused_head(400, "malformed_head", "the head has a control character");
  }
  ++line_bytes_;
  if (lines_ == 0 && line_bytes_ + 2 > most_.request_line_bytes_max) {
    return refused_head(
        414,
        "target_too_long",
        "a request line may have " + std::to_string(most_.request_line_bytes_max) + " bytes");
  }
  return {};
}

tl::expected<void, problem> head_scanner::end_line() {
  after_cr_ = false;
  if (line_bytes_ == 0) {
    if (lines_ == 0) {
      return refused_head(400, "malformed_head", "the request line is empty");
    }
    is_complete_ = true;
    return {};
  }
  line_bytes_ = 0;
  ++lines_;
  if (lines_ > most_.fields_max + 1) {
    return refused_head(
        431,
        "too_many_fields",
        "a request may have " + std::to_string(most_.fields_max) + " fields");
  }
  return {};
}

} // namespace troupe::http
