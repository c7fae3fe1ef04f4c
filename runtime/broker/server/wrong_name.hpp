#pragma once

#include "runtime/error.hpp"
#include "runtime/wire/login.hpp"

#include <optional>
#include <string_view>

namespace troupe::broker {

/// The reason why a peer's name in HELLO is wrong, if links have keys; nothing if it is right.
///
/// A client without a key (`open` of the broker) may use any name: its name gives it neither a
/// right nor a place in the reserve of connections.
/// @param user the owner of its connection's key; empty if it has none.
std::optional<error> wrong_name(const wire::hello& who, std::string_view user);

} // namespace troupe::broker
