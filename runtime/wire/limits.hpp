#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace troupe::wire {

/// The version every header carries.
inline constexpr std::uint8_t protocol_version = 1;

inline constexpr std::size_t header_bytes_max = std::size_t{16} * 1024;

/// The default of `limits.body` in a topology.
inline constexpr std::size_t body_bytes_max = std::size_t{1024} * 1024;

/// The least room for messages between Troupe's own programs (logins, assignments, committed
/// events), even if `limits.body`, which bounds calls and answers, is less.
inline constexpr std::size_t control_bytes_max = std::size_t{1024} * 1024;

/// A batch frame is closed once it is larger than this; one large envelope may exceed it.
inline constexpr std::size_t batch_bytes_target = std::size_t{128} * 1024;

/// Room beyond header and body in the largest frame: for length prefixes and earlier envelopes.
inline constexpr std::size_t frame_slack_bytes = batch_bytes_target + 1024U;

/// The largest frame there is, with this `limits.body`.
constexpr std::size_t frame_bytes_max(std::size_t body_max) {
  return std::max(body_max, control_bytes_max) + header_bytes_max + frame_slack_bytes;
}

/// Names and operations are deliberately short: they are compared and hashed on every hop.
inline constexpr std::size_t name_bytes_max = 64;
inline constexpr std::size_t key_bytes_max = 256;

/// Bounds of an error's texts, which are cut so that its header stays below `header_bytes_max`.
inline constexpr std::size_t message_bytes_max = 4096;
inline constexpr std::size_t detail_bytes_max = 2048;
inline constexpr std::size_t details_bytes_max = 8192;
/// Bounds of the name and the reason given with a forced breaker, which appear in logs, tables and
/// refusals.
inline constexpr std::size_t who_bytes_max = 256;
inline constexpr std::size_t why_bytes_max = 1000;

} // namespace troupe::wire
