#include "runtime/transport/backlog_drain.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

namespace troupe::transport {

namespace {

constexpr std::size_t at_once_max = 64;

int open_spare() {
  return ::open("/dev/null", O_RDONLY | O_CLOEXEC);
}

} // namespace

backlog_drain::backlog_drain() : spare_{open_spare()} {
}

backlog_drain::~backlog_drain() {
  if (spare_ >= 0) {
    ::close(spare_);
  }
}

std::size_t backlog_drain::turn_away(int listener) {
  std::size_t count = 0;
  for (; listener >= 0 && count < at_once_max; ++count) {
    spare_ = spare_ < 0 ? open_spare() : spare_;
    if (spare_ < 0) {
      break; // Another thread was faster with the last one.
    }
    ::close(spare_);
    const int waiting = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    if (waiting >= 0) {
      ::close(waiting);
    }
    spare_ = open_spare();
    if (waiting < 0) {
      break;
    }
  }
  return count;
}

} // namespace troupe::transport
