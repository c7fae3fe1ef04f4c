#include "runtime/transport/wake.hpp"

#include <cerrno>
#include <sys/eventfd.h>
#include <system_error>
#include <unistd.h>

namespace troupe::transport {

wake::wake() : fd_{::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)} {
  if (fd_ < 0) {
    throw std::system_error{errno, std::generic_category(), "eventfd"};
  }
}

wake::~wake() {
  ::close(fd_);
}

void wake::ring() noexcept {
  if (!rung_.exchange(true)) {
    (void)::eventfd_write(
        fd_, 1); // Fails only when the counter is full, which one ring cannot cause.
  }
}

void wake::clear() noexcept {
  if (rung_.load()) {
    eventfd_t count = 0;
    (void)::eventfd_read(fd_, &count);
    rung_.store(false);
  }
}

} // namespace troupe::transport
