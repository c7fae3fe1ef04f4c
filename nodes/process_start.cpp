#include "nodes/process_start.hpp"

#include <csignal>
#include <fcntl.h>
#include <malloc.h>
#include <sys/stat.h>
#include <unistd.h>

namespace troupe {

namespace {

constexpr mode_t others = 027;
// A frame of many calls is made by one thread and freed by another, thousands of times a second. By
// glibc's own marks (128 KiB) its pages go back to the system and come again each time, which takes
// a broker a quarter of its time.
constexpr int mapped_bytes_least = 1024 * 1024;
constexpr int free_bytes_kept = 4 * 1024 * 1024;

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
  (void)::mallopt(M_MMAP_THRESHOLD, mapped_bytes_least);
  (void)::mallopt(M_TRIM_THRESHOLD, free_bytes_kept);
}

} // namespace troupe
