#include "runtime/error.hpp"

#include <algorithm>
#include <array>

namespace troupe {

namespace {

using namespace std::string_view_literals;

// Indexed by the number; 0 is no code.
constexpr std::array names{
    ""sv,
    "rejected"sv,
    "invalid"sv,
    "conflict"sv,
    "unknown_capability"sv,
    "unknown_operation"sv,
    "unauthenticated"sv,
    "forbidden"sv,
    "overloaded"sv,
    "circuit_open"sv,
    "unavailable"sv,
    "deadline_exceeded"sv,
    "crashed"sv,
    "internal"sv,
};

} // namespace

std::string_view name_of(errc code) {
  const auto number = static_cast<std::size_t>(code);
  return number > 0 && number < names.size() ? names[number] : "internal"sv;
}

std::optional<errc> errc_named(std::string_view name) {
  const auto found = std::find(names.begin() + 1, names.end(), name);
  if (found == names.end()) {
    return std::nullopt;
  }
  return static_cast<errc>(found - names.begin());
}

bool counts_as_failure(errc code) {
  return code == errc::deadline_exceeded || code == errc::crashed || code == errc::internal;
}

std::string_view error::detail(std::string_view key) const {
  for (const auto& [name, value] : details) {
    if (name == key) {
      return value;
    }
  }
  return {};
}

error rejected(std::string reason, std::string message) {
  return {
      .code = errc::rejected,
      .message = std::move(message),
      .details = {{"reason", std::move(reason)}}};
}

error invalid(std::string message) {
  return {.code = errc::invalid, .message = std::move(message)};
}

error internal_error(std::string message, effect possible) {
  return {.code = errc::internal, .possible = possible, .message = std::move(message)};
}

} // namespace troupe
