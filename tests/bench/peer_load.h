/* What the load programs of the peers share: the clock, the times taken, the line of JSON. */
#pragma once
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { body_bytes = 128, paced_per_s = 1000, fetch_max = 1000, patience_ms = 5000 };

/* What is asked: `window` publishes unconfirmed, over `seconds` after a `warm_up`. */
struct load {
  size_t window;
  double seconds;
  double warm_up;
};

static inline void give_up(const char* what, const char* why) {
  fprintf(stderr, "%s: %s\n", what, why);
  exit(1);
}

/* Without exit handlers: libraries' threads still run. */
__attribute__((noreturn)) static inline void leave(void) {
  fflush(stdout);
  _exit(0);
}

static inline uint64_t now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000000U + (uint64_t)t.tv_nsec;
}

static inline void sleep_until(uint64_t ns) {
  const struct timespec t = {(time_t)(ns / 1000000000U), (long)(ns % 1000000000U)};
  clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
}

/* How long each took of those that ended while it was measured. */
struct times {
  uint64_t* took;
  size_t count;
  size_t room;
  uint64_t begin;
  uint64_t end;
};

static inline struct times times_from(const struct load* what, uint64_t now) {
  struct times made = {NULL, 0, 0, now + (uint64_t)(what->warm_up * 1e9), 0};
  made.end = made.begin + (uint64_t)(what->seconds * 1e9);
  return made;
}

static inline void add_time(struct times* to, uint64_t sent, uint64_t now) {
  if (now < to->begin || now >= to->end) {
    return;
  }
  if (to->count == to->room) {
    to->room = to->room == 0 ? 1U << 20U : 2 * to->room;
    to->took = realloc(to->took, to->room * sizeof *to->took);
    if (to->took == NULL) {
      give_up("times", "no memory");
    }
  }
  to->took[to->count++] = now - sent;
}

static inline int by_value(const void* a, const void* b) {
  const uint64_t x = *(const uint64_t*)a;
  const uint64_t y = *(const uint64_t*)b;
  return x < y ? -1 : x > y;
}

static inline void print_times(const char* system, struct times* all, const struct load* what) {
  qsort(all->took, all->count, sizeof *all->took, by_value);
  printf(
      "{\"system\": \"%s\", \"window\": %zu, \"answers\": %zu, \"rate_per_s\": %.1f, "
      "\"p50_us\": %.3f, \"p99_us\": %.3f, \"failures\": 0}\n",
      system, what->window, all->count, (double)all->count / what->seconds,
      all->count ? (double)all->took[all->count / 2] / 1e3 : 0,
      all->count ? (double)all->took[(size_t)((double)all->count * 0.99)] / 1e3 : 0);
  fflush(stdout);
}

static inline void print_flow(
    const char* system, const struct load* what, uint64_t events, uint64_t first, uint64_t done) {
  printf(
      "{\"system\": \"%s\", \"window\": %zu, \"events\": %llu, \"rate_per_s\": %.1f, "
      "\"failures\": 0}\n",
      system, what->window, (unsigned long long)events, (double)events * 1e9 / (double)(done - first));
  fflush(stdout);
}

/* Between the process that publishes and the one that consumes. */
struct shared {
  volatile bool is_ready;
  volatile bool is_all; /* `published` changes no more. */
  volatile uint64_t first_ns;
  volatile uint64_t published;
};

static inline struct shared* share(void) {
  void* made =
      mmap(NULL, sizeof(struct shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (made == MAP_FAILED) {
    give_up("mmap", "no memory");
  }
  return made;
}

/* Client libraries start threads, so each process begins with them after the fork. */
static inline pid_t start(void (*run)(void)) {
  fflush(stdout);
  const pid_t child = fork();
  if (child != 0) {
    return child;
  }
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  run();
  leave();
}

static inline void await_end(pid_t child) {
  int how = 0;
  if (waitpid(child, &how, 0) != child || how != 0) {
    exit(1);
  }
}

static inline void await_ready(const struct shared* with, pid_t child) {
  while (!with->is_ready) {
    if (waitpid(child, NULL, WNOHANG) == child) {
      exit(1);
    }
    usleep(1000);
  }
}
