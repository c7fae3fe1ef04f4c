#include "nodes/process_start.hpp"

#include <csignal>
#include <fcntl.h>
#include <malloc.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

namespace troupe {

namespace {

constexpr mode_t others = 027;
// A frame with many calls is allocated by one thread and freed by another, thousands of times a
// second. With glibc's default thresholds (128 KiB) its pages would be returned to the kernel and
// mapped again each time, which takes a quarter of a broker's time.
constexpr int mapped_bytes_least = 1024 * 1024;
constexpr int free_bytes_kept = 4 * 1024 * 1024;

/// Whether this process gets child processes that it did not start: it is the first of a container,
/// is a subreaper, or has child processes already.
bool adopts_children() {
  int is_told = 0;
  siginfo_t any{};
  return ::getpid() == 1 || (::prctl(PR_GET_CHILD_SUBREAPER, &is_told) == 0 && is_told != 0)
         || ::waitid(P_ALL, 0, &any, WEXITED | WNOHANG | WNOWAIT) == 0;
}

/// Makes the kernel reap child processes.
void leave_children_to_the_system() {
  struct sigaction ended {};

  ended.sa_handler = SIG_DFL;
  ended.sa_flags = SA_NOCLDWAIT;
  (void)::sigaction(SIGCHLD, &ended, nullptr);
  while (::waitpid(-1, nullptr, WNOHANG) > 0) { // Those that ended earlier.
  }
}

} // namespace

void ignore_log_signals() {
  (void)std::signal(SIGUSR1, SIG_IGN);
  (void)std::signal(SIGUSR2, SIG_IGN);
}

void begin_process(program_kind kind) {
  for (int each = STDIN_FILENO; each <= STDERR_FILENO; ++each) {
    if (::fcntl(each, F_GETFD) < 0) {
      (void)::open("/dev/null", O_RDONLY); // Gets the lowest free number.
    }
  }
  if (kind == program_kind::node) {
    (void)std::signal(SIGPIPE, SIG_IGN);
    ignore_log_signals();
    if (adopts_children()) {
      leave_children_to_the_system();
    }
  }
  (void)std::signal(SIGXFSZ, SIG_IGN);
  ::umask(::umask(0) | others);
  (void)::mallopt(M_MMAP_THRESHOLD, mapped_bytes_least);
  (void)::mallopt(M_TRIM_THRESHOLD, free_bytes_kept);
}

} // namespace troupe
