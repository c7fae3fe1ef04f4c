#pragma once

#include "runtime/clock.hpp"
#include "runtime/ids.hpp"

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::observe {

/// The numbers are those of OTLP. @source opentelemetry-proto, trace.proto, Span.SpanKind.
enum class span_kind : std::uint32_t {
  internal = 1,
  server = 2,
  client = 3,
  producer = 4,
  consumer = 5
};

std::string_view name_of(span_kind kind);

/// Whether the recording of spans is compiled in. A build without it (`TROUPE_SPANS=OFF`) is for
/// measuring its cost when nothing is recorded, not for use.
#ifdef TROUPE_NO_SPANS
inline constexpr bool has_spans = false;
#else
inline constexpr bool has_spans = true;
#endif

/// The duration from which on something has a span although its trace is not recorded.
inline constexpr milliseconds slow_from{1'000};

/// A piece of work in a trace: a plain record of fixed size, so that keeping one allocates nothing.
struct span {
  static constexpr std::size_t text_bytes_max = 512;
  static constexpr std::size_t name_bytes_max = 96;
  static constexpr std::size_t state_bytes_max = 200;
  static constexpr std::size_t key_bytes_max = 40;
  static constexpr std::size_t value_bytes_max = 160;

  uuid trace{};
  std::uint64_t id = 0;
  /// 0: none is above.
  std::uint64_t parent = 0;
  /// Nanoseconds since 1970 (UTC).
  std::int64_t start = 0;
  std::int64_t duration = 0;
  span_kind kind = span_kind::internal;
  bool has_failed = false;
  /// Notes for which there was no room.
  std::uint8_t notes_lost = 0;
  std::uint16_t text_bytes = 0;
  /// The name, the trace's `tracestate`, and behind them keys and values in turn, each ended by a
  /// zero.
  std::array<char, text_bytes_max> text{};

  /// Sets the name and the `tracestate` of the trace; called first.
  /// @param state as `fields_of` gives it; left out if it is longer than a trace's text.
  void set_name(std::string_view name, std::string_view state = {});

  /// Adds a note. Key and value are cut at their bounds.
  /// @return false if there was no room for it: it is left out.
  bool note(std::string_view key, std::string_view value);

  /// Sets a note, in the place of an earlier one of that key, since collectors refuse a batch for a
  /// key that a span has twice. If there is no room for it beside the count of those that are left
  /// out, it is one of these, and an earlier one stays.
  void note_or_count(std::string_view key, std::string_view value);

  /// Notes how many were left out, if any were: the last note of a span.
  void note_lost();

  std::string_view name() const;

  /// The `tracestate` of its trace; empty if that has none.
  std::string_view state() const;

  void for_each_note(
      const std::function<void(std::string_view key, std::string_view value)>& each) const;

private:
  std::string_view part_at(std::size_t at) const;
  void remove(std::string_view key);
  bool append(std::string_view part);
};

/// A span that is under way, and the trace text that all that comes out of it carries.
struct open_span {
  span record;
  std::string context;
  /// The events that it has published, to be told once they are committed. Their times are not set.
  std::vector<span> published{};
};

} // namespace troupe::observe
