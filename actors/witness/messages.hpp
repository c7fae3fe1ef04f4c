#pragma once

#include "runtime/wire/message.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace troupe::witness {

/// What every event is that it sees.
struct sight {
  /// Rises by 1 within each key, so that a checker can tell the order.
  std::int64_t n = 0;
  /// What the handler does with it: "see" (or nothing), "reject", "throw", "crash" (the process,
  /// each time), "fail" (it is unavailable, `times` times, then it sees), "effect".
  std::optional<std::string> act;
  std::optional<std::int64_t> times;
};

TROUPE_MESSAGE(sight, n, act, times)

/// `publish`: `count` events of `topic` with keys `KEY0` ... in turn, from its outbox.
struct publish_sights {
  std::string topic;
  std::string key;
  std::int64_t keys = 1;
  std::int64_t first = 0;
  std::int64_t count = 1;
  /// Not at once but so much later.
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
  /// Where it publishes what it saw, with `.seen` behind; empty: nowhere.
  std::optional<std::string> echo_to;
};

TROUPE_MESSAGE(witness_options, echo_to)

} // namespace troupe::witness
