#pragma once

#include "runtime/outcome.hpp"
#include "runtime/transport/context.hpp"
#include "runtime/transport/curve_keys.hpp"

#include <string>

namespace troupe::transport {

/// Connects to a secured socket with a new key, and returns whether it was accepted.
/// @param key of that socket.
/// @errors `internal`: neither happened within 5 s.
outcome<bool>
let_in_as_stranger(context& zmq, const std::string& endpoint, const curve_public_key& key);

} // namespace troupe::transport
