#pragma once

#include "runtime/contract/interaction.hpp"

namespace troupe::contract {

/// `asked` with what the provider's states answered in the places where the contract asks for it,
/// by generators of the type `ProviderState`. A value that no state answered stays the example's.
///
/// @param values what the states answered, an object: an expression "/users/${id}" has `id` of it,
/// and "${id}" alone has its type too.
http_request with_state_values(http_request asked, const json& values);

} // namespace troupe::contract
