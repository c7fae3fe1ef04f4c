#include "tests/bench/bodies.hpp"

#include "actors/inventory/messages.hpp"
#include "actors/order_saga/messages.hpp"
#include "runtime/wire/message.hpp"

#include <fmt/format.h>

namespace troupe::bench {

namespace {

constexpr std::uint64_t products = 50;

std::string sku(std::uint64_t n) {
  return fmt::format("product-{:02}", n % products);
}

} // namespace

std::string text_body(std::string_view field) {
  // map of 1, fixstr, str8: FORMAT.md, section 4.
  const std::size_t rest = body_bytes - 4 - field.size();
  std::string body{'\x81', static_cast<char>(0xa0U | field.size())};
  body += field;
  body += {'\xd9', static_cast<char>(rest)};
  body.append(rest, 'x');
  return body;
}

std::string order_body(std::uint64_t n) {
  order_saga::place_order wish{
      .customer = fmt::format("customer-{:03}", n % 1000),
      .items = {{sku(n), 1}},
      .currency = "EUR",
      .card = "tok_0123456789abcdef"};
  if (n % 2 != 0) {
    wish.items.push_back({sku(n + 7), 2});
  }
  return wire::encoded(wish);
}

std::string stock_body() {
  inventory::load_stock stock;
  for (std::uint64_t n = 0; n < products; ++n) {
    stock.items.push_back({sku(n), 100, "EUR", 1'000'000});
  }
  return wire::encoded(stock);
}

} // namespace troupe::bench
