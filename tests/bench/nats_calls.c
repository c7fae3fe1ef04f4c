/* NATS request and reply, the peer of troupe-bench's calls: two processes around a nats-server, a
 * 128-byte body, a window of requests outstanding.
 *
 *     nats_calls URL asap|flusher WINDOW SECONDS WARM_UP [CERTIFICATE]
 *
 * asap: each message is written to the socket at once; flusher: a thread of the library collects
 * them. With a certificate the links are TLS, and the server's has to be that one. Prints one line of JSON as troupe-bench does. */
#define _GNU_SOURCE 1
#include <nats/nats.h>

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { body_bytes = 128, answer_within_ms = 5000 };

static void check(natsStatus status, const char* what) {
  if (status != NATS_OK) {
    fprintf(stderr, "nats_calls: %s: %s\n", what, natsStatus_GetText(status));
    exit(1);
  }
}

static uint64_t now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000000U + (uint64_t)t.tv_nsec;
}

static const char* certificate = NULL;

static natsConnection* dial(const char* url, bool asap) {
  natsOptions* options = NULL;
  natsConnection* connection = NULL;
  check(natsOptions_Create(&options), "options");
  check(natsOptions_SetURL(options, url), "url");
  check(natsOptions_SetSendAsap(options, asap), "asap");
  check(natsOptions_SetMaxPendingMsgs(options, 1 << 20), "pending");
  if (certificate != NULL) {
    check(natsOptions_SetSecure(options, true), "tls");
    check(natsOptions_LoadCATrustedCertificates(options, certificate), "certificate");
  }
  check(natsConnection_Connect(&connection, options), "connect");
  natsOptions_Destroy(options);
  return connection;
}

static void answer(natsConnection* connection, natsSubscription* from, natsMsg* asked, void* unused) {
  (void)from;
  (void)unused;
  natsConnection_Publish(
      connection, natsMsg_GetReply(asked), natsMsg_GetData(asked), natsMsg_GetDataLength(asked));
  natsMsg_Destroy(asked);
}

/* The library starts threads, so each process begins with it after the fork. */
static pid_t start_worker(const char* url, bool asap, int ready) {
  const pid_t pid = fork();
  if (pid != 0) {
    return pid;
  }
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  natsConnection* connection = dial(url, asap);
  natsSubscription* subscription = NULL;
  check(natsConnection_Subscribe(&subscription, connection, "echo", answer, NULL), "subscribe");
  check(natsConnection_Flush(connection), "flush");
  if (write(ready, "r", 1) != 1) {
    _exit(1);
  }
  for (;;) {
    pause();
  }
}

static int by_value(const void* a, const void* b) {
  const uint64_t x = *(const uint64_t*)a;
  const uint64_t y = *(const uint64_t*)b;
  return x < y ? -1 : x > y;
}

static void ask(const char* url, bool asap, size_t window, double seconds, double warm_up) {
  natsConnection* connection = dial(url, asap);
  natsInbox* inbox = NULL;
  natsSubscription* replies = NULL;
  check(natsInbox_Create(&inbox), "inbox");
  check(natsConnection_SubscribeSync(&replies, connection, inbox), "subscribe");
  char body[body_bytes];
  memset(body, 'x', sizeof body);
  size_t count = 0;
  size_t room = 1U << 22U;
  uint64_t* took = malloc(room * sizeof *took);
  uint64_t now = now_ns();
  const uint64_t begin = now + (uint64_t)(warm_up * 1e9);
  const uint64_t end = begin + (uint64_t)(seconds * 1e9);
  size_t out = 0;
  while (now < end) {
    for (; out < window; ++out) {
      memcpy(body, &now, sizeof now);
      check(natsConnection_PublishRequest(connection, "echo", inbox, body, body_bytes), "publish");
    }
    natsMsg* reply = NULL;
    check(natsSubscription_NextMsg(&reply, replies, answer_within_ms), "reply");
    now = now_ns();
    uint64_t sent;
    memcpy(&sent, natsMsg_GetData(reply), sizeof sent);
    natsMsg_Destroy(reply);
    --out;
    if (now >= begin && now < end) {
      if (count == room) {
        room *= 2;
        took = realloc(took, room * sizeof *took);
      }
      took[count++] = now - sent;
    }
  }
  qsort(took, count, sizeof *took, by_value);
  printf(
      "{\"system\": \"nats\", \"work\": \"echo.echo\", \"window\": %zu, \"answers\": %zu, "
      "\"rate_per_s\": %.1f, \"p50_us\": %.3f, \"p99_us\": %.3f, \"failures\": 0}\n",
      window, count, (double)count / seconds, count ? (double)took[count / 2] / 1e3 : 0,
      count ? (double)took[(size_t)((double)count * 0.99)] / 1e3 : 0);
}

int main(int count, char** words) {
  if (count != 6 && count != 7) {
    fprintf(stderr, "usage: nats_calls URL asap|flusher WINDOW SECONDS WARM_UP [CERTIFICATE]\n");
    return 2;
  }
  certificate = words[6]; /* NULL behind the last word. */
  const bool asap = strcmp(words[2], "asap") == 0;
  int ends[2];
  char ready = 0;
  if (pipe(ends) != 0) {
    return 1;
  }
  const pid_t worker = start_worker(words[1], asap, ends[1]);
  close(ends[1]);
  if (read(ends[0], &ready, 1) != 1) {
    fprintf(stderr, "nats_calls: the worker did not start\n");
    return 1;
  }
  ask(words[1], asap, (size_t)atol(words[3]), atof(words[4]), atof(words[5]));
  kill(worker, SIGKILL);
  waitpid(worker, NULL, 0);
  return 0;
}
