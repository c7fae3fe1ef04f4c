#include "runtime/wire/envelope.hpp"

#include "runtime/wire/reader.hpp"
#include "runtime/wire/writer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>

namespace troupe::wire {

namespace {

using namespace std::string_view_literals;

constexpr std::array kinds{
    ""sv, "call"sv, "reply"sv, "hello"sv, "welcome"sv, "ping"sv, "pong"sv, "state"sv, "roster"sv, "bye"sv,
};
constexpr std::array statuses{""sv, "ok"sv, "error"sv, "pending"sv};

template <class Words>
std::size_t index_of(const Words& words, std::string_view word) {
  const auto found = std::find(words.begin() + 1, words.end(), word);
  return found == words.end() ? 0 : static_cast<std::size_t>(found - words.begin());
}

/// Each key a header may have once, as a bit, so that a repeated one is seen.
enum key_bit : std::uint32_t {
  key_v = 1, key_kind = 2, key_id = 4, key_to = 8, key_op = 16, key_key = 32, key_ttl = 64,
  key_traceparent = 128, key_source = 256, key_status = 512, key_error = 1024,
};

struct known_key {
  std::string_view name;
  key_bit bit;
};

constexpr std::array known_keys{
    known_key{"v", key_v},       known_key{"kind", key_kind},     known_key{"id", key_id},
    known_key{"to", key_to},     known_key{"op", key_op},         known_key{"ttl", key_ttl},
    known_key{"key", key_key},   known_key{"status", key_status}, known_key{"error", key_error},
    known_key{"source", key_source}, known_key{"traceparent", key_traceparent},
};

std::uint32_t bit_of(std::string_view key) {
  for (const known_key& known : known_keys) {
    if (known.name == key) {
      return known.bit;
    }
  }
  return 0;
}

bool read_short(reader& values, std::string_view& text, std::size_t bytes_max) {
  return values.read_text(text) && text.size() <= bytes_max;
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

bool read_value(std::uint32_t bit, reader& values, header_view& header, const char* start) {
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
    header.kind = static_cast<kind>(index_of(kinds, word));
    return header.kind != kind::none;
  case key_status:
    if (!values.read_text(word)) {
      return false;
    }
    header.status = static_cast<status>(index_of(statuses, word));
    return header.status != status::none;
  case key_id:
    return read_id(values, header);
  case key_ttl:
    return read_ttl(values, header, start);
  case key_to:
    return read_short(values, header.to, name_bytes_max) && !header.to.empty();
  case key_op:
    return read_short(values, header.op, name_bytes_max) && !header.op.empty();
  case key_key:
    return read_short(values, header.key, key_bytes_max);
  case key_source:
    return read_short(values, header.source, key_bytes_max);
  case key_traceparent:
    return read_short(values, header.traceparent, key_bytes_max);
  case key_error:
    return values.peek() == value_type::map && values.read_raw(header.error);
  default:
    return values.skip();
  }
}

/// The keys a kind cannot do without.
std::uint32_t required_keys(kind kind) {
  switch (kind) {
  case kind::call:
    return key_v | key_kind | key_id | key_to | key_op | key_ttl;
  case kind::reply:
    return key_v | key_kind | key_id | key_status;
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

outcome<void> scan_entries(
    reader& values, std::uint32_t entries, const char* start, header_view& header) {
  std::uint32_t seen = 0;
  for (std::uint32_t i = 0; i < entries; ++i) {
    std::string_view key;
    if (!values.read_text(key)) {
      return failure{invalid("header: a key is not text, or the header is cut off")};
    }
    const std::uint32_t bit = bit_of(key);
    if ((seen & bit) != 0) {
      return failure{invalid(fmt::format("header: the key `{}` comes twice", key))};
    }
    seen |= bit;
    if (!read_value(bit, values, header, start)) {
      return failure{bit == 0 ? invalid("header: malformed or cut off")
                              : invalid(fmt::format("header: the value of `{}` is not valid", key))};
    }
  }
  const std::uint32_t required = required_keys(header.kind);
  if ((seen & required) != required) {
    return failure{missing(required & ~seen)};
  }
  return {};
}

void text_entry(writer& out, std::string_view key, std::string_view value) {
  out.text(key);
  out.text(value);
}

void id_entry(writer& out, const uuid& id) {
  out.text("id");
  out.binary({reinterpret_cast<const char*>(id.bytes.data()), id.bytes.size()});
}

void start_header(writer& out, std::uint32_t entries, kind kind) {
  out.map(entries);
  out.text("v");
  out.unsigned_integer(protocol_version);
  text_entry(out, "kind", name_of(kind));
}

} // namespace

std::string_view name_of(kind kind) {
  return kinds.at(static_cast<std::size_t>(kind));
}

outcome<header_view> scan_header(std::string_view bytes, header_view* partial) {
  if (bytes.size() > header_bytes_max) {
    return failure{invalid(fmt::format(
        "header of {} bytes; {} are the limit", bytes.size(), header_bytes_max))};
  }
  header_view header;
  reader values{bytes};
  std::uint32_t entries = 0;
  if (!values.read_map(entries)) {
    return failure{invalid("header: not a MessagePack map")};
  }
  auto scanned = scan_entries(values, entries, bytes.data(), header);
  if (scanned && !values.at_end()) {
    scanned = failure{invalid("header: bytes left over after the map")};
  }
  if (scanned && header.version != protocol_version) {
    scanned = failure{invalid(fmt::format(
        "protocol version {} is not spoken here; use {}", header.version, protocol_version))};
  }
  if (!scanned) {
    if (partial != nullptr) {
      *partial = header;
    }
    return failure{std::move(scanned).error()};
  }
  return header;
}

void append_call_header(std::string& to, const call_header& header) {
  writer out{to};
  const std::uint32_t optional = !header.key.empty() + !header.traceparent.empty() + !header.source.empty();
  start_header(out, 6 + optional, kind::call);
  id_entry(out, header.id);
  text_entry(out, "to", header.to);
  text_entry(out, "op", header.op);
  // Always a uint32, so that each hop can write what is left in place.
  out.text("ttl");
  to += '\xce';
  to.append(4, '\0');
  patch_ttl(to.data(), static_cast<std::uint32_t>(to.size() - 4), header.ttl);
  if (!header.key.empty()) {
    text_entry(out, "key", header.key);
  }
  if (!header.traceparent.empty()) {
    text_entry(out, "traceparent", header.traceparent);
  }
  if (!header.source.empty()) {
    text_entry(out, "source", header.source);
  }
}

void append_reply_header(std::string& to, const uuid& id, status status) {
  writer out{to};
  start_header(out, 4, kind::reply);
  id_entry(out, id);
  text_entry(out, "status", statuses.at(static_cast<std::size_t>(status)));
}

void append_error_header(std::string& to, const uuid& id, const error& error) {
  writer out{to};
  start_header(out, 5, kind::reply);
  id_entry(out, id);
  text_entry(out, "status", "error");
  out.text("error");
  append_error(to, error);
}

void append_plain_header(std::string& to, kind kind) {
  writer out{to};
  start_header(out, 2, kind);
}

void patch_ttl(char* header, std::uint32_t ttl_at, std::uint32_t ttl) {
  header[ttl_at] = static_cast<char>(ttl >> 24U);
  header[ttl_at + 1] = static_cast<char>(ttl >> 16U);
  header[ttl_at + 2] = static_cast<char>(ttl >> 8U);
  header[ttl_at + 3] = static_cast<char>(ttl);
}

std::uint32_t ttl_of(instant::duration left) {
  if (left <= instant::duration::zero()) {
    return 0;
  }
  const auto millis = std::chrono::duration_cast<milliseconds>(left).count();
  return static_cast<std::uint32_t>(
      std::clamp<std::int64_t>(millis, 1, std::numeric_limits<std::uint32_t>::max()));
}

void append_error(std::string& to, const error& error) {
  writer out{to};
  out.map(4U + (error.retry_after ? 1U : 0U) + (error.details.empty() ? 0U : 1U));
  text_entry(out, "code", name_of(error.code));
  out.text("number");
  out.unsigned_integer(static_cast<std::uint64_t>(error.code));
  text_entry(out, "message", error.message);
  text_entry(out, "effect", error.possible == effect::none ? "none" : "unknown");
  if (error.retry_after) {
    out.text("retry_after_ms");
    out.integer(error.retry_after->count());
  }
  if (!error.details.empty()) {
    out.text("details");
    out.map(static_cast<std::uint32_t>(error.details.size()));
    for (const auto& [key, value] : error.details) {
      text_entry(out, key, value);
    }
  }
}

outcome<error> read_error(std::string_view bytes) {
  const failure malformed{invalid("the `error` of a reply is malformed")};
  reader values{bytes};
  std::uint32_t entries = 0;
  if (!values.read_map(entries)) {
    return malformed;
  }
  error result;
  result.possible = effect::unknown; // Unless it says otherwise.
  for (std::uint32_t i = 0; i < entries; ++i) {
    std::string_view key;
    std::string_view text;
    std::int64_t number = 0;
    if (!values.read_text(key)) {
      return malformed;
    }
    if (key == "code" && values.read_text(text)) {
      result.code = errc_named(text).value_or(errc::internal);
    } else if (key == "message" && values.read_text(text)) {
      result.message = text;
    } else if (key == "effect" && values.read_text(text)) {
      result.possible = text == "none" ? effect::none : effect::unknown;
    } else if (key == "retry_after_ms" && values.read(number)) {
      result.retry_after = milliseconds{number};
    } else if (std::uint32_t details = 0; key == "details" && values.read_map(details)) {
      for (std::uint32_t j = 0; j < details; ++j) {
        std::string_view name;
        if (!values.read_text(name) || !values.read_text(text)) {
          return malformed;
        }
        result.details.emplace_back(name, text);
      }
    } else if (!values.skip()) {
      return malformed;
    }
  }
  return result;
}

} // namespace troupe::wire
