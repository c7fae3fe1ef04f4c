#include "runtime/strangler/share.hpp"

#include <charconv>
#include <fmt/format.h>
#include <span>

namespace troupe::strangler {

namespace {

std::optional<std::uint32_t> parse_digits(std::string_view text) {
  std::uint32_t value = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, code] = std::from_chars(text.data(), end, value);
  return text.empty() || code != std::errc{} || stop != end ? std::nullopt : std::optional{value};
}

} // namespace

std::optional<std::uint32_t> parse_share(std::string_view text) {
  if (text == "off" || text == "on") {
    return text == "on" ? wire::share_max : 0;
  }
  if (!text.ends_with('%')) {
    return std::nullopt;
  }
  text.remove_suffix(1);
  const std::size_t point = text.find('.');
  const auto whole = parse_digits(text.substr(0, point));
  std::uint32_t hundredths = 0;
  if (point != std::string_view::npos) {
    const std::string_view digits = text.substr(point + 1);
    const auto fraction = digits.size() <= 2 ? parse_digits(digits) : std::nullopt;
    if (!fraction) {
      return std::nullopt;
    }
    hundredths = digits.size() == 1 ? *fraction * 10 : *fraction;
  }
  if (!whole || *whole > 100 || *whole * 100 + hundredths > wire::share_max) {
    return std::nullopt;
  }
  return *whole * 100 + hundredths;
}

std::string share_text(std::uint32_t share) {
  const std::uint32_t rest = share % 100;
  if (rest == 0) {
    return fmt::format("{}%", share / 100);
  }
  return rest % 10 == 0 ? fmt::format("{}.{}%", share / 100, rest / 10)
                        : fmt::format("{}.{:02}%", share / 100, rest);
}

std::optional<side> side_named(std::string_view word) {
  if (word == name_of(side::legacy)) {
    return side::legacy;
  }
  return word == name_of(side::modern) ? std::optional{side::modern} : std::nullopt;
}

std::string_view name_of(side which) {
  return which == side::legacy ? "legacy" : "modern";
}

side choose(std::uint32_t share, std::string_view feature, std::optional<std::string_view> key) {
  if (share == 0 || share >= wire::share_max) {
    return share == 0 ? side::legacy : side::modern;
  }
  if (!key) {
    return side::legacy;
  }
  const std::string both = fmt::format("{}:{}", feature, *key);
  const std::uint64_t place = digest_of(std::as_bytes(std::span{both.data(), both.size()}));
  return place % wire::share_max < share ? side::modern : side::legacy;
}

} // namespace troupe::strangler
