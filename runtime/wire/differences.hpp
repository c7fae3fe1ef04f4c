#pragma once

#include "runtime/wire/message.hpp"

#include <string>
#include <string_view>
#include <vector>

// Differences between a legacy system and a capability (FORMAT.md, "Flags").

namespace troupe::wire {

/// The topic of differences; the key is the feature.
inline constexpr std::string_view difference_topic = "troupe.differences";

struct answer_difference {
  /// "status", "field NAME", "body", or a JSON pointer into it.
  std::string at;
  std::string what;
};

TROUPE_MESSAGE(answer_difference, at, what)

/// A legacy system and a capability answered the same request differently.
struct answers_differ {
  std::string feature;
  std::string gateway;
  /// "GET /api/invoices/7": without the query.
  std::string request;
  std::vector<answer_difference> differences;
};

TROUPE_MESSAGE(answers_differ, feature, gateway, request, differences)

} // namespace troupe::wire
