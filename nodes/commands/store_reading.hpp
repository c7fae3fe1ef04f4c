#pragma once

#include "runtime/outcome.hpp"
#include "runtime/store/database.hpp"

#include <memory>
#include <string>

namespace troupe {

/// Opens the database of `owner` at `store` ("sqlite:data/orders.db", "postgresql://db1/shop") to
/// read it: nothing is made, locked or written.
///
/// @param owner a capability, or the journal as its database names it.
/// @errors of `open_sqlite` and `open_postgres`.
outcome<std::unique_ptr<store::database>>
open_to_read(const std::string& store, const std::string& owner);

/// Whether two places of `owner` are one: the same file, or schemas of one identity, however their
/// server is named. A place that cannot be opened is another one.
bool is_same_place(const std::string& one, const std::string& other, const std::string& owner);

/// A place for people: the path of a file, or "the schema orders at postgresql://db1/shop".
std::string place_text(const std::string& store, const std::string& owner);

} // namespace troupe
