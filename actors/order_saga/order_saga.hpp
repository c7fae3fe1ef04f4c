#pragma once

#include "runtime/saga/definition.hpp"

namespace troupe::order_saga {

/// The saga `place`: takes an order from the customer's wish to a paid and confirmed order, or back
/// to nothing.
saga::definition place();

} // namespace troupe::order_saga
