#pragma once

#include "runtime/wire/message.hpp"

#include <string_view>

namespace troupe::wire {

/// An operation of a capability with the types of its messages, declared once beside them:
///
/// ```cpp
/// inline constexpr wire::operation<reserve_stock, stock_reserved> reserve{"inventory", "reserve"};
/// ```
///
/// A client calls it (`client::call`), a saga uses it as a step (`saga::calls`), and a trial
/// answers it (`saga_trial::on`), with the types checked by the compiler.
template <message Request, message Reply>
struct operation {
  std::string_view capability;
  std::string_view name;
};

} // namespace troupe::wire
