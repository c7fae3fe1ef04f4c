#pragma once

#include "runtime/wire/message.hpp"

#include <string>

namespace troupe::echo {

/// The request and the answer of `echo` and `say`.
struct said {
  std::string payload;
};

TROUPE_MESSAGE(said, payload)

} // namespace troupe::echo
