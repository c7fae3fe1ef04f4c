#include "runtime/store/database.hpp"

namespace troupe::store {

std::string_view name_of(database_fault fault) {
  switch (fault) {
  case database_fault::constraint:
    return "constraint";
  case database_fault::full:
    return "full";
  case database_fault::busy:
    return "busy";
  case database_fault::too_long:
    return "too_long";
  case database_fault::corrupt:
    return "corrupt";
  case database_fault::io:
    return "io";
  case database_fault::fsync:
    return "fsync";
  case database_fault::away:
    return "away";
  case database_fault::unknown:
    return "unknown";
  case database_fault::schema:
    return "schema";
  case database_fault::other:
    break;
  }
  return "other";
}

error database_error::to_error() const {
  error found{.code = errc::internal, .message = what()};
  switch (kind) {
  case database_fault::constraint:
    found.code = errc::conflict;
    break;
  case database_fault::full:
    // Space is freed by an operator or by retention, and neither is fast.
    found.code = errc::unavailable;
    found.retry_after = std::chrono::milliseconds{1000};
    break;
  case database_fault::busy:
    found.code = errc::unavailable;
    found.retry_after = std::chrono::milliseconds{50};
    break;
  case database_fault::too_long:
    found.code = errc::unavailable;
    found.retry_after = std::chrono::milliseconds{1000};
    break;
  case database_fault::unknown:
    found.possible = effect::unknown;
    [[fallthrough]];
  case database_fault::away:
    found.code = errc::unavailable;
    found.retry_after = std::chrono::milliseconds{500};
    break;
  case database_fault::io:
  case database_fault::fsync:
    found.possible = effect::unknown;
    break;
  case database_fault::corrupt:
  case database_fault::schema:
  case database_fault::other:
    break;
  }
  found.details.emplace_back("fault", std::string{name_of(kind)});
  return found;
}

uuid row::id(int column) const {
  const auto found = uuid_from(bytes(column));
  if (!found) {
    throw database_error{
        database_fault::schema, "column " + std::to_string(column) + " holds no 16-byte id"};
  }
  return *found;
}

} // namespace troupe::store
