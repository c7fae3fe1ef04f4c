#pragma once

#include "runtime/saga/definition.hpp"

namespace troupe::order_saga {

/// `place`: takes an order from the customer's wish to a paid, confirmed order, or back to nothing.
saga::definition place();

} // namespace troupe::order_saga
