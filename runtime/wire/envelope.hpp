#pragma once

#include "runtime/clock.hpp"
#include "runtime/ids.hpp"
#include "runtime/outcome.hpp"
#include "runtime/wire/error_map.hpp"
#include "runtime/wire/limits.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace troupe::wire {

/// The kind of a message. On the wire it is the word.
enum class kind : std::uint8_t {
  none,
  call,
  reply,
  hello,
  welcome,
  ping,
  pong,
  state,
  roster,
  bye,
  // Messages between workers and the broker that keeps the journal (wire/events.hpp).
  outbox,
  relay,
  confirmed,
  resend,
  assign,
  assigned,
  event,
  handled,
  buried,
};

std::string_view name_of(kind kind);

/// The outcome of a call. On the wire it is the word.
enum class status : std::uint8_t {
  none,
  ok,
  error,
  /// Accepted and durable; the answer follows later. From a worker to a broker only.
  pending,
};

/// A header read in place: views into the frame it was read from, and nothing allocated.
///
/// A key that was absent is an empty view. FORMAT.md says which kind needs which keys.
struct header_view {
  std::uint8_t version = 0;
  wire::kind kind = kind::none;
  wire::status status = status::none;
  bool has_id = false;
  bool has_ttl = false;
  bool has_seq = false;
  uuid id;
  std::string_view to;
  std::string_view op;
  std::string_view key;
  std::string_view traceparent;
  std::string_view source;
  /// The MessagePack map under `error`.
  std::string_view error;
  /// Remaining time in milliseconds.
  std::uint32_t ttl = 0;
  /// The number of a relayed event in its outbox, or the position of a delivered one in the
  /// journal.
  std::uint64_t seq = 0;
  /// The time at which a delivered event was journaled, in milliseconds since 1970 (UTC).
  std::uint64_t time = 0;
  /// Offset in the header of the four bytes of `ttl`; 0 if it is not a uint32 (FORMAT.md, `ttl`).
  std::uint32_t ttl_at = 0;
};

/// Reads a header in place and checks that the keys its kind needs are there.
///
/// Unknown keys are ignored. Text is UTF-8, and within the bounds of limits.hpp.
/// @errors `invalid`: the fault and its key. `partial`, if given, keeps the fields that could be
/// read, such as the id to answer to.
outcome<header_view> scan_header(std::string_view bytes, header_view* partial = nullptr);

/// The header of a call. Borrowed. The caller keeps the bounds of limits.hpp: a receiver refuses a
/// header that breaks them.
struct call_header {
  uuid id;
  std::string_view to;
  std::string_view op;
  std::string_view key{};
  std::uint32_t ttl = 0;
  std::string_view traceparent{};
  std::string_view source{};
};

void append_call_header(std::string& to, const call_header& header);

/// The header of an event on its way into the journal (`relay`) and out of it (`event`). Borrowed.
struct event_header {
  wire::kind kind = wire::kind::event;
  uuid id;
  /// The capability whose outbox a relayed event comes from, or to which an event is delivered.
  std::string_view to;
  std::string_view topic;
  std::string_view key{};
  std::string_view source{};
  std::string_view traceparent{};
  std::uint64_t seq = 0;
  std::uint64_t time = 0;
};

void append_event_header(std::string& to, const event_header& header);

/// `ok` and `pending` replies.
void append_reply_header(std::string& to, const uuid& id, status status);

/// An error reply; its body is empty. Never longer than `header_bytes_max` (see `append_error`).
void append_error_header(std::string& to, const uuid& id, const error& error);

/// Headers of the kinds that carry no more than their kind.
void append_plain_header(std::string& to, kind kind);

/// The same with an id, for a message that is answered.
void append_answered_header(std::string& to, kind kind, const uuid& id);

/// The digest of a request, by which a repeat is told from another request under the same id.
std::uint64_t digest_of_request(std::string_view operation, std::string_view body);

/// Writes `ttl` into the header at `ttl_at`.
void patch_ttl(char* header, std::uint32_t ttl_at, std::uint32_t ttl);

/// The milliseconds of `left`, as a `ttl`: 0 if the time is over, at least 1 otherwise.
std::uint32_t ttl_of(instant::duration left);

} // namespace troupe::wire
