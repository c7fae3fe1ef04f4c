#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace troupe::bench {

/// The size of every request's body, except for sagas, whose body is an order.
inline constexpr std::size_t body_bytes = 128;

/// `{field: "xxx..."}` of `body_bytes`.
std::string text_body(std::string_view field);

/// For `order_saga.place`: the n-th order of a shop with the stock of `stock_body`.
std::string order_body(std::uint64_t n);

/// For `inventory.load`: more than any benchmark orders.
std::string stock_body();

} // namespace troupe::bench
