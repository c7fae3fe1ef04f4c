#pragma once

#include "runtime/store/database.hpp"

#include <cstddef>
#include <libpq-fe.h>
#include <string>
#include <string_view>

namespace troupe::store {

/// The part of a statement that an error shows: enough to find it in the source.
inline constexpr std::size_t sql_shown_max = 300;

/// The kind of error that an SQLSTATE stands for.
/// @source PostgreSQL documentation, appendix A, "PostgreSQL Error Codes".
database_fault fault_of_state(std::string_view sqlstate);

/// The error that a failed result reports, with the statement that it belongs to. It is `away` if
/// the server says that it ends the connection (severity FATAL or PANIC), or libpq made the error:
/// then nothing says how the statement ended.
database_error postgres_failure(const PGresult* failed, std::string_view sql);

/// What libpq or the server said, which may have several lines, as a part of one.
std::string without_line_ends(std::string text);

/// An SQLSTATE as a number, for database_error::native_code: its five characters as digits of base
/// 36.
int native_code_of(std::string_view state);

/// The SQLSTATE of a failed result; empty if libpq made the error itself.
std::string_view state_of(const PGresult* failed);

} // namespace troupe::store
