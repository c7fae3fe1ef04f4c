/* For LD_PRELOAD: each fsync and fdatasync takes SLOW_FLUSH_US microseconds more, as on a disk
 * whose flush is slower than this one's. */
#define _GNU_SOURCE 1
#include <dlfcn.h>
#include <stdlib.h>
#include <time.h>

static void pause_more(void) {
  const char* text = getenv("SLOW_FLUSH_US");
  const long micros = text == NULL ? 0 : atol(text);
  const struct timespec pause = {micros / 1000000, micros % 1000000 * 1000};
  clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, NULL);
}

int fsync(int file) {
  static int (*real)(int);
  if (real == NULL) {
    *(void**)&real = dlsym(RTLD_NEXT, "fsync");
  }
  pause_more();
  return real(file);
}

int fdatasync(int file) {
  static int (*real)(int);
  if (real == NULL) {
    *(void**)&real = dlsym(RTLD_NEXT, "fdatasync");
  }
  pause_more();
  return real(file);
}
