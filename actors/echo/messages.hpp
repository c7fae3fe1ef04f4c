#pragma once

#include "runtime/wire/message.hpp"

#include <string>

namespace troupe::echo {

/// `echo`: question and answer alike.
struct said {
  std::string payload;
};

TROUPE_MESSAGE(said, payload)

} // namespace troupe::echo
