#pragma once

#include "runtime/ids.hpp"
#include "runtime/observe/span.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace troupe::observe {

/// A place in a trace: the trace, the span that is above, and whether spans are recorded.
struct trace_context {
  /// 16 bytes that need not be a UUID; zeros for none.
  uuid trace{};
  /// 0 at the root.
  std::uint64_t span = 0;
  bool is_recorded = false;
};

// A trace travels, and is stored, as one text of at most 256 bytes: the value of `traceparent`, and
// behind a blank that of `tracestate`, if there is one. Only HTTP has two fields for it.

/// The text of the two fields of a request; empty if `traceparent` is none that can be passed on.
/// Parts of `tracestate` for which there is no room are left out: members of over 128 bytes first,
/// then the last ones.
/// @source W3C Trace Context, 3.2, 3.3.1.5 and 4.3.
std::string trace_text(std::string_view traceparent, std::string_view tracestate = {});

/// The text for what happens below `above`, with the `tracestate` in the text `before`.
std::string trace_text(const trace_context& above, std::string_view before = {});

/// The two fields in a text; empty for what is not there.
struct trace_fields {
  std::string_view traceparent;
  std::string_view tracestate;
};

trace_fields fields_of(std::string_view text);

/// The place that a text names; nothing if it is no such text.
std::optional<trace_context> read_trace(std::string_view text);

/// Whether the spans of the trace with this text are recorded, as its caller said; of a text that
/// `read_trace` takes.
inline bool says_recorded(std::string_view text) {
  constexpr std::size_t last_of_flags = 54;
  return text.size() > last_of_flags
         && ((text[last_of_flags] <= '9' ? text[last_of_flags] : text[last_of_flags] + 9) & 1) != 0;
}

/// "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7".
std::string hex_of(const uuid& trace);
std::string hex_of(std::uint64_t span);

/// The id of the trace of a message: what its text says, or its own id if it has none: the one that
/// handles it begins a trace under that.
uuid trace_of(std::string_view text, const uuid& message);

/// A trace as a person gives it: 32 hexadecimal digits, an id with dashes, or a whole
/// `traceparent`.
std::optional<uuid> parse_trace_id(std::string_view text);

/// The share of the traces that begin here whose spans are recorded. The same trace gets the same
/// answer everywhere, since it follows from its id alone.
/// @source W3C Trace Context level 2, 3.2.2.3: the last 7 bytes of a trace id are random.
class sampling {
public:
  sampling() = default;

  /// @param share 0 to 1.
  /// @param is_always everything is recorded, whatever its trace says.
  explicit sampling(double share, bool is_always = false);

  bool is_off() const { return below_ == 0; }

  bool takes(const uuid& trace) const {
    std::uint64_t tail = 0;
    for (std::size_t i = 9; i < trace.bytes.size(); ++i) {
      tail = tail << 8U | std::to_integer<std::uint64_t>(trace.bytes[i]);
    }
    return tail < below_;
  }

  /// Whether spans are recorded of a message with the trace `text`, which has the id `message`: as
  /// its trace says or, if it has none, by this share.
  bool takes(std::string_view text, const uuid& message) const {
    return has_spans && (text.empty() ? takes(message) : is_always_ || says_recorded(text));
  }

private:
  std::uint64_t below_ = 0;
  bool is_always_ = false;
};

/// The span that a message without a trace begins: that of its handler; spans of others about the
/// message have it as parent.
inline trace_context root_of(const uuid& message) {
  std::uint64_t span = 0;
  for (std::size_t i = 8; i < message.bytes.size(); ++i) {
    span = span << 8U | std::to_integer<std::uint64_t>(message.bytes[i]);
  }
  return {message, span == 0 ? 1 : span, true};
}

/// The number of a saga's span. It follows from the saga's id, so that whoever ends the saga has
/// it; the call that began the saga has the same id, and a span of its own (`root_of`).
inline std::uint64_t span_of_saga(const uuid& saga) {
  constexpr std::uint64_t apart = 0x5361'6761'5361'6761;
  const std::uint64_t span = root_of(saga).span ^ apart;
  return span == 0 ? 1 : span;
}

} // namespace troupe::observe
