#include "actors/orders/messages.hpp"

#include "actors/money.hpp"

#include <algorithm>

namespace troupe::orders {

namespace {

constexpr std::size_t customer_bytes_max = 200;

} // namespace

outcome<void> check(const create_order& request) {
  if (request.customer.empty() || request.customer.size() > customer_bytes_max) {
    return failure{invalid("customer: 1 to 200 bytes are wanted")};
  }
  if (!shop::is_currency(request.currency)) {
    return failure{invalid("currency: three capital letters are wanted")};
  }
  if (request.items.empty() || request.items.size() > shop::lines_max) {
    return failure{invalid("items: 1 to 32 are wanted")};
  }
  for (auto each = request.items.begin(); each != request.items.end(); ++each) {
    if (!shop::is_sku(each->sku)) {
      return failure{invalid("sku: 1 to 64 bytes are wanted")};
    }
    if (!shop::is_quantity(each->quantity)) {
      return failure{invalid("quantity of " + each->sku + ": 1 to 1000000 are wanted")};
    }
    if (std::any_of(request.items.begin(), each, [&](const line& earlier) {
          return earlier.sku == each->sku;
        })) {
      return failure{invalid("items: " + each->sku + " comes twice")};
    }
  }
  return {};
}

} // namespace troupe::orders
