#include "runtime/transport/context.hpp"

#include <zmq.hpp>

#include <cstdlib>
#include <stdexcept>
#include <sys/random.h>

namespace troupe::transport {

context::context() : zmq_{std::make_unique<zmq::context_t>(1)} {
  // libzmq draws the routing ids a ROUTER makes from rand(): whoever guesses the next one can abort
  // the process, so they must not be the same in each run.
  unsigned seed = 0;
  if (::getrandom(&seed, sizeof seed, 0) != sizeof seed) {
    throw std::runtime_error{"getrandom: the system gave no random bytes"};
  }
  std::srand(seed);
}

context::~context() = default;

} // namespace troupe::transport
