#include "runtime/wire/envelope.hpp"

#include "runtime/bytes.hpp"
#include "runtime/wire/check.hpp"
#include "runtime/wire/known_header.hpp"
#include "runtime/wire/reader.hpp"
#include "runtime/wire/writer.hpp"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <limits>
#include <span>

namespace troupe::wire {

namespace {

using namespace std::string_view_literals;

constexpr std::array kinds{
    ""sv,       "call"sv,     "reply"sv, "hello"sv,   "welcome"sv, "ping"sv,      "pong"sv,
    "state"sv,  "roster"sv,   "bye"sv,   "outbox"sv,  "relay"sv,   "confirmed"sv, "resend"sv,
    "assign"sv, "assigned"sv, "event"sv, "handled"sv, "buried"sv,
};
constexpr std::array statuses{""sv, "ok"sv, "error"sv, "pending"sv};

template <class Words>
std::size_t index_of(const Words& words, std::string_view word) {
  const auto found = std::find(words.begin() + 1, words.end(), word);
  return found == words.end() ? 0 : static_cast<std::size_t>(found - words.begin());
}

/// One bit per header key, to detect repeated keys.
enum key_bit : std::uint32_t {
  key_v = 1,
  key_kind = 2,
  key_id = 4,
  key_to = 8,
  key_op = 16,
  key_key = 32,
  key_ttl = 64,
  key_traceparent = 128,
  key_source = 256,
  key_status = 512,
  key_error = 1024,
  key_seq = 2048,
  key_time = 4096,
};

struct known_key {
  std::string_view name;
  key_bit bit;
  /// The type required of its value, in words.
  std::string_view wants;
};

constexpr std::array known_keys{
    // The order is known to `place_of_key`.
    known_key{"v", key_v, "an integer from 1 to 255"},
    known_key{"kind", key_kind, "the name of a kind of message"},
    known_key{"id", key_id, "16 bytes (binary, not text)"},
    known_key{"to", key_to, "UTF-8 text of 1 to 64 bytes"},
    known_key{"op", key_op, "UTF-8 text of 1 to 64 bytes"},
    known_key{"ttl", key_ttl, "an integer from 0 to 4294967295"},
    known_key{"key", key_key, "UTF-8 text of at most 256 bytes"},
    known_key{"status", key_status, "ok, error or pending"},
    known_key{"error", key_error, "a map"},
    known_key{"source", key_source, "UTF-8 text of at most 256 bytes"},
    known_key{"traceparent", key_traceparent, "UTF-8 text of at most 256 bytes"},
    known_key{"seq", key_seq, "an integer from 0"},
    known_key{"time", key_time, "an integer from 0"},
};

/// Compares with a word of known length, which the compiler turns into one or two instructions.
template <std::size_t Size>
bool is_word(std::string_view text, const char (&word)[Size]) {
  return text.size() == Size - 1 && std::memcmp(text.data(), word, Size - 1) == 0;
}

/// The index of a key in `known_keys`, or their number if the key is unknown.
///
/// A broker looks up six keys per call, so this switches on the length instead of looping.
std::size_t place_of_key(std::string_view name) {
  switch (name.size()) {
  case 1:
    return name[0] == 'v' ? 0 : known_keys.size();
  case 2:
    return is_word(name, "id")   ? 2
           : is_word(name, "to") ? 3
           : is_word(name, "op") ? 4
                                 : known_keys.size();
  case 3:
    return is_word(name, "ttl")   ? 5
           : is_word(name, "key") ? 6
           : is_word(name, "seq") ? 11
                                  : known_keys.size();
  case 4:
    return is_word(name, "kind") ? 1 : is_word(name, "time") ? 12 : known_keys.size();
  case 5:
    return is_word(name, "error") ? 8 : known_keys.size();
  case 6:
    return is_word(name, "status") ? 7 : is_word(name, "source") ? 9 : known_keys.size();
  case 11:
    return is_word(name, "traceparent") ? 10 : known_keys.size();
  default:
    return known_keys.size();
  }
}

const known_key* find_key(std::string_view name) {
  const std::size_t place = place_of_key(name);
  return place == known_keys.size() ? nullptr : &known_keys[place];
}

bool read_short(reader& values, std::string_view& text, std::size_t bytes_max) {
  std::string_view found;
  if (!values.read_text(found) || found.size() > bytes_max || !is_utf8(found)) {
    return false;
  }
  text = found;
  return true;
}

bool read_name(reader& values, std::string_view& text) {
  return read_short(values, text, name_bytes_max) && !text.empty();
}

bool read_id(reader& values, header_view& header) {
  std::string_view bytes;
  if (!values.read_binary(bytes) || bytes.size() != header.id.bytes.size()) {
    return false;
  }
  std::memcpy(header.id.bytes.data(), bytes.data(), bytes.size());
  header.has_id = true;
  return true;
}

bool read_ttl(reader& values, header_view& header, const char* start) {
  const char* const at = values.position();
  std::uint64_t ttl = 0;
  if (!values.read(ttl) || ttl > std::numeric_limits<std::uint32_t>::max()) {
    return false;
  }
  header.ttl = static_cast<std::uint32_t>(ttl);
  header.has_ttl = true;
  if (static_cast<unsigned char>(*at) == 0xce) {
    header.ttl_at = static_cast<std::uint32_t>(at + 1 - start);
  }
  return true;
}

bool read_value(key_bit bit, reader& values, header_view& header, const char* start) {
  std::string_view word;
  std::uint64_t number = 0;
  switch (bit) {
  case key_v:
    if (!values.read(number) || number == 0 || number > 255) {
      return false;
    }
    header.version = static_cast<std::uint8_t>(number);
    return true;
  case key_kind:
    if (!values.read_text(word)) {
      return false;
    }
    header.kind = is_word(word, "call")    ? kind::call
                  : is_word(word, "reply") ? kind::reply
                                           : static_cast<kind>(index_of(kinds, word));
    return header.kind != kind::none;
  case key_status:
    if (!values.read_text(word)) {
      return false;
    }
    header.status =
        is_word(word, "ok") ? status::ok : static_cast<status>(index_of(statuses, word));
    return header.status != status::none;
  case key_id:
    return read_id(values, header);
  case key_ttl:
    return read_ttl(values, header, start);
  case key_to:
    return read_name(values, header.to);
  case key_op:
    return read_name(values, header.op);
  case key_key:
    return read_short(values, header.key, key_bytes_max);
  case key_source:
    return read_short(values, header.source, key_bytes_max);
  case key_traceparent:
    return read_short(values, header.traceparent, key_bytes_max);
  case key_seq:
    header.has_seq = values.read(header.seq);
    return header.has_seq;
  case key_time:
    return values.read(header.time);
  case key_error:
    return values.peek() == value_type::map && values.read_raw(header.error);
  }
  return false;
}

/// The keys that a message of this kind and status must have.
std::uint32_t required_keys(const header_view& header) {
  switch (header.kind) {
  case kind::call:
    return key_v | key_kind | key_id | key_to | key_op | key_ttl;
  case kind::reply:
    return key_v | key_kind | key_id | key_status
           | (header.status == status::error ? key_error : 0U);
  case kind::relay:
    return key_v | key_kind | key_id | key_to | key_op | key_seq;
  case kind::event:
    return key_v | key_kind | key_id | key_to | key_op | key_seq | key_time;
  default:
    return key_v | key_kind;
  }
}

error missing(std::uint32_t bits) {
  for (const known_key& known : known_keys) {
    if ((bits & known.bit) != 0) {
      return invalid(fmt::format("header: the key `{}` is missing", known.name));
    }
  }
  return internal_error("header: no key is missing");
}

failure cut_off() {
  return failure{invalid("header: malformed or cut off")};
}

/// Reads all entries. A wrong value does not end the scan, since the id that the answer needs may
/// follow it; the first fault is returned at the end. A wrong version takes precedence, since it
/// explains all other faults.
outcome<void>
scan_entries(reader& values, std::uint32_t entries, const char* start, header_view& header) {
  std::uint32_t seen = 0;
  outcome<void> result;
  const auto note = [&](std::string message) {
    if (result) {
      result = failure{invalid(std::move(message))};
    }
  };
  for (std::uint32_t i = 0; i < entries; ++i) {
    std::string_view name;
    if (!values.read_text(name)) {
      return failure{invalid("header: a key is not text, or the header is cut off")};
    }
    const known_key* const key = find_key(name);
    const bool is_repeated = key != nullptr && (seen & key->bit) != 0;
    if (is_repeated) {
      note(fmt::format("header: the key `{}` comes twice", name));
    }
    if (key != nullptr && !is_repeated) {
      seen |= key->bit;
      const reader before = values;
      if (read_value(key->bit, values, header, start)) {
        continue;
      }
      note(fmt::format("header: `{}` must be {}", name, key->wants));
      values = before;
    }
    // Newer senders may add keys.
    if (!values.skip()) {
      return result ? cut_off() : result;
    }
  }
  if (!values.at_end()) {
    note("header: bytes left over after the map");
  }
  if (header.version != 0 && header.version != protocol_version) {
    return failure{invalid(fmt::format(
        "protocol version {} is not spoken here; use {}", header.version, protocol_version))};
  }
  const std::uint32_t lacking = required_keys(header) & ~seen;
  if (result && lacking != 0) {
    return failure{missing(lacking)};
  }
  return result;
}

void id_entry(writer& out, const uuid& id) {
  out.text("id");
  out.binary({reinterpret_cast<const char*>(id.bytes.data()), id.bytes.size()});
}

void start_header(writer& out, std::uint32_t entries, kind kind) {
  out.map(entries);
  out.text("v");
  out.unsigned_integer(protocol_version);
  out.text_entry("kind", name_of(kind));
}

} // namespace

std::string_view name_of(kind kind) {
  return kinds.at(static_cast<std::size_t>(kind));
}

outcome<header_view> scan_header(std::string_view bytes, header_view* partial) {
  if (bytes.size() > header_bytes_max) {
    return failure{invalid(
        fmt::format("header of {} bytes; {} are the limit", bytes.size(), header_bytes_max))};
  }
  if (header_view known; read_known_header(bytes, known)) {
    return known;
  }
  header_view header;
  reader values{bytes};
  std::uint32_t entries = 0;
  if (!values.read_map(entries)) {
    return failure{invalid("header: not a MessagePack map")};
  }
  if (auto scanned = scan_entries(values, entries, bytes.data(), header); !scanned) {
    if (partial != nullptr) {
      *partial = header;
    }
    return failure{std::move(scanned).error()};
  }
  return header;
}

void append_call_header(std::string& to, const call_header& header) {
  writer out{to};
  const std::uint32_t optional =
      !header.key.empty() + !header.traceparent.empty() + !header.source.empty();
  start_header(out, 6 + optional, kind::call);
  id_entry(out, header.id);
  out.text_entry("to", header.to);
  out.text_entry("op", header.op);
  // Written as a uint32 whatever its value, so that each hop can overwrite it with the time left.
  out.text("ttl");
  to += '\xce';
  to.append(4, '\0');
  patch_ttl(to.data(), static_cast<std::uint32_t>(to.size() - 4), header.ttl);
  if (!header.key.empty()) {
    out.text_entry("key", header.key);
  }
  if (!header.traceparent.empty()) {
    out.text_entry("traceparent", header.traceparent);
  }
  if (!header.source.empty()) {
    out.text_entry("source", header.source);
  }
}

void append_event_header(std::string& to, const event_header& header) {
  const std::uint32_t optional = !header.key.empty() + !header.source.empty()
                                 + !header.traceparent.empty() + (header.time != 0);
  to += static_cast<char>(0x80U | (6 + optional)); // The header of a map with up to 15 entries.
  to += header.kind == kind::relay ? relay_start : event_start;
  to.append(reinterpret_cast<const char*>(header.id.bytes.data()), header.id.bytes.size());
  writer out{to};
  out.text_entry("to", header.to);
  out.text_entry("op", header.topic);
  out.text("seq");
  out.unsigned_integer(header.seq);
  if (header.time != 0) {
    out.text("time");
    out.unsigned_integer(header.time);
  }
  if (!header.key.empty()) {
    out.text_entry("key", header.key);
  }
  if (!header.source.empty()) {
    out.text_entry("source", header.source);
  }
  if (!header.traceparent.empty()) {
    out.text_entry("traceparent", header.traceparent);
  }
}

void append_reply_header(std::string& to, const uuid& id, status status) {
  to += '\x84';
  to += reply_start;
  to.append(reinterpret_cast<const char*>(id.bytes.data()), id.bytes.size());
  to += status == wire::status::pending ? pending_end : ok_end;
}

void append_error_header(std::string& to, const uuid& id, const error& error) {
  writer out{to};
  start_header(out, 5, kind::reply);
  id_entry(out, id);
  out.text_entry("status", "error");
  out.text("error");
  append_error(to, error);
}

void append_plain_header(std::string& to, kind kind) {
  writer out{to};
  start_header(out, 2, kind);
}

void append_answered_header(std::string& to, kind kind, const uuid& id) {
  writer out{to};
  start_header(out, 3, kind);
  id_entry(out, id);
}

std::uint64_t digest_of_request(std::string_view operation, std::string_view body) {
  return digest_of(std::as_bytes(std::span{body})) ^ digest_of(std::as_bytes(std::span{operation}));
}

void patch_ttl(char* header, std::uint32_t ttl_at, std::uint32_t ttl) {
  store_big_endian(header + ttl_at, ttl, 4);
}

std::uint32_t ttl_of(instant::duration left) {
  if (left <= instant::duration::zero()) {
    return 0;
  }
  const auto millis = std::chrono::duration_cast<milliseconds>(left).count();
  return static_cast<std::uint32_t>(
      std::clamp<std::int64_t>(millis, 1, std::numeric_limits<std::uint32_t>::max()));
}

} // namespace troupe::wire
