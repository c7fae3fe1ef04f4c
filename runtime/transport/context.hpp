#pragma once

#include <memory>

namespace zmq {
class context_t;
} // namespace zmq

namespace troupe::transport {

/// The ZeroMQ context of a process: made in main(), ended after every loop has been joined.
///
/// One I/O thread: two cores gain nothing from a second one.
class context {
public:
  context();
  ~context();
  context(const context&) = delete;
  context& operator=(const context&) = delete;

  /// The context of libzmq, for the sources of this folder.
  zmq::context_t& zmq() { return *zmq_; }

private:
  std::unique_ptr<zmq::context_t> zmq_;
};

} // namespace troupe::transport
