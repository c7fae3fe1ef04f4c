#pragma once

#include "runtime/gateway/json_codec.hpp"
#include "runtime/wire/journal_calls.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// Server-sent events. @source https://html.spec.whatwg.org, 9.2, "Server-sent events".

namespace troupe::gateway {

/// The type of the events of some topics.
struct event_type {
  /// A topic, `PREFIX.*` or `*`.
  std::string pattern;
  std::string name;
  types all;
};

/// An event as readers of a stream get it: `id` is its position in the journal, `event` its topic,
/// and `data` its body as JSON, by the type of its topic if one is known.
std::string event_text(const wire::read_event& event, const std::vector<event_type>& known);

/// A notice about the stream itself, which then goes on after `position`.
/// @param data JSON.
std::string notice_text(std::string_view name, std::string_view data, std::uint64_t position);

/// A heartbeat, with the position from which a returning reader goes on. Not shown to pages.
std::string place_text(std::uint64_t position);

/// The position in a field Last-Event-ID; nothing if it has none.
std::optional<std::uint64_t> position_in(std::string_view last_event_id);

} // namespace troupe::gateway
