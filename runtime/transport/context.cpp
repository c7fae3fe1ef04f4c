#include "runtime/transport/context.hpp"

#include <zmq.hpp>

#include <sys/random.h>

#include <cstdlib>

namespace troupe::transport {

context::context() : zmq_{std::make_unique<zmq::context_t>(1)} {
  // libzmq draws the routing ids a ROUTER makes from rand(): whoever guesses the next one can abort
  // the process, so they must not be the same in each run.
  unsigned seed = 0;
  (void)::getrandom(&seed, sizeof seed, 0);
  std::srand(seed);
}

context::~context() = default;

} // namespace troupe::transport
