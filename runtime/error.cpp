#include "runtime/error.hpp"

#include <algorithm>
#include <array>

namespace troupe {

namespace {

constexpr bool yes = true;
constexpr bool no = false;

// Indexed by the number of the code; 0 is no code.
// clang-format off
constexpr std::array<verdict, 14> verdicts{{
    //                    patience counts technical blind kept ends_event
    {"",                    no,    no,    no,       no,   no,  no},
    {"rejected",            no,    no,    no,       no,   yes, yes},
    {"invalid",             no,    no,    no,       no,   no,  yes},
    {"conflict",            no,    no,    no,       no,   yes, yes},
    {"unknown_capability",  no,    no,    no,       yes,  no,  no},
    {"unknown_operation",   no,    no,    no,       yes,  no,  no},
    // Technical: a token that has expired is about to be renewed.
    {"unauthenticated",     no,    no,    yes,      yes,  no,  no},
    {"forbidden",           no,    no,    no,       yes,  yes, yes},
    {"overloaded",          yes,   no,    yes,      yes,  no,  no},
    {"circuit_open",        yes,   no,    yes,      yes,  no,  no},
    {"unavailable",         yes,   no,    yes,      yes,  no,  no},
    {"deadline_exceeded",   no,    yes,   yes,      yes,  no,  no},
    {"crashed",             no,    yes,   yes,      no,   no,  no},
    {"internal",            no,    yes,   yes,      no,   no,  no},
}};
// clang-format on

} // namespace

const verdict& verdict_on(errc code) {
  const auto number = static_cast<std::size_t>(code);
  return number > 0 && number < verdicts.size() ? verdicts[number] : verdicts.back();
}

std::optional<errc> errc_named(std::string_view name) {
  const auto found = std::find_if(
      verdicts.begin() + 1, verdicts.end(), [&](const verdict& each) { return each.name == name; });
  if (found == verdicts.end()) {
    return std::nullopt;
  }
  return static_cast<errc>(found - verdicts.begin());
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
