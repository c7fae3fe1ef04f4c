#pragma once

#include "runtime/config.hpp"
#include "runtime/ids.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace troupe::topology {

/// The fault of the value of a `store` key, if it has one; `at` is left to the caller.
std::optional<fault> check_store(std::string_view store);

/// The database of `capability` for a `store` such as "sqlite:data/{capability}.db"; nothing for
/// "none".
///
/// @param store has passed `check_store`.
/// @param folder where relative paths start; "" is the current folder.
std::optional<std::string>
store_for(std::string_view store, const capability_name& capability, const std::string& folder);

} // namespace troupe::topology
