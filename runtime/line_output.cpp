#include "runtime/line_output.hpp"

#include <cerrno>
#include <climits>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

namespace troupe {

line_output::line_output(int descriptor) : descriptor_{descriptor} {
  struct stat about {};

  if (::fstat(descriptor, &about) != 0) {
    return;
  }
  if (S_ISSOCK(about.st_mode)) {
    how_ = way::sending;
  } else if (S_ISFIFO(about.st_mode) || S_ISCHR(about.st_mode)) {
    // O_NONBLOCK belongs to the open file description, which other processes share; a reopened one
    // is ours alone.
    const std::string name = "/proc/self/fd/" + std::to_string(descriptor);
    own_ = ::open(name.c_str(), O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    how_ = own_ < 0 ? way::asking : way::plainly;
  }
}

line_output::~line_output() {
  if (own_ >= 0) {
    ::close(own_);
  }
}

bool line_output::write(std::string_view line) {
  if (!rest_.empty()) {
    rest_.erase(0, put(rest_));
    if (!rest_.empty()) {
      return false;
    }
  }
  const std::size_t taken = put(line);
  if (taken == 0) {
    return line.empty();
  }
  rest_ = line.substr(taken);
  return true;
}

std::size_t line_output::put(std::string_view bytes) {
  const int to = own_ >= 0 ? own_ : descriptor_;
  std::size_t done = 0;
  while (done < bytes.size()) {
    std::string_view next = bytes.substr(done);
    if (how_ == way::asking) {
      pollfd room{to, POLLOUT, 0};
      if (::poll(&room, 1, 0) != 1) {
        return done;
      }
      next = next.substr(0, PIPE_BUF);
    }
    const ssize_t taken = how_ == way::sending
                              ? ::send(to, next.data(), next.size(), MSG_DONTWAIT | MSG_NOSIGNAL)
                              : ::write(to, next.data(), next.size());
    if (taken < 0 && errno == EINTR) {
      continue;
    }
    if (taken <= 0) {
      return done;
    }
    done += static_cast<std::size_t>(taken);
  }
  return done;
}

} // namespace troupe
