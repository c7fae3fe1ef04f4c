#pragma once

#include "runtime/clock.hpp"
#include "runtime/ids.hpp"
#include "runtime/outcome.hpp"

#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace troupe {

/// A call that an effect makes to another capability. Borrowed for the call.
struct capability_call {
  std::string_view capability;
  std::string_view operation;
  /// The request, in MessagePack.
  std::string_view body;
  milliseconds deadline{5'000};
  /// The id of a command, the same for each attempt (`effect_call::key`); nothing for a query.
  std::optional<uuid> id{};
};

/// Calls another capability in the name of the node, and waits for the answer until the deadline.
///
/// Only for effects, as it blocks. In a handler or a constructor it is refused at once
/// (`internal`), since all other work would wait for it, perhaps also the called capability. Any
/// thread. Empty in programs without brokers, such as tests.
/// @errors those of the client (`unavailable`, `deadline_exceeded`), and those of the capability.
using ask_capability = std::function<outcome<std::string>(const capability_call&)>;

} // namespace troupe
