#pragma once

#include "runtime/ids.hpp"
#include "runtime/wire/message.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

// The operation `spans` of `troupe.broker` and `troupe.node.NAME`: the spans of recorded traces
// that the process still has; and `keep_spans` of `troupe.broker`, by which a gateway, which cannot
// be asked, stores its spans there (FORMAT.md, "Brokers and nodes").

namespace troupe::wire {

/// Asks for the spans of one trace or, without it, for the newest ones.
struct get_spans {
  /// 16 bytes.
  std::optional<uuid> trace{};
  /// The shortest duration of the selected spans, in microseconds.
  std::uint64_t slow_us = 0;
  /// The capability whose spans are selected; all if absent.
  std::optional<std::string> capability{};
  /// Spans, 1 to 1,000: the newest.
  std::uint32_t count = 1'000;
};

TROUPE_MESSAGE(get_spans, trace, slow_us, capability, count)

struct told_span {
  uuid trace;
  /// 64 bits each; `parent` 0: none is above.
  std::uint64_t id = 0;
  std::uint64_t parent = 0;
  std::string name;
  /// "internal", "server", "client", "producer", "consumer".
  std::string kind;
  /// Nanoseconds since 1970 (UTC), and nanoseconds.
  std::int64_t start = 0;
  std::int64_t duration = 0;
  bool failed = false;
  std::map<std::string, std::string> notes;
  /// The process of the span, if it is not the one that answers.
  std::optional<std::string> of{};
};

TROUPE_MESSAGE(told_span, trace, id, parent, name, kind, start, duration, failed, notes, of)

/// The answer to `spans`; also the input of `keep_spans`, with at most 256 spans.
struct told_spans {
  /// The broker, node or gateway that answers.
  std::string node;
  std::vector<told_span> spans;
  /// Whether there were more than requested, or than fit into an answer: the oldest are left out.
  bool is_cut = false;
};

TROUPE_MESSAGE(told_spans, node, spans, is_cut)

} // namespace troupe::wire
