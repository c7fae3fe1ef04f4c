#pragma once

#include "runtime/store/database.hpp"

namespace troupe::store {

/// Whether a fault can be caused by one message alone, so that the others of its turn can be
/// committed without it. Other faults meet every writer.
inline bool is_of_one_message(database_fault fault) {
  return fault == database_fault::constraint || fault == database_fault::schema
         || fault == database_fault::other;
}

} // namespace troupe::store
