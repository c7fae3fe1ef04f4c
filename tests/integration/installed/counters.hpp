#pragma once

#include "runtime/actor/registry.hpp"
#include "runtime/saga/definition.hpp"
#include "runtime/wire/operation.hpp"

#include <cstdint>
#include <string>

namespace counters {

/// `counters.add`, undone by `counters.take`: so much is added to a counter, once for each id.
struct amount {
  troupe::uuid of;
  std::string counter;
  std::int64_t much = 0;
};

TROUPE_MESSAGE(amount, of, counter, much)

/// `counters.get`, and what it answers.
struct counted {
  std::string counter;
  std::int64_t much = 0;
};

TROUPE_MESSAGE(counted, counter, much)

troupe::actor_type counter();

/// `moves.move`: takes from one counter what it adds to the other.
struct wish {
  std::string from;
  std::string to;
  std::int64_t much = 0;
};

TROUPE_MESSAGE(wish, from, to, much)

troupe::saga::definition move();

} // namespace counters
