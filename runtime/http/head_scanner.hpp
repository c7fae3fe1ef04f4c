#pragma once

#include "runtime/http/http_options.hpp"
#include "runtime/http/problem.hpp"

#include <cstddef>
#include <string_view>
#include <tl/expected.hpp>

namespace troupe::http {

/// Finds the end of a request's head as its bytes come in, and refuses bytes that cannot be one as
/// soon as they come. Each byte is looked at once. Pure; a value.
class head_scanner {
public:
  explicit head_scanner(const limits& most) : most_{most} {}

  /// How many bytes to leave out before what `bytes` has is scanned: those of one empty line, if it
  /// begins with that. Some clients end a body with a line more than it has.
  /// @source RFC 9112, 2.2.
  std::size_t pass_over(std::string_view bytes);

  /// Looks at what came since the last call.
  ///
  /// @param bytes all bytes from the head's first on, including those of earlier calls.
  /// @return the number of bytes of the head; 0 until its end has come.
  /// @errors 400: control characters, CR or LF alone, bytes of TLS; 414 and 431: over a limit.
  /// Nothing
  ///         more may be scanned after one.
  /// @source RFC 9112, 2.2: a bare LF could be taken as the end of a line; one reader that does and
  /// one
  ///         that does not see different requests.
  tl::expected<std::size_t, problem> scan(std::string_view bytes);

private:
  /// Skips characters that neither end a line nor reach a limit.
  void pass_ordinary(std::string_view bytes);
  tl::expected<void, problem> see(char letter);
  tl::expected<void, problem> end_line();

  limits most_;
  std::size_t seen_ = 0;
  std::size_t lines_ = 0;
  std::size_t line_bytes_ = 0;
  bool after_cr_ = false;
  bool is_complete_ = false;
  bool has_passed_over_ = false;
};

} // namespace troupe::http
