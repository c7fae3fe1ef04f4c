#pragma once

#include "runtime/wire/message.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace troupe::witness {

/// The body of every event.
struct sight {
  /// Rises by 1 within each key, so that a checker can tell the order.
  std::int64_t n = 0;
  /// The handler's act: "see" (the default), "reject", "throw", "crash" (the process, each time),
  /// "fail" (`unavailable` the first `times` times, then "see"), "effect".
  std::optional<std::string> act;
  std::optional<std::int64_t> times;
};

TROUPE_MESSAGE(sight, n, act, times)

/// `publish`: publishes `count` events of `topic` with the keys `KEY0` ... in turn.
struct publish_sights {
  std::string topic;
  std::string key;
  std::int64_t keys = 1;
  std::int64_t first = 0;
  std::int64_t count = 1;
  /// The delay after which they are published.
  std::optional<milliseconds> after;
};

TROUPE_MESSAGE(publish_sights, topic, key, keys, first, count, after)

struct sights_published {
  std::int64_t count = 0;
};

TROUPE_MESSAGE(sights_published, count)

/// `count`.
struct count_sights {};

TROUPE_MESSAGE(count_sights)

struct sight_count {
  std::int64_t count = 0;
};

TROUPE_MESSAGE(sight_count, count)

struct witness_options {
  /// The topic under which each event is published again; absent or empty: not at all.
  std::optional<std::string> echo_to;
};

TROUPE_MESSAGE(witness_options, echo_to)

} // namespace troupe::witness
