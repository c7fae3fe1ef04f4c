#include "runtime/wire/error_map.hpp"

#include "runtime/clock.hpp"
#include "runtime/wire/check.hpp"
#include "runtime/wire/limits.hpp"
#include "runtime/wire/reader.hpp"
#include "runtime/wire/writer.hpp"

#include <algorithm>
#include <limits>

namespace troupe::wire {

namespace {

/// How many `details`, from the first, fit.
std::size_t details_that_fit(const error& error) {
  std::size_t bytes = 0;
  std::size_t count = 0;
  for (const auto& [key, value] : error.details) {
    // The length prefix of a text takes at most five bytes.
    bytes += std::min(key.size(), name_bytes_max) + std::min(value.size(), detail_bytes_max) + 10;
    if (bytes > details_bytes_max) {
      break;
    }
    ++count;
  }
  return count;
}

bool read_utf8(reader& values, std::string_view& text) {
  return values.read_text(text) && is_utf8(text);
}

bool read_details(reader& values, error& to) {
  std::uint32_t count = 0;
  if (!values.read_map(count)) {
    return false;
  }
  for (std::uint32_t i = 0; i < count; ++i) {
    std::string_view name;
    std::string_view text;
    if (!read_utf8(values, name) || !read_utf8(values, text)) {
      return false;
    }
    to.details.emplace_back(name, text);
  }
  return true;
}

bool read_retry_after(reader& values, error& to) {
  std::uint64_t millis = 0;
  if (!values.read(millis)) {
    return false;
  }
  // Cut to 49 days, like `ttl`: a longer wait means the same as forever, and would overflow later.
  to.retry_after =
      milliseconds{std::min<std::uint64_t>(millis, std::numeric_limits<std::uint32_t>::max())};
  return true;
}

/// Reads the value of `key`.
/// @return false if its type is wrong or it is not UTF-8.
bool read_entry(reader& values, std::string_view key, error& to) {
  std::string_view text;
  if (key == "code") {
    if (!values.read_text(text)) {
      return false;
    }
    to.code = errc_named(text).value_or(errc::internal);
    return true;
  }
  if (key == "message") {
    if (!read_utf8(values, text)) {
      return false;
    }
    to.message = text;
    return true;
  }
  if (key == "effect") {
    if (!values.read_text(text)) {
      return false;
    }
    // A word known only to newer senders does not promise that nothing happened.
    to.possible = text == "none" ? effect::none : effect::unknown;
    return true;
  }
  if (key == "retry_after_ms") {
    return read_retry_after(values, to);
  }
  if (key == "details") {
    return read_details(values, to);
  }
  if (key == "final") {
    return values.read(to.is_final);
  }
  return values.skip();
}

} // namespace

std::string travelling(std::string_view text, std::size_t bytes_max) {
  std::string result{text.substr(0, bytes_max)};
  // The cut may have left up to three bytes of an incomplete character.
  for (int i = 0; i < 3 && text.size() > bytes_max && !is_utf8(result); ++i) {
    result.pop_back();
  }
  if (!is_utf8(result)) {
    std::ranges::replace_if(
        result, [](char c) { return (c & 0x80) != 0; }, '?');
  }
  std::ranges::replace(result, '\0', '?');
  return result;
}

void append_error(std::string& to, const error& error) {
  writer out{to};
  const std::size_t details = details_that_fit(error);
  out.map(
      4U + (error.retry_after ? 1U : 0U) + (error.is_final ? 1U : 0U) + (details > 0 ? 1U : 0U));
  out.text_entry("code", name_of(error.code));
  out.text("number");
  out.unsigned_integer(static_cast<std::uint64_t>(error.code));
  out.text_entry("message", travelling(error.message, message_bytes_max));
  out.text_entry("effect", error.possible == effect::none ? "none" : "unknown");
  if (error.retry_after) {
    out.text("retry_after_ms");
    out.integer(std::max<std::int64_t>(error.retry_after->count(), 0));
  }
  if (error.is_final) {
    out.text("final");
    out.boolean(true);
  }
  if (details > 0) {
    out.text("details");
    out.map(static_cast<std::uint32_t>(details));
    for (std::size_t i = 0; i < details; ++i) {
      const auto& [key, value] = error.details[i];
      out.text_entry(travelling(key, name_bytes_max), travelling(value, detail_bytes_max));
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
  result.possible = effect::unknown; // The effect is unknown unless the map says `none`.
  for (std::uint32_t i = 0; i < entries; ++i) {
    std::string_view key;
    if (!values.read_text(key) || !read_entry(values, key, result)) {
      return malformed;
    }
  }
  if (!values.at_end()) {
    return malformed;
  }
  return result;
}

} // namespace troupe::wire
