#pragma once

#include <string>

namespace troupe::store {

/// Turns the placeholders $1..$n of `sql` into ?1..?n, which SQLite numbers as PostgreSQL does. ($2
/// is a *name* to SQLite: it would be bound in order of first appearance.) Literals, quoted names
/// and comments are left alone; the length stays the same.
///
/// @return n, the count of parameters. Throws database_error (schema) for a gap, a number outside
/// 1 to 999, or a placeholder of another style.
int rewrite_placeholders(std::string& sql);

} // namespace troupe::store
