#pragma once

#include <cstdint>
#include <string>

namespace troupe {

/// Whether a word is a UTC time or a duration; a `word_check`.
std::string check_moment(const std::string& word);

/// Whether a duration counts back from now or forward.
enum class side_of_now : std::uint8_t { before, behind };

/// The time that a word of `check_moment` means, in milliseconds since 1970: a UTC time, or a
/// duration before or after now.
std::int64_t moment_of(const std::string& word, side_of_now side);

/// "2026-11-24T08:01:00Z": a time in milliseconds since 1970, without its fraction of a second.
std::string second_text(std::int64_t millis);

} // namespace troupe
