#pragma once

#include "runtime/ids.hpp"
#include "runtime/wire/message.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

// The record of flags: events of one topic (FORMAT.md, "Flags").

namespace troupe::wire {

/// The topic that keeps every change of a flag, for good.
inline constexpr std::string_view flag_topic = "troupe.flags";

/// The unit of a share: hundredths of a percent.
inline constexpr std::uint32_t share_max = 10'000;

/// A person has set a flag. The newest event of the topic has the values of all flags.
struct flag_change {
  std::string flag;
  /// Shares: how many requests in 10,000 go to the capability. `from` is absent where the flag was
  /// never set.
  std::optional<std::uint32_t> from{};
  std::uint32_t to = 0;
  /// The person, 1 to `who_bytes_max` bytes, and the reason, 1 to `why_bytes_max`.
  std::string who;
  std::string why;
  /// The command that did it: two commands are never the same change.
  uuid request;
  /// The position of the change before; 0 for the first.
  std::uint64_t base = 0;
  /// Each flag that was ever set, with its share after this change.
  std::map<std::string, std::uint32_t> values;
};

TROUPE_MESSAGE(flag_change, flag, from, to, who, why, request, base, values)

/// The id under which a change is published that follows another: of two that follow the same, the
/// broker takes one and refuses the other.
///
/// A broker takes an id once in all topics. So the id follows from what those cannot know who may
/// publish and not read the flags: else they could take the ids of all changes to come.
/// @param before the `request` of the change before; of the first change the life of the journal.
inline uuid id_of_next_flag_change(const uuid& before) {
  return derived_id(before, flag_topic);
}

} // namespace troupe::wire
