#include "runtime/transport/context.hpp"

#include "runtime/random_bits.hpp"

#include <zmq.hpp>

namespace troupe::transport {

context::context() : zmq_{std::make_unique<zmq::context_t>(1)} {
  // libzmq draws the routing ids a ROUTER makes from rand(): whoever guesses the next one can abort
  // the process, so they must not be the same in each run.
  std::srand(static_cast<unsigned>(random_bits()));
}

context::~context() = default;

} // namespace troupe::transport
