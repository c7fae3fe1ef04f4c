#pragma once

#include "runtime/outcome.hpp"
#include "runtime/store/database.hpp"

#include <memory>
#include <string>

namespace troupe {

/// Opens the database of `owner` at `store` ("sqlite:data/orders.db", "postgresql://db1/shop") for
/// reading: nothing is created, locked or written.
///
/// @param owner a capability, or the journal as its database names it.
/// @errors of `open_sqlite` and `open_postgres`.
outcome<std::unique_ptr<store::database>>
open_to_read(const std::string& store, const std::string& owner);

/// Whether two places of `owner` are the same: the same file, or schemas with the same identity,
/// however their server is named. A place that cannot be opened counts as different.
bool is_same_place(const std::string& one, const std::string& other, const std::string& owner);

/// A place in words: the path of a file, or "the schema orders at postgresql://db1/shop".
std::string place_text(const std::string& store, const std::string& owner);

} // namespace troupe
