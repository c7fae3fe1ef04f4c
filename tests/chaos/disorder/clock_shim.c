/* A wall clock that a file moves. Preloaded into a process whose TROUPE_CLOCK_FILE names a file of eight
 * bytes: by so many nanoseconds its clock is ahead. The file may change at any time; monotonic clocks stay
 * as they are. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static const volatile int64_t* ahead;

__attribute__((constructor)) static void map_file(void) {
  const char* path = getenv("TROUPE_CLOCK_FILE");
  if (path == NULL) {
    return;
  }
  const int file = open(path, O_RDONLY | O_CLOEXEC);
  void* mapped = file < 0 ? MAP_FAILED : mmap(NULL, sizeof *ahead, PROT_READ, MAP_SHARED, file, 0);
  if (mapped == MAP_FAILED) {
    abort(); /* A test with the right time would prove nothing. */
  }
  close(file);
  ahead = mapped;
}

static int read_clock(clockid_t which, struct timespec* to) {
  static int (*next)(clockid_t, struct timespec*);
  if (next == NULL) {
    next = (int (*)(clockid_t, struct timespec*))dlsym(RTLD_NEXT, "clock_gettime");
  }
  return next(which, to);
}

int clock_gettime(clockid_t which, struct timespec* to) {
  const int status = read_clock(which, to);
  if (status == 0 && ahead != NULL && (which == CLOCK_REALTIME || which == CLOCK_REALTIME_COARSE)) {
    const int64_t all = to->tv_sec * INT64_C(1000000000) + to->tv_nsec + *ahead;
    to->tv_sec = all / 1000000000;
    to->tv_nsec = all % 1000000000;
  }
  return status;
}

int gettimeofday(struct timeval* restrict to, void* restrict zone) {
  struct timespec now;
  (void)zone;
  const int status = clock_gettime(CLOCK_REALTIME, &now);
  to->tv_sec = now.tv_sec;
  to->tv_usec = now.tv_nsec / 1000;
  return status;
}

time_t time(time_t* to) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  if (to != NULL) {
    *to = now.tv_sec;
  }
  return now.tv_sec;
}
