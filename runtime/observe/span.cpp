#include "runtime/observe/span.hpp"

#include "runtime/observe/span_names.hpp"
#include "runtime/wire/check.hpp"

#include <algorithm>
#include <cstring>
#include <fmt/format.h>

namespace troupe::observe {

namespace {

/// At most the first `bytes_max` bytes of `text`, cut at a character's end and before a zero byte.
std::string_view cut(std::string_view text, std::size_t bytes_max) {
  text = text.substr(0, text.find('\0'));
  if (text.size() <= bytes_max) {
    return text;
  }
  std::size_t end = bytes_max;
  while (end != 0 && (static_cast<unsigned char>(text[end]) & 0xc0U) == 0x80) {
    --end;
  }
  return text.substr(0, end);
}

} // namespace

std::string_view name_of(span_kind kind) {
  switch (kind) {
  case span_kind::internal:
    return "internal";
  case span_kind::server:
    return "server";
  case span_kind::client:
    return "client";
  case span_kind::producer:
    return "producer";
  case span_kind::consumer:
    return "consumer";
  }
  return "internal";
}

void span::set_name(std::string_view name, std::string_view state) {
  text_bytes = 0;
  name = cut(name, name_bytes_max);
  // A collector refuses a whole batch if one name is not UTF-8.
  (void)append(wire::is_utf8(name) ? name : "unreadable name");
  (void)append(
      state.size() <= state_bytes_max && wire::is_utf8(state) ? cut(state, state_bytes_max) : "");
}

bool span::note(std::string_view key, std::string_view value) {
  key = cut(key, key_bytes_max);
  value = cut(value, value_bytes_max);
  if (key.empty() || !wire::is_utf8(key) || !wire::is_utf8(value)
      || text_bytes + key.size() + value.size() + 2 > text.size()) {
    return false;
  }
  return append(key) && append(value);
}

void span::note_or_count(std::string_view key, std::string_view value) {
  // Key and number of the count, with a zero byte after each.
  constexpr std::size_t count_bytes = names::notes_lost.size() + 1 + 3 + 1;
  const auto before = text;
  const std::uint16_t bytes_before = text_bytes;
  remove(cut(key, key_bytes_max));
  if (note(key, value) && text_bytes + count_bytes <= text.size()) {
    return;
  }
  text = before;
  text_bytes = bytes_before;
  if (notes_lost != 255) {
    ++notes_lost;
  }
}

void span::note_lost() {
  if (notes_lost != 0) {
    (void)note(names::notes_lost, fmt::to_string(notes_lost));
  }
}

std::string_view span::part_at(std::size_t at) const {
  at = std::min<std::size_t>(at, text_bytes);
  return {text.data() + at, ::strnlen(text.data() + at, text_bytes - at)};
}

std::string_view span::name() const {
  return part_at(0);
}

std::string_view span::state() const {
  return part_at(name().size() + 1);
}

void span::for_each_note(
    const std::function<void(std::string_view key, std::string_view value)>& each) const {
  for (std::size_t at = name().size() + state().size() + 2; at < text_bytes;) {
    const std::string_view key = part_at(at);
    at = std::min<std::size_t>(at + key.size() + 1, text_bytes);
    const std::string_view value = part_at(at);
    at += value.size() + 1;
    each(key, value);
  }
}

void span::remove(std::string_view key) {
  for (std::size_t at = name().size() + state().size() + 2; at < text_bytes;) {
    const std::string_view found = part_at(at);
    const std::size_t value_at = at + found.size() + 1;
    const std::size_t end =
        std::min<std::size_t>(value_at + part_at(value_at).size() + 1, text_bytes);
    if (found == key) {
      std::copy(text.data() + end, text.data() + text_bytes, text.data() + at);
      text_bytes = static_cast<std::uint16_t>(text_bytes - (end - at));
      return;
    }
    at = end;
  }
}

bool span::append(std::string_view part) {
  if (text_bytes + part.size() + 1 > text.size()) {
    return false;
  }
  std::ranges::copy(part, text.begin() + text_bytes);
  text[text_bytes + part.size()] = '\0';
  text_bytes = static_cast<std::uint16_t>(text_bytes + part.size() + 1);
  return true;
}

} // namespace troupe::observe
