#include "runtime/observe/trace_context.hpp"

#include "runtime/wire/check.hpp"
#include "runtime/wire/limits.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <vector>

namespace troupe::observe {

namespace {

constexpr std::size_t parent_bytes = 55;
constexpr std::size_t long_member = 128;
// Every call of a traced system has such texts, so they are written without a format string.
constexpr std::string_view hex_digits = "0123456789abcdef";

bool is_hex(std::string_view text) {
  return std::ranges::all_of(
      text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

bool is_trace_part(std::string_view text) {
  return is_hex(text) && text.find_first_not_of('0') != std::string_view::npos;
}

/// VERSION-TRACE-SPAN-FLAGS. Later versions may append more after another dash.
bool is_parent(std::string_view value) {
  return value.size() >= parent_bytes && is_hex(value.substr(0, 2)) && value.substr(0, 2) != "ff"
         && value[2] == '-' && is_trace_part(value.substr(3, 32)) && value[35] == '-'
         && is_trace_part(value.substr(36, 16)) && value[52] == '-' && is_hex(value.substr(53, 2))
         && (value.size() == parent_bytes
             || (value.substr(0, 2) != "00" && value[parent_bytes] == '-'));
}

std::uint64_t from_hex(std::string_view digits) {
  std::uint64_t found = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), found, 16);
  return found;
}

uuid trace_from(std::string_view digits) {
  uuid trace;
  for (std::size_t i = 0; i < trace.bytes.size(); ++i) {
    trace.bytes[i] = static_cast<std::byte>(from_hex(digits.substr(2 * i, 2)));
  }
  return trace;
}

/// Only printable ASCII: other characters could break the lines of a protocol or a log.
bool is_state(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c >= ' ' && c <= '~'; });
}

/// The members of `state` that fit, joined by commas.
std::string cut_state(std::string_view state, std::size_t room) {
  std::vector<std::string_view> members;
  std::size_t bytes = 0;
  while (!state.empty()) {
    const std::string_view member = state.substr(0, state.find(','));
    state.remove_prefix(std::min(member.size() + 1, state.size()));
    const std::size_t begin = member.find_first_not_of(' ');
    if (begin != std::string_view::npos) {
      members.push_back(member.substr(begin, member.find_last_not_of(' ') + 1 - begin));
      bytes += members.back().size() + 1;
    }
  }
  if (bytes > room + 1) {
    std::erase_if(members, [](std::string_view each) { return each.size() > long_member; });
  }
  std::string made;
  for (const std::string_view each : members) {
    if (made.size() + each.size() + 1 > room) {
      break;
    }
    made += made.empty() ? "" : ",";
    made += each;
  }
  return made;
}

} // namespace

std::string trace_text(std::string_view traceparent, std::string_view tracestate) {
  if (!is_parent(traceparent)) {
    return {};
  }
  // Only this part of a later version is known, so pass it on as version 00.
  std::string text{"00"};
  text += traceparent.substr(2, parent_bytes - 2);
  if (is_state(tracestate)) {
    const std::string state = cut_state(tracestate, wire::key_bytes_max - parent_bytes - 1);
    text += state.empty() ? "" : " ";
    text += state;
  }
  return text;
}

std::string trace_text(const trace_context& above, std::string_view before) {
  std::string text;
  text.reserve(parent_bytes);
  text += "00-";
  text += hex_of(above.trace);
  text += '-';
  text += hex_of(above.span);
  text += above.is_recorded ? "-01" : "-00";
  if (before.size() > parent_bytes) {
    text += before.substr(parent_bytes);
  }
  return text;
}

trace_fields fields_of(std::string_view text) {
  const std::size_t end = text.find(' ');
  return {
      text.substr(0, end),
      end == std::string_view::npos ? std::string_view{} : text.substr(end + 1)};
}

std::optional<trace_context> read_trace(std::string_view text) {
  const std::string_view parent = fields_of(text).traceparent;
  if (!is_parent(parent)) {
    return std::nullopt;
  }
  return trace_context{
      trace_from(parent.substr(3, 32)), from_hex(parent.substr(36, 16)), says_recorded(parent)};
}

std::string hex_of(const uuid& trace) {
  std::string digits;
  digits.reserve(2 * trace.bytes.size());
  for (const std::byte each : trace.bytes) {
    digits += hex_digits[std::to_integer<std::size_t>(each >> 4)];
    digits += hex_digits[std::to_integer<std::size_t>(each & std::byte{15})];
  }
  return digits;
}

std::string hex_of(std::uint64_t span) {
  std::string digits(16, '0');
  for (auto digit = digits.rbegin(); span > 0; span >>= 4U) {
    *digit++ = hex_digits[span & 15U];
  }
  return digits;
}

uuid trace_of(std::string_view text, const uuid& message) {
  const auto read = read_trace(text);
  return read ? read->trace : message;
}

std::optional<uuid> parse_trace_id(std::string_view given) {
  std::string text{given};
  std::transform(text.begin(), text.end(), text.begin(), [](char c) {
    return c >= 'A' && c <= 'F' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  if (text.size() == 32 && is_trace_part(text)) {
    return trace_from(text);
  }
  if (const auto whole = read_trace(text)) {
    return whole->trace;
  }
  return parse_uuid(text);
}

sampling::sampling(double share, bool is_always)
    : below_{static_cast<std::uint64_t>(
        std::ldexp(is_always ? 1.0 : std::clamp(share, 0.0, 1.0), 56))},
      is_always_{is_always} {
}

} // namespace troupe::observe
