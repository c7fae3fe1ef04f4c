#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace troupe::http {

/// Why a request is not answered as asked.
/// @source RFC 9457; `type` is about:blank, and so `title` is the phrase of the status.
struct problem {
  /// 400 to 599.
  int status = 500;
  /// A word for programs: "malformed_target".
  std::string code;
  /// For a person: what was wrong, and what to do. Contains no secrets.
  std::string detail;
  /// Further facts for programs. Texts and numbers; a name used above is left out.
  std::vector<std::pair<std::string, std::string>> texts{};
  std::vector<std::pair<std::string, std::int64_t>> numbers{};

  bool operator==(const problem&) const = default;
};

inline constexpr std::string_view problem_type = "application/problem+json";

/// The JSON object of `what`. Bytes that are not UTF-8 become U+FFFD.
std::string to_json(const problem& what);

/// The phrase of a status ("Not Found"); "Unknown" for one that no RFC names.
/// @source RFC 9110, 15; RFC 6585.
std::string_view phrase_of(int status);

} // namespace troupe::http
