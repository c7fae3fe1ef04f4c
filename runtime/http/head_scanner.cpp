#include "runtime/http/head_scanner.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

namespace troupe::http {

namespace {

tl::unexpected<problem> refused_head(int status, std::string code, std::string detail) {
  return tl::unexpected<problem>{{status, std::move(code), std::move(detail)}};
}

/// The type byte of a TLS handshake record.
/// @source RFC 8446, 5.1.
constexpr char tls_handshake = 0x16;

/// Whether a character is allowed in a line of the head in any position. Looked up in a table.
bool is_ordinary(char letter) {
  static constexpr auto letters = [] {
    std::array<bool, 256> allowed{};
    for (std::size_t byte = 0; byte < allowed.size(); ++byte) {
      allowed[byte] = (byte >= 0x20 && byte != 0x7f) || byte == '\t';
    }
    return allowed;
  }();
  return letters[static_cast<unsigned char>(letter)];
}

} // namespace

std::size_t head_scanner::pass_over(std::string_view bytes) {
  constexpr std::string_view empty_line = "\r\n";
  if (has_passed_over_ || !bytes.starts_with(empty_line)) {
    return 0;
  }
  *this = head_scanner{most_}; // The CR may have been scanned already, in a read of its own.
  has_passed_over_ = true;
  return empty_line.size();
}

tl::expected<std::size_t, problem> head_scanner::scan(std::string_view bytes) {
  if (!bytes.empty() && bytes.front() == tls_handshake) {
    return refused_head(400, "tls_on_plain_port", "this port speaks plain HTTP: use http://");
  }
  while (seen_ < bytes.size()) {
    pass_ordinary(bytes);
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

void head_scanner::pass_ordinary(std::string_view bytes) {
  // Leaves at least one character to `see`.
  std::size_t end = std::min(bytes.size(), most_.head_bytes_max) - 1;
  if (lines_ == 0) {
    const std::size_t line_max = most_.request_line_bytes_max - 2;
    end = std::min(end, seen_ + line_max - std::min(line_max, line_bytes_));
  }
  if (after_cr_ || end <= seen_) {
    return;
  }
  const auto* const begins = bytes.data() + seen_;
  const auto* const stops = std::find_if_not(begins, bytes.data() + end, is_ordinary);
  line_bytes_ += static_cast<std::size_t>(stops - begins);
  seen_ += static_cast<std::size_t>(stops - begins);
}

tl::expected<void, problem> head_scanner::see(char letter) {
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
  if (!is_ordinary(letter)) {
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
