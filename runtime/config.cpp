#include "runtime/config.hpp"

#include "runtime/contains.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <fmt/format.h>
#include <utility>

namespace troupe {

namespace {

// A longer word is not a misspelt key.
constexpr std::size_t word_bytes_max = 64;

/// Insertions, deletions, substitutions and swaps of neighbours that turn `from` into `to`, two
/// words of `word_bytes_max` bytes at most; `most` + 1 if these are more than `most`.
/// @source Damerau 1964, in the "optimal string alignment" form (no edit inside a swap), within the
/// band of Ukkonen 1985: beyond `most` places off the diagonal nothing can come back.
std::size_t edit_distance(std::string_view from, std::string_view to, std::size_t most) {
  const std::size_t too_many = most + 1;
  if (std::max(from.size(), to.size()) - std::min(from.size(), to.size()) > most) {
    return too_many;
  }
  using row = std::array<std::size_t, word_bytes_max + 1>;
  std::array<row, 3> rows;
  for (row& each : rows) {
    each.fill(too_many);
  }
  row* before_last = &rows[0];
  row* last = &rows[1];
  row* next = &rows[2];
  for (std::size_t j = 0; j <= std::min(most, to.size()); ++j) {
    (*last)[j] = j;
  }
  std::size_t least_before = 0;
  for (std::size_t i = 1; i <= from.size(); ++i) {
    const std::size_t begin = i > most ? i - most : 1;
    const std::size_t end = std::min(to.size(), i + most);
    (*next)[begin - 1] = begin == 1 ? std::min(i, too_many) : too_many;
    std::size_t least = (*next)[begin - 1];
    for (std::size_t j = begin; j <= end; ++j) {
      const std::size_t cost = from[i - 1] == to[j - 1] ? 0 : 1;
      std::size_t edits =
          std::min({(*last)[j] + 1, (*next)[j - 1] + 1, (*last)[j - 1] + cost, too_many});
      if (i > 1 && j > 1 && from[i - 1] == to[j - 2] && from[i - 2] == to[j - 1]) {
        edits = std::min(edits, (*before_last)[j - 2] + 1);
      }
      (*next)[j] = edits;
      least = std::min(least, edits);
    }
    if (end < to.size()) {
      (*next)[end + 1] = too_many;
    }
    if (least > most && least_before > most) {
      return too_many; // A swap looks back two rows.
    }
    least_before = least;
    row* const oldest = std::exchange(before_last, last);
    last = std::exchange(next, oldest);
  }
  return std::min((*last)[to.size()], too_many);
}

/// Splits "250ms" into 250 and "ms"; nothing if there is no number in front or it is too large.
std::optional<std::pair<std::uint64_t, std::string_view>> split_unit(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (code != std::errc{}) {
    return std::nullopt;
  }
  return std::pair{number, text.substr(static_cast<std::size_t>(end - text.data()))};
}

struct unit {
  std::string_view name;
  std::uint64_t factor;
};

constexpr std::array duration_units{
    unit{"d", 86'400'000},
    unit{"h", 3'600'000},
    unit{"m", 60'000},
    unit{"s", 1'000},
    unit{"ms", 1},
};

constexpr std::array size_units{
    unit{"GiB", 1U << 30U},
    unit{"MiB", 1U << 20U},
    unit{"KiB", 1U << 10U},
    unit{"", 1},
};

template <std::size_t N>
std::optional<std::uint64_t> in_units(std::string_view text, const std::array<unit, N>& units) {
  // Far above any sensible value, and low enough that sums of a few never overflow.
  constexpr std::uint64_t most = 1ULL << 60U;
  const auto parts = split_unit(text);
  if (!parts) {
    return std::nullopt;
  }
  for (const unit& each : units) {
    if (parts->second == each.name) {
      return parts->first <= most / each.factor ? std::optional{parts->first * each.factor}
                                                : std::nullopt;
    }
  }
  return std::nullopt;
}

template <class Number>
std::optional<Number> parse_number(std::string_view text) {
  Number number{};
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (code != std::errc{} || end != text.data() + text.size()) {
    return std::nullopt;
  }
  return number;
}

std::string_view kind_text(config_tree::kind kind) {
  switch (kind) {
  case config_tree::kind::null:
    return "empty";
  case config_tree::kind::scalar:
    return "a single value";
  case config_tree::kind::list:
    return "a list";
  case config_tree::kind::map:
    return "a map";
  }
  return "unreadable";
}

bool is_all_digits(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

/// The advice to add the unit that makes `digits` an allowed duration; nothing if none does.
std::optional<std::string> with_unit(
    const std::string& digits, std::chrono::milliseconds least, std::chrono::milliseconds most) {
  for (const auto* unit : {"s", "m", "h", "d", "ms"}) {
    const auto duration = parse_duration(digits + unit);
    if (duration && *duration >= least && *duration <= most) {
      return fmt::format("add a unit, such as {}{}", digits, unit);
    }
  }
  return std::nullopt;
}

} // namespace

const config_tree* config_tree::find(std::string_view key) const {
  for (const entry& each : entries) {
    if (each.key == key) {
      return &each.value;
    }
  }
  return nullptr;
}

std::string did_you_mean(std::string_view word, const std::vector<std::string>& candidates) {
  if (word.empty() || word.size() > word_bytes_max) {
    return {};
  }
  // At most one edit per three letters, and three in all: beyond that a suggestion is a guess.
  std::size_t closest = std::clamp<std::size_t>(word.size() / 3, 1, 3);
  std::vector<std::string_view> found;
  for (const std::string& candidate : candidates) {
    if (candidate.size() > word_bytes_max || candidate == word) {
      continue;
    }
    const std::size_t distance = edit_distance(word, candidate, closest);
    // A word of which every letter would change is not close, however short.
    if (distance > closest || distance >= std::max(word.size(), candidate.size())) {
      continue;
    }
    if (distance < closest) {
      closest = distance;
      found.clear();
    }
    if (!contains(found, candidate)) {
      found.push_back(candidate);
    }
  }
  if (found.empty()) {
    return {};
  }
  return fmt::format(", did you mean `{}`?", fmt::join(found, "` or `"));
}

bool has_idle_zero(std::string_view number) {
  const std::string_view digits = number.substr(number.starts_with('-') ? 1 : 0);
  return digits.size() > 1 && digits[0] == '0' && digits[1] >= '0' && digits[1] <= '9';
}

std::optional<std::chrono::milliseconds> parse_duration(std::string_view text) {
  const auto millis = in_units(text, duration_units);
  if (!millis) {
    return std::nullopt;
  }
  return std::chrono::milliseconds{static_cast<std::int64_t>(*millis)};
}

std::optional<std::uint64_t> parse_size(std::string_view text) {
  return in_units(text, size_units);
}

std::string duration_text(std::chrono::milliseconds duration) {
  const std::int64_t millis = duration.count();
  for (const unit& each : duration_units) {
    const auto factor = static_cast<std::int64_t>(each.factor);
    if (millis != 0 && millis % factor == 0) {
      return fmt::format("{}{}", millis / factor, each.name);
    }
  }
  return fmt::format("{}ms", millis);
}

std::string size_text(std::uint64_t bytes) {
  for (const unit& each : size_units) {
    // A size that would be rounded up to 1024.0 of a unit is 1.0 of the next.
    if (bytes < each.factor - each.factor / 20'480 || each.factor == 1) {
      continue;
    }
    if (bytes % each.factor == 0) {
      return fmt::format("{}{}", bytes / each.factor, each.name);
    }
    return fmt::format(
        "{:.1f}{}", static_cast<double>(bytes) / static_cast<double>(each.factor), each.name);
  }
  return fmt::format("{} bytes", bytes);
}

config_reader::config_reader(const config_tree& map, std::string what, std::vector<fault>& faults)
    : map_{map}, what_{std::move(what)}, faults_{faults} {
  if (map.is == config_tree::kind::scalar || map.is == config_tree::kind::list) {
    faults_.push_back(
        {map.at,
         fmt::format("{} is {}, not a map", what_, kind_text(map.is)),
         "write its keys as `key: value`"});
  }
}

std::optional<std::string> config_reader::text(std::string_view key) {
  const std::string* scalar = scalar_of(key, "write a single value");
  return scalar == nullptr ? std::nullopt : std::optional{*scalar};
}

std::optional<std::int64_t>
config_reader::integer(std::string_view key, std::int64_t least, std::int64_t most) {
  const std::string remedy = fmt::format("write a whole number from {} to {}", least, most);
  const std::string* scalar = scalar_of(key, remedy);
  if (scalar == nullptr) {
    return std::nullopt;
  }
  const auto number = parse_number<std::int64_t>(*scalar);
  if (!number || *number < least || *number > most || has_idle_zero(*scalar)) {
    add_fault(
        key,
        fmt::format("is `{}`", *scalar),
        remedy + (has_idle_zero(*scalar) ? ", without a zero in front" : ""));
    return std::nullopt;
  }
  return number;
}

std::optional<double> config_reader::number(std::string_view key, double least, double most) {
  const std::string remedy = fmt::format("write a number from {} to {}", least, most);
  const std::string* scalar = scalar_of(key, remedy);
  if (scalar == nullptr) {
    return std::nullopt;
  }
  const auto number = parse_number<double>(*scalar);
  if (!number || !std::isfinite(*number) || *number < least || *number > most) {
    add_fault(key, fmt::format("is `{}`", *scalar), remedy);
    return std::nullopt;
  }
  return number;
}

std::optional<bool> config_reader::boolean(std::string_view key) {
  const std::string* scalar = scalar_of(key, "write true or false");
  if (scalar == nullptr) {
    return std::nullopt;
  }
  if (*scalar != "true" && *scalar != "false") {
    add_fault(key, fmt::format("is `{}`", *scalar), "write true or false");
    return std::nullopt;
  }
  return *scalar == "true";
}

std::optional<std::chrono::milliseconds> config_reader::duration(
    std::string_view key, std::chrono::milliseconds least, std::chrono::milliseconds most) {
  std::string remedy =
      fmt::format("write a duration from {} to {}", duration_text(least), duration_text(most));
  const std::string* scalar = scalar_of(key, remedy);
  if (scalar == nullptr) {
    return std::nullopt;
  }
  const auto duration = parse_duration(*scalar);
  if (!duration && is_all_digits(*scalar)) {
    add_fault(
        key,
        fmt::format("is `{}`, a duration without unit", *scalar),
        with_unit(*scalar, least, most).value_or(remedy));
    return std::nullopt;
  }
  if (!duration) {
    add_fault(
        key,
        fmt::format("is `{}`, which is no duration", *scalar),
        remedy + ", as a whole number and one of ms, s, m, h, d");
    return std::nullopt;
  }
  if (*duration < least || *duration > most) {
    add_fault(key, fmt::format("is `{}`", *scalar), std::move(remedy));
    return std::nullopt;
  }
  return duration;
}

std::optional<std::uint64_t>
config_reader::size(std::string_view key, std::uint64_t least, std::uint64_t most) {
  const std::string remedy = fmt::format(
      "write a size from {} to {}, in bytes or with KiB, MiB or GiB",
      size_text(least),
      size_text(most));
  const std::string* scalar = scalar_of(key, remedy);
  if (scalar == nullptr) {
    return std::nullopt;
  }
  const auto size = parse_size(*scalar);
  if (!size || *size < least || *size > most) {
    add_fault(key, fmt::format("is `{}`", *scalar), remedy);
    return std::nullopt;
  }
  return size;
}

std::optional<std::vector<std::string>> config_reader::texts(std::string_view key) {
  const config_tree* value = value_of(key);
  if (value == nullptr) {
    return std::nullopt;
  }
  if (value->is != config_tree::kind::list) {
    add_fault(
        key,
        fmt::format("is {}, not a list", kind_text(value->is)),
        "write a list, such as [a, b]");
    return std::nullopt;
  }
  std::vector<std::string> all;
  bool readable = true;
  for (const config_tree& item : value->items) {
    if (item.is != config_tree::kind::scalar) {
      faults_.push_back(
          {item.at,
           fmt::format("an item of `{}` of {} is {}", key, what_, kind_text(item.is)),
           "write a single value"});
      readable = false;
      continue;
    }
    all.push_back(item.text);
  }
  return readable ? std::optional{std::move(all)} : std::nullopt;
}

const config_tree* config_reader::tree(std::string_view key) {
  return value_of(key);
}

void config_reader::require(std::string_view key, std::string_view remedy) {
  known_.emplace_back(key);
  if (map_.find(key) == nullptr) {
    faults_.push_back({map_.at, fmt::format("{} has no `{}`", what_, key), std::string{remedy}});
  }
}

void config_reader::add_fault(std::string_view key, std::string what, std::string remedy) {
  faults_.push_back(
      {position_of(key), fmt::format("`{}` of {} {}", key, what_, what), std::move(remedy)});
}

void config_reader::finish() {
  std::ranges::sort(known_);
  known_.erase(std::unique(known_.begin(), known_.end()), known_.end());
  for (const config_tree::entry& each : map_.entries) {
    if (std::ranges::binary_search(known_, each.key)) {
      continue;
    }
    // Without the ", " of ", did you mean ...", since here it is the whole remedy.
    const std::string suggestion = did_you_mean(each.key, known_);
    std::string remedy = "remove it";
    if (!suggestion.empty()) {
      remedy = suggestion.substr(2);
    } else if (!known_.empty()) {
      remedy = fmt::format("the keys here are {}", fmt::join(known_, ", "));
    }
    faults_.push_back(
        {each.at, fmt::format("unknown key `{}` in {}", each.key, what_), std::move(remedy)});
  }
}

file_position config_reader::position_of(std::string_view key) const {
  const config_tree* value = map_.find(key);
  return value == nullptr ? map_.at : value->at;
}

const config_tree* config_reader::value_of(std::string_view key) {
  known_.emplace_back(key);
  return map_.find(key);
}

const std::string* config_reader::scalar_of(std::string_view key, std::string_view remedy) {
  const config_tree* value = value_of(key);
  if (value == nullptr) {
    return nullptr;
  }
  if (value->is != config_tree::kind::scalar) {
    add_fault(key, fmt::format("is {}", kind_text(value->is)), std::string{remedy});
    return nullptr;
  }
  return &value->text;
}

} // namespace troupe
