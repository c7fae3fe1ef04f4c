/* For LD_PRELOAD. Each fsync and fdatasync takes SLOW_FLUSH_US microseconds more, as on a disk whose
 * flush is slower than this one's. With FLUSH_COUNTS, a file, they are counted there: the number of
 * them as a uint64, then a ring of how many nanoseconds each took, as uint32s. */
#define _GNU_SOURCE 1
#include <dlfcn.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum { ring = 65536 };

struct counts {
  _Atomic uint64_t flushes;
  uint32_t nanos[ring];
};

static long more_us;
static struct counts* counts;

__attribute__((constructor)) static void begin(void) {
  const char* more = getenv("SLOW_FLUSH_US");
  const char* path = getenv("FLUSH_COUNTS");
  more_us = more == NULL ? 0 : atol(more);
  if (path == NULL) {
    return;
  }
  const int file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (file < 0 || ftruncate(file, sizeof *counts) != 0) {
    abort();
  }
  void* made = mmap(NULL, sizeof *counts, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  if (made == MAP_FAILED) {
    abort();
  }
  counts = made;
  close(file);
}

static uint64_t now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000000U + (uint64_t)t.tv_nsec;
}

static int flush(const char* name, int (**real)(int), int file) {
  if (*real == NULL) {
    *(void**)real = dlsym(RTLD_NEXT, name);
  }
  const uint64_t began = now_ns();
  if (more_us > 0) {
    const struct timespec pause = {more_us / 1000000, more_us % 1000000 * 1000};
    clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, NULL);
  }
  const int how = (*real)(file);
  if (counts != NULL) {
    counts->nanos[atomic_fetch_add(&counts->flushes, 1) % ring] = (uint32_t)(now_ns() - began);
  }
  return how;
}

int fsync(int file) {
  static int (*real)(int);
  return flush("fsync", &real, file);
}

int fdatasync(int file) {
  static int (*real)(int);
  return flush("fdatasync", &real, file);
}
