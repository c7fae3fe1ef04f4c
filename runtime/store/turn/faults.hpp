#pragma once

#include "runtime/store/database.hpp"

namespace troupe::store {

/// Whether a fault can be caused by a single message, so that the others of its turn can be
/// committed without it. Other faults affect every writer.
inline bool is_of_one_message(database_fault fault) {
  return fault == database_fault::constraint || fault == database_fault::schema
         || fault == database_fault::too_long || fault == database_fault::other;
}

/// Whether the current message alone can have caused an error. A late error of a session belongs to
/// an earlier message: it is passed on to the turn.
inline bool is_of_message_at_hand(const database_error& error) {
  return is_of_one_message(error.kind) && !error.of_message;
}

} // namespace troupe::store
