#include "runtime/transport/context.hpp"

#include "runtime/random_bits.hpp"

#include <zmq.hpp>

namespace troupe::transport {

context::context() : zmq_{std::make_unique<zmq::context_t>(1)} {
  // libzmq takes the routing ids that a ROUTER assigns from rand(). A peer that guesses the next
  // one can abort the process, so the sequence must differ from run to run.
  std::srand(static_cast<unsigned>(random_bits()));
}

context::~context() = default;

} // namespace troupe::transport
