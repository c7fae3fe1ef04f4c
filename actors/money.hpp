#pragma once

#include <algorithm>
#include <cstdint>
#include <string_view>

/// The shop's amounts, which its capabilities share: whole cents with a currency, and whole pieces.
///
/// The bounds keep every sum over an order within 64 bits: 32 lines of 1e6 pieces at 1e9 cents are
/// 3.2e16.
namespace troupe::shop {

inline constexpr std::int64_t price_cents_max = 1'000'000'000;
inline constexpr std::int64_t amount_cents_max = 1'000'000'000'000;
inline constexpr std::int64_t quantity_max = 1'000'000;
inline constexpr std::size_t lines_max = 32;
inline constexpr std::size_t sku_bytes_max = 64;

constexpr bool is_price(std::int64_t cents) {
  return cents >= 1 && cents <= price_cents_max;
}

constexpr bool is_amount(std::int64_t cents) {
  return cents >= 1 && cents <= amount_cents_max;
}

constexpr bool is_quantity(std::int64_t pieces) {
  return pieces >= 1 && pieces <= quantity_max;
}

constexpr bool is_sku(std::string_view sku) {
  return !sku.empty() && sku.size() <= sku_bytes_max;
}

/// Whether `code` has the form of ISO 4217: three capital letters. The currency need not exist.
constexpr bool is_currency(std::string_view code) {
  return code.size() == 3 && std::ranges::all_of(code, [](char c) { return c >= 'A' && c <= 'Z'; });
}

} // namespace troupe::shop
