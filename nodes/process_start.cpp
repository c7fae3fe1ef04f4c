#include "nodes/process_start.hpp"

#include <csignal>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace troupe {

namespace {

constexpr mode_t others = 027;

} // namespace

void begin_process(lost_reader reader) {
  for (int each = STDIN_FILENO; each <= STDERR_FILENO; ++each) {
    if (::fcntl(each, F_GETFD) < 0) {
      (void)::open("/dev/null", O_RDONLY); // Gets the lowest number that is free.
    }
  }
  if (reader == lost_reader::fails_the_write) {
    (void)std::signal(SIGPIPE, SIG_IGN);
  }
  (void)std::signal(SIGXFSZ, SIG_IGN);
  ::umask(::umask(0) | others);
}

} // namespace troupe
