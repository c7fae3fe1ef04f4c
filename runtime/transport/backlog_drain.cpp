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

void backlog_drain::listens(int listener) {
  const int flags = ::fcntl(listener, F_GETFL);
  listener_ = flags >= 0 && ::fcntl(listener, F_SETFL, flags | O_NONBLOCK) == 0 ? listener : -1;
}

std::size_t backlog_drain::turn_away(std::uint64_t mark) {
  const int lowest_free = open_spare();
  if (lowest_free >= 0) {
    ::close(lowest_free);
    if (static_cast<std::uint64_t>(lowest_free) < mark) {
      return 0; // Descriptors are available again.
    }
  }
  std::size_t count = 0;
  for (; listener_ >= 0 && count < at_once_max; ++count) {
    spare_ = spare_ < 0 ? open_spare() : spare_;
    if (spare_ < 0) {
      break; // Another thread took the last descriptor.
    }
    ::close(spare_);
    const int waiting = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
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
