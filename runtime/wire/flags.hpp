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

/// The topic that keeps every change of a flag, permanently.
inline constexpr std::string_view flag_topic = "troupe.flags";

/// The unit of a share: hundredths of a percent.
inline constexpr std::uint32_t share_max = 10'000;

/// A person has set a flag. The newest event of the topic contains the values of all flags.
struct flag_change {
  std::string flag;
  /// Shares: how many requests in 10,000 go to the capability. `from` is absent where the flag was
  /// never set.
  std::optional<std::uint32_t> from{};
  std::uint32_t to = 0;
  /// The person, 1 to `who_bytes_max` bytes, and the reason, 1 to `why_bytes_max`.
  std::string who;
  std::string why;
  /// The id of the command that set it: each command is a change of its own.
  uuid request;
  /// The position of the change before; 0 for the first.
  std::uint64_t base = 0;
  /// Each flag that was ever set, with its share after this change.
  std::map<std::string, std::uint32_t> values;
};

TROUPE_MESSAGE(flag_change, flag, from, to, who, why, request, base, values)

/// The id under which a change that follows another one is published: of two that follow the same
/// one, the broker accepts one and refuses the other.
///
/// A broker accepts an id once across all topics. So the id depends on something unknown to those
/// who may publish but not read the flags: otherwise they could use up the ids of all future
/// changes.
/// @param before the `request` of the change before; of the first change the life of the journal.
inline uuid id_of_next_flag_change(const uuid& before) {
  return derived_id(before, flag_topic);
}

} // namespace troupe::wire
