#pragma once

#include "runtime/wire/limits.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <fmt/format.h>
#include <string>
#include <string_view>

namespace troupe::broker {

// A peer that takes smaller frames than it is sent cuts its link (ZMQ_MAXMSGSIZE), logs in anew,
// and would be sent the same again. ZeroMQ says of no link why it ended: the largest message in
// hand is what cut it, if that happens again and again as soon as the same process has logged in.

/// A body above this makes a frame larger than those that every peer has to take.
inline constexpr std::size_t cutting_bytes_least = wire::control_bytes_max;
/// A link that ends so soon after its login.
inline constexpr std::chrono::seconds cut_within{1};
/// After so many such ends the message is not sent again.
inline constexpr std::uint8_t cuts_convicted = 3;

/// Why a message is set aside. @param what "call" or "event".
inline std::string cut_words(std::string_view what, std::string_view node, std::size_t bytes) {
  return fmt::format(
      "node {} cut its link each time that it was sent this {} of {} bytes, {} times in a row: it "
      "takes no frames of this size (its ZMQ_MAXMSGSIZE; wire/FORMAT.md, 7, says what it has to "
      "take)",
      node,
      what,
      bytes,
      cuts_convicted);
}

} // namespace troupe::broker
