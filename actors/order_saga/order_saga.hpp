#pragma once

#include "runtime/saga/definition.hpp"

namespace troupe::order_saga {

/// The saga `place`: from the customer's request to a paid and confirmed order, or back to nothing.
saga::definition place();

} // namespace troupe::order_saga
