#pragma once

#include "runtime/contract/difference.hpp"
#include "runtime/contract/interaction.hpp"

#include <string>
#include <utility>
#include <vector>

namespace troupe::contract {

/// A request as it came.
struct actual_request {
  std::string method;
  /// The path, still escaped.
  std::string path;
  std::vector<std::pair<std::string, std::string>> query{};
  /// Names in lower case.
  std::vector<std::pair<std::string, std::string>> fields{};
  std::string body{};
};

/// A response as it came.
struct actual_response {
  int status = 0;
  /// Names in lower case.
  std::vector<std::pair<std::string, std::string>> fields{};
  std::string body{};
};

/// A message as it came.
struct actual_message {
  std::string type = "application/json";
  std::string contents;
  json metadata = json::object();
};

/// The differences of a consumer's request from what it said it would be. Parameters and members of
/// the body that were not spoken of are differences; other fields are not.
differences compare(const http_request& expected, const actual_request& actual);

/// The differences of a provider's response from what the consumer relies on. More fields and
/// members do no harm.
differences compare(const http_response& expected, const actual_response& actual);

/// The differences of a message from what its consumer relies on.
/// @param more whether more members do harm: not in what a consumer gets.
differences
compare(const message& expected, const actual_message& actual, bool more_does_harm = false);

} // namespace troupe::contract
