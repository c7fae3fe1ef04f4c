#include "runtime/wire/departure.hpp"

#include "runtime/wire/check.hpp"
#include "runtime/wire/error_map.hpp"
#include "runtime/wire/events.hpp"

#include <fmt/format.h>

namespace troupe::wire {

namespace {

std::string words_of(const departure& made) {
  return made.name.empty() ? std::string{made.what} : fmt::format("{} `{}`", made.what, made.name);
}

failure does_not_fit(
    std::string_view part,
    const departure& of,
    std::size_t bytes,
    std::size_t most,
    const char* how) {
  error why = invalid(fmt::format(
      "the {} of {} has {} bytes; {} are allowed{}", part, words_of(of), bytes, most, how));
  why.details = {
      {"part", std::string{part}},
      {"bytes", fmt::to_string(bytes)},
      {"bytes_max", fmt::to_string(most)}};
  return failure{std::move(why)};
}

bool is_text(std::string_view text, std::size_t most) {
  return text.empty() || (text.size() <= most && is_utf8(text));
}

bool is_name(std::string_view text) {
  return !text.empty() && is_text(text, name_bytes_max);
}

/// The error for a part that is not text of `least` to `most` bytes.
failure is_no_text(
    std::string_view part,
    const departure& of,
    std::string_view text,
    std::size_t least,
    std::size_t most) {
  if (text.size() > most) {
    return does_not_fit(part, of, text.size(), most, "");
  }
  if (text.size() < least) {
    return does_not_fit(part, of, text.size(), most, ", and 1 is the least");
  }
  error why = invalid(fmt::format("the {} of {} is not UTF-8", part, words_of(of)));
  why.details = {{"part", std::string{part}}};
  return failure{std::move(why)};
}

} // namespace

outcome<void> check_departure(const departure& made, std::size_t body_max) {
  if (made.to && !is_name(*made.to)) {
    return is_no_text("capability", made, *made.to, 1, name_bytes_max);
  }
  if (made.op && !is_name(*made.op)) {
    return is_no_text("operation", made, *made.op, 1, name_bytes_max);
  }
  if (made.topic && !is_topic(*made.topic)) {
    return failure{invalid(fmt::format(
        "`{}` is no topic: {} has 1 to {} bytes of a-z, 0-9, `_` and `.`, no empty part between "
        "dots",
        travelling(*made.topic, 2 * name_bytes_max),
        words_of(made),
        name_bytes_max))};
  }
  if (!is_text(made.key, key_bytes_max)) {
    return is_no_text("key", made, made.key, 0, key_bytes_max);
  }
  if (made.topic && has_nul(made.key)) {
    error why = invalid(fmt::format(
        "the key of {} has a NUL, which not every database keeps in a text", words_of(made)));
    why.details = {{"part", "key"}};
    return failure{std::move(why)};
  }
  if (!is_text(made.traceparent, key_bytes_max)) {
    return is_no_text("traceparent", made, made.traceparent, 0, key_bytes_max);
  }
  if (made.body_bytes > body_max) {
    return does_not_fit(
        "body", made, made.body_bytes, body_max, " (`limits: {body: ...}` of the topology)");
  }
  return {};
}

} // namespace troupe::wire
