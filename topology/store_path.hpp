#pragma once

#include "runtime/config.hpp"
#include "runtime/ids.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace troupe::topology {

/// The schema of the journal of events, in a database on a server.
inline constexpr std::string_view journal_schema = "troupe_journal";

/// The name by which commands know the journal, beside capabilities by theirs.
inline constexpr std::string_view journal_name = "journal";

/// The fault of a capability's name that no schema may have, or that Troupe needs for another one;
/// empty if it may have one.
std::string fault_of_schema(std::string_view name);

/// What is wrong with the value of a `store` key, if anything; the caller sets `at`.
std::optional<fault> check_store(std::string_view store);

/// A message that `what` is wrong with `store`. It quotes the store, unless that is a URL, which
/// may contain a password.
std::string told_of_store(std::string_view store, std::string_view what);

/// Whether a store is a PostgreSQL database, in which each capability has the schema of its name,
/// and no file of this machine.
bool is_on_server(std::string_view store);

/// The path in "sqlite:data/orders.db".
std::string path_in(std::string_view store);

/// The fault of a store on a server where a file is required, if it is one.
std::optional<fault> check_is_file(std::string_view store, std::string_view example);

/// The database of `capability` for a `store` such as "sqlite:data/{capability}.db" or
/// "postgresql://h1,h2/shop", which stays as it is; nothing for "none".
///
/// @param store has passed `check_store`.
/// @param folder where relative paths start; "" is the current folder.
std::optional<std::string>
store_for(std::string_view store, const capability_name& capability, const std::string& folder);

} // namespace troupe::topology
